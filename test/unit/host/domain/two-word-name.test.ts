import { twoWordName } from '@conet/host/domain/two-word-name'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

describe('generated names', () => {
  it('[C15] are two words', () => {
    expect(twoWordName(() => false)).toMatch(/^[a-z]+_[a-z]+$/)
  })

  it('are never one that is taken, also when all pairs are', () => {
    const taken = new Set<string>()
    for (let n = 0; n < 3000; n++) {
      const name = twoWordName(
        (candidate) => taken.has(candidate),
        () => 0.999,
      )
      expect(taken.has(name)).toBe(false)
      taken.add(name)
    }
  })

  it('fit where network names are checked', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (random) => {
        expect(
          twoWordName(
            () => false,
            () => random,
          ),
        ).toMatch(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/)
      }),
    )
  })
})
