// Goes through what may be long to look at, and lets others have their turn now and then.
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Before others have their turn: a thousand filters, or a bridge with thousands of entries, take 50 ms. */
const turnMs = 4

/** Each of them in order. What was read before the loop may be old when it ends. */
export async function* inTurns<T>(items: Iterable<T>): AsyncGenerator<T> {
  let turnEnds = performance.now() + turnMs
  for (const item of items) {
    if (performance.now() > turnEnds) {
      await nextTurn()
      turnEnds = performance.now() + turnMs
    }
    yield item
  }
}
