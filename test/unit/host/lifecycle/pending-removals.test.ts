import { PendingRemovals } from '@conet/host/lifecycle/pending-removals'
import { describe, expect, it } from 'vitest'

describe('what must still go', () => {
  it('is tried again until it is done, and later each time', async () => {
    const tries: number[] = []
    await new Promise<void>((resolve) => {
      const removals = new PendingRemovals({
        firstDelayMs: 5,
        maxDelayMs: 20,
        onError: () => undefined,
        retry: async ({ id }) => {
          tries.push(performance.now())
          if (tries.length < 3) throw new Error('not yet')
          removals.done(id)
          resolve()
        },
      })
      removals.add({ kind: 'endpoint', id: 'e1' })
      removals.add({ kind: 'endpoint', id: 'e1' })
      expect(removals.size).toBe(1)
    })
    expect(tries).toHaveLength(3)
  })

  it('goes at once when the driver is back, endpoints before networks', async () => {
    const order: string[] = []
    using removals = new PendingRemovals({
      firstDelayMs: 60_000,
      onError: () => undefined,
      retry: async ({ id }) => {
        order.push(id)
      },
    })
    removals.add({ kind: 'network', id: 'n1' })
    removals.add({ kind: 'endpoint', id: 'e1' })
    removals.add({ kind: 'endpoint', id: 'other' })
    await removals.retryNow(({ id }) => id !== 'other')
    expect(order).toEqual(['e1', 'n1'])
  })
})
