// Runs what is compared in turns, A B A B …, because a machine has fast and slow phases that would else fall on one side.
import { record, type Samples } from './samples.ts'

/** One of the things that are compared: a round does it once and says how long each of its rows took. */
export type Side = {
  /** Rounds before anything is counted: the compilers of all processes on the way must have seen it. */
  readonly warmUps: number
  round(): Promise<readonly (readonly [row: string, value: number])[]>
}

export type Rounds = {
  readonly rounds: number
  readonly signal: AbortSignal
  readonly onRound: (done: number) => void
}

export async function interleave(
  sides: readonly Side[],
  samples: Samples,
  { rounds, signal, onRound }: Rounds,
): Promise<void> {
  for (const side of sides) {
    for (let count = 0; count < side.warmUps; count++) {
      signal.throwIfAborted()
      await side.round()
    }
  }
  for (let count = 0; count < rounds; count++) {
    onRound(count)
    // Forth and back, so that no side always runs on the caches that the same other one has left.
    for (const side of count % 2 === 0 ? sides : sides.toReversed()) {
      signal.throwIfAborted()
      for (const [row, value] of await side.round()) record(samples, row, value)
    }
  }
}
