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

  it('is shown together with what somebody saw, of which nothing is tried, until he sees it no more or it is done', () => {
    using repairs = new PendingRetries({
      verb: 'repair',
      firstDelayMs: 60_000,
      onError: () => undefined,
      retry: async () => undefined,
    })
    repairs.add({ kind: 'network', id: 'n1' }, 'it could not be made')
    using look = repairs.look('bridge')
    look.found(
      new Map([
        ['n1', 'it is down'],
        ['n2', 'it is gone'],
        ['n3', 'it is down'],
      ]),
    )
    const shown = () => ['n1', 'n2', 'n3'].map((id) => repairs.troubleOf(id))
    expect(shown()).toEqual(['it could not be made', 'it is gone', 'it is down'])
    expect([repairs.size, repairs.reasonOf('n2')]).toEqual([1, undefined])
    repairs.done('n2')
    expect(shown()).toEqual(['it could not be made', undefined, 'it is down'])
    using next = repairs.look('bridge')
    next.found(new Map())
    expect(shown()).toEqual(['it could not be made', undefined, undefined])
  })

  it('is tried by one at a time, and once more after that, however often its driver comes back meanwhile', async () => {
    let atOnce = 0
    let most = 0
    let tries = 0
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    using removals = new PendingRetries({
      verb: 'remove',
      firstDelayMs: 60_000,
      onError: () => undefined,
      retry: async () => {
        tries += 1
        atOnce += 1
        most = Math.max(most, atOnce)
        await released
        atOnce -= 1
      },
    })
    for (let n = 0; n < 300; n++) removals.add({ kind: 'endpoint', id: `e${n}` })
    const rounds = Array.from({ length: 10 }, () => removals.retryNow(() => true))
    expect([most, tries]).toEqual([300, 300])
    release()
    await Promise.all(rounds)
    expect([most, tries]).toEqual([300, 600])
  })

  it('is news once for each reason, and never again for one whose reasons have no end', async () => {
    const told: string[] = []
    using removals = new PendingRetries({
      verb: 'remove',
      firstDelayMs: 60_000,
      retry: async () => undefined,
      onError: ({ id }, error, isNews) => isNews && told.push(`${id}: ${String(error)}`),
    })
    for (const reason of ['busy', 'busy', 'full', 'busy'])
      removals.failed({ kind: 'endpoint', id: 'e1' }, reason)
    expect(told).toEqual(['e1: busy', 'e1: full'])
    for (let n = 0; n < 50; n++) removals.failed({ kind: 'endpoint', id: 'e2' }, `try ${n}`)
    expect(told).toHaveLength(6)
    removals.done('e1')
    removals.failed({ kind: 'endpoint', id: 'e1' }, 'busy')
    expect(told.at(-1)).toBe('e1: busy')
  })
})
