// What is the same for a short visit and for a long one.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { exhibits, inBatchesOf } from './exhibits.ts'
import { type VisitOptions, ZooVisit } from './zoo-visit.ts'

export type SurvivalOptions = VisitOptions & {
  readonly shownForMs: number
  /** Until the log must have told what is wrong, when the time of showing is over; they are used until then. */
  readonly patienceMs: number
  /** For garbage that is not collected yet. */
  readonly mostGrowthBytes: number
}

export function hostSurvivesZoo(options: SurvivalOptions): void {
  const { shownForMs, patienceMs, atOnce, mostGrowthBytes } = options
  const slow = exhibits.filter(({ isSlow }) => isSlow)
  const quick = exhibits.filter(({ isSlow }) => !isSlow)
  let visit: ZooVisit
  let showing: AsyncDisposable
  let bytesBefore: number | undefined

  beforeAll(async () => {
    visit = await ZooVisit.begin(options)
    showing = await visit.show(slow)
  }, 60_000)

  afterAll(() => visit?.[Symbol.asyncDispose](), 60_000)

  describe('a host to which broken drivers come serves others, stays small, and logs what is wrong', () => {
    const batches = inBatchesOf(atOnce, quick).map((batch) => ({
      names: batch.map(({ name }) => name).join(', '),
      batch,
    }))

    it.each(batches)(
      '[K7] $names',
      async ({ batch }) => {
        const { neighbour } = visit
        const log = visit.log.fromNow()
        const callsBefore = neighbour.calls
        await using _shown = await visit.show(batch)
        await using used = visit.use(batch)
        await sleep(shownForMs)
        await eventually(() => expect(neighbour.calls).toBeGreaterThan(callsBefore + 20), {
          timeoutMs: 10_000,
        })
        await eventually(() => expect(visit.untold(batch, log)).toEqual([]), {
          timeoutMs: patienceMs,
          everyMs: 100,
        })
        await used[Symbol.asyncDispose]()
        expect(neighbour.failures.splice(0)).toEqual([])
        bytesBefore ??= visit.residentBytes
        expect(visit.residentBytes).toBeLessThan(bytesBefore + mostGrowthBytes)
      },
      // A wait takes three times as long before it says what was missing.
      shownForMs + 3 * patienceMs + 60_000,
    )
  })

  it('[K7] and at last what is wrong with those that are slow', async () => {
    await eventually(() => expect(visit.untold(slow, visit.log)).toEqual([]), {
      timeoutMs: 40_000,
      everyMs: 500,
    })
    await showing[Symbol.asyncDispose]()
  }, 60_000)

  it('[K7] it keeps no connection and no object of those that are gone', () => visit.expectNoTraces(), 60_000)
}
