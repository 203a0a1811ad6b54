import { inLots } from '@conet/host/lifecycle/in-lots'
import { expect, it } from 'vitest'

it('goes through all in order, as they were at the beginning, and lets others have their turn after each lot', async () => {
  const items = new Set(Array.from({ length: 100 }, (_, n) => n))
  const seen: number[] = []
  const before: number[] = []
  for await (const item of inLots(items, 10)) {
    if (item === 0) items.add(1_000)
    seen.push(item)
    setImmediate(() => before.push(item))
  }
  expect(seen).toEqual(Array.from({ length: 100 }, (_, n) => n))
  // What was asked for during a lot was done before the next.
  expect(before.length).toBeGreaterThanOrEqual(90)
})
