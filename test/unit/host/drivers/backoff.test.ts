import { TokenBucket } from '@conet/host/drivers/token-bucket'
import { Backoff } from '@conet/host/retry/backoff'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

describe('back-off', () => {
  it('doubles from the first wait to the longest and stays there', () => {
    const backoff = new Backoff({ firstMs: 100, mostMs: 10_000, random: () => 0.5 })
    const waits = Array.from({ length: 9 }, () => backoff.nextMs())
    expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000])
  })

  it('begins anew after a reset', () => {
    const backoff = new Backoff({ firstMs: 100, mostMs: 10_000, random: () => 0.5 })
    backoff.nextMs()
    backoff.nextMs()
    backoff.reset()
    expect(backoff.nextMs()).toBe(100)
  })

  it('never waits less than 80 % of the first wait nor more than the longest, however often it is asked', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (tries, x) => {
          const backoff = new Backoff({ firstMs: 100, mostMs: 10_000, random: () => x })
          const waits = Array.from({ length: tries }, () => backoff.nextMs())
          return waits.every((wait) => wait >= 80 && wait <= 10_000)
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe('token bucket', () => {
  it('lets a burst through, then the average', () => {
    let now = 0
    const bucket = new TokenBucket({ perSecond: 10, burst: 3, now: () => now })
    expect([1, 2, 3, 4, 5].map(() => bucket.take())).toEqual([true, true, true, false, false])
    now = 100
    expect([bucket.take(), bucket.take()]).toEqual([true, false])
  })
})
