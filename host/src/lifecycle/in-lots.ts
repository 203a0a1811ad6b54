// Goes through what may be many, without a pause over each lot; other work has its turn after each.
import { setImmediate as nextTurn } from 'node:timers/promises'

/** As they are when it begins. */
export async function* inLots<T>(items: Iterable<T>, lot = 16): AsyncGenerator<T> {
  for (const [index, item] of [...items].entries()) {
    if (index % lot === lot - 1) await nextTurn()
    yield item
  }
}
