import { PendingRetries } from '@conet/host/lifecycle/pending-retries'
import { describe, expect, it } from 'vitest'

describe('what must be tried again', () => {
  it('is tried again until it is done, as one operation whose attempts are counted', async () => {
    const tries: object[] = []
    await new Promise<void>((resolve) => {
      const removals = new PendingRetries({
        verb: 'remove',
        firstDelayMs: 5,
        maxDelayMs: 20,
        onError: () => undefined,
        retry: async ({ id }, operation) => {
          tries.push(operation)
          if (tries.length < 3) throw new Error('not yet')
          removals.done(id)
          resolve()
        },
      })
      removals.add({ kind: 'endpoint', id: 'e1' })
      removals.add({ kind: 'endpoint', id: 'e1' })
      expect(removals.size).toBe(1)
    })
    expect(tries).toEqual([1, 2, 3].map((attempt) => ({ id: 'remove-e1', attempt })))
  })

  it('goes at once when the driver is back, endpoints before networks', async () => {
    const order: string[] = []
    using removals = new PendingRetries({
      verb: 'remove',
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
