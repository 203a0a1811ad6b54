import fc from 'fast-check'
import { afterAll, beforeAll, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import {
  configure,
  crashInPlug,
  createNetwork,
  deleteNetwork,
  down,
  emptyModel,
  killConetd,
  killDriver,
  plug,
  remove,
  restartConetd,
  unplug,
  up,
} from './model.ts'

const timeLimitMs = 15_000

const network = fc.constantFrom('blue', 'red', 'green')
const handle = fc.constantFrom('a', 'b')
const index = fc.nat({ max: 3 })

/** A step that starts processes takes a hundred times as long as one that does not. */
const quick = [
  network.map(createNetwork),
  network.map(deleteNetwork),
  fc.tuple(handle, fc.uniqueArray(network, { maxLength: 2 })).map(([h, n]) => configure(h, n)),
  fc.tuple(handle, network).map(([h, n]) => plug(h, n)),
  fc.tuple(handle, index).map(([h, n]) => unplug(h, n)),
  handle.map(up),
  handle.map(down),
  handle.map(remove),
]
const slow = [
  fc.constant(null).map(restartConetd),
  fc.constant(null).map(killConetd),
  fc.constant(null).map(killDriver),
  fc.tuple(handle, network, index).map(([h, n, ms]) => crashInPlug(h, n, ms)),
]

let fixture: ConetdFixture

beforeAll(async () => {
  fixture = await ConetdFixture.start({ drivers: ['null'] })
})

afterAll(() => fixture?.[Symbol.asyncDispose]())

it('whatever is asked of conetd, and whoever dies in between, it has what the model has', async () => {
  const end = performance.now() + timeLimitMs
  await fc.assert(
    fc.asyncProperty(
      fc.commands([...quick, ...quick, ...quick, ...quick, ...quick, ...slow], {
        size: '+1',
        maxCommands: 60,
      }),
      async (steps) => {
        // Of fast-check's own limits one leaves a run going on behind its back, the other fails.
        if (performance.now() > end) return
        await fixture.removeEverything()
        await fc.asyncModelRun(() => ({ model: emptyModel(), real: fixture }), steps)
      },
    ),
    // Shrinking would run for hours: the seed and the path, which a failure tells, are enough to see it again.
    { numRuns: 1_000, endOnFailure: true },
  )
})
