import { Pace } from '@conet/sdk/jsonrpc'
import fc from 'fast-check'
import { expect, it } from 'vitest'

it('takes a burst, then rests for as long as what came was too much', () => {
  let now = 0
  const pace = new Pace({ perSecond: 100, burst: 10 }, () => now)
  for (let count = 0; count < 10; count++) expect(pace.restAfter(0)).toBe(0)
  expect(pace.restAfter(0)).toBe(10)
  expect(pace.restAfter(0)).toBe(20)
  now += 20
  expect(pace.restAfter(0)).toBe(10)
  now += 10_000
  expect(pace.restAfter(0)).toBe(0)
})

it('counts a long message as many, and rests for half a second at most', () => {
  const pace = new Pace({ perSecond: 1_000, burst: 100 }, () => 0)
  expect(pace.restAfter(100 * 2048)).toBe(1)
  expect(pace.restAfter(4 * 1024 ** 2)).toBe(500)
})

it('remembers no more than the longest rest, however much came in one piece', () => {
  let now = 0
  const pace = new Pace({ perSecond: 1_000, burst: 100 }, () => now)
  for (let count = 0; count < 10; count++) pace.restAfter(4 * 1024 ** 2)
  now += 501
  expect(pace.restAfter(0)).toBe(0)
})

it('lets no more through than the burst and what the time gives, whatever comes', () => {
  const message = fc.record({ length: fc.nat(8192), pauseMs: fc.nat(50) })
  fc.assert(
    fc.property(fc.array(message, { maxLength: 200 }), (messages) => {
      let now = 0
      let taken = 0
      const pace = new Pace({ perSecond: 100, burst: 20 }, () => now)
      for (const { length, pauseMs } of messages) {
        now += pauseMs
        const restMs = pace.restAfter(length)
        taken += 1 + length / 2048
        now += restMs
        expect(taken).toBeLessThanOrEqual(20 + now / 10 + 1e-6)
      }
    }),
  )
})
