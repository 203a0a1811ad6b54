// Runs what is compared in turns, A B A B …, because a machine has fast and slow phases that would else fall on one side.
import { record, type Samples } from './samples.ts'

/** A row and what was measured for it. */
export type Measured = readonly [row: string, value: number]

/** One of the things that are compared. A round does it, maybe several times in a row, and says how long each took. */
export type Side = {
  /** Rounds before anything is counted: the compilers of all processes on the way must have seen it often. */
  readonly warmUps: number
  round(): Promise<readonly Measured[]>
}

export type Rounds = {
  readonly rounds: number
  readonly signal: AbortSignal
  readonly progress: (text: string) => void
  readonly title: string
}

export async function interleave(
  sides: readonly Side[],
  samples: Samples,
  { rounds, signal, progress, title }: Rounds,
): Promise<void> {
  for (const side of sides) {
    for (let count = 0; count < side.warmUps; count++) {
      signal.throwIfAborted()
      progress(`${title}: warming up`)
      await side.round()
    }
  }
  for (let count = 0; count < rounds; count++) {
    progress(`${title}: round ${count + 1} of ${rounds}`)
    // Forth and back, so that no side always runs on the caches that the same other one has left.
    for (const side of count % 2 === 0 ? sides : sides.toReversed()) {
      signal.throwIfAborted()
      for (const [row, value] of await side.round()) record(samples, row, value)
    }
  }
}
