// Things that are compared plug by plug: one plugs, then the other, and again; then they unplug in turns.
import type { Measured, Side } from '../interleave.ts'

/** One that plugs and unplugs endpoints, by number. */
export type Plugger = {
  plug(number: number): Promise<readonly Measured[]>
  unplug(number: number): Promise<readonly Measured[]>
}

/** A few endpoints a round, so that what is measured is the work, and not how long a processor takes to wake up. */
export function turns(
  pluggers: readonly Plugger[],
  { endpoints, warmUps }: { endpoints: number; warmUps: number },
): Side {
  let round = 0
  return {
    warmUps,
    async round() {
      const measured: Measured[] = []
      round++
      for (const act of ['plug', 'unplug'] as const) {
        for (let number = 0; number < endpoints; number++) {
          // Forth and back: what one leaves to be done after its answer is not always borne by the same next one.
          const order = (round + number) % 2 === 0 ? pluggers : pluggers.toReversed()
          for (const plugger of order) measured.push(...(await plugger[act](number)))
        }
      }
      return measured
    },
  }
}
