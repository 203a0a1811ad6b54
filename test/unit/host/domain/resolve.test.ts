import { meantBy, resolveKey } from '@conet/host/domain/resolve'
import { describe, expect, it } from 'vitest'

const blue = { id: `abcd1${'0'.repeat(59)}`, name: 'blue' }
const red = { id: `abcd2${'0'.repeat(59)}`, name: 'red' }
/** A name that is a prefix of another network's id. */
const tricky = { id: `ffff${'0'.repeat(60)}`, name: 'abcd' }

describe('naming an object', () => {
  it('[C11] finds a network by its id, by a prefix of it, and by its name', () => {
    for (const key of [blue.id, 'abcd1', 'blue']) expect(resolveKey(key, [blue, red], 'network')).toBe(blue)
  })

  it('prefers a name over a prefix of an id', () => {
    expect(resolveKey('abcd', [blue, red, tricky], 'network')).toBe(tricky)
  })

  it('means by one key all that it fits in the best way', () => {
    expect(meantBy('abcd', [blue, red])).toEqual([blue, red])
    expect(meantBy('abcd', [blue, red, tricky])).toEqual([tricky])
    expect(meantBy('abc', [blue, red])).toEqual([])
  })

  it('refuses a prefix that fits several and names the candidates', () => {
    expect(() => resolveKey('abcd', [blue, red], 'network')).toThrow(
      expect.objectContaining({
        kind: 'invalidArgument',
        message: expect.stringContaining('abcd10000000, abcd20000000'),
      }),
    )
  })

  it('refuses a name that two networks have and names both', () => {
    const other = { id: `eeee${'0'.repeat(60)}`, name: 'blue' }
    expect(() => resolveKey('blue', [blue, other], 'network')).toThrow(
      expect.objectContaining({
        kind: 'invalidArgument',
        message: expect.stringContaining('abcd10000000, eeee00000000'),
      }),
    )
    expect(resolveKey(other.id, [blue, other], 'network')).toBe(other)
  })

  it('takes no prefix shorter than four digits', () => {
    const help = 'give at least 4 digits of the id'
    expect(() => resolveKey('abc', [blue], 'network')).toThrow(
      expect.objectContaining({ kind: 'notFound', help }),
    )
    expect(() => resolveKey('abd', [blue], 'network')).toThrow(
      expect.objectContaining({ kind: 'notFound', help: undefined }),
    )
    // An endpoint has no name that it could be.
    expect(() => resolveKey('abd', [blue], 'endpoint')).toThrow(
      expect.objectContaining({ kind: 'notFound', help }),
    )
    expect(() => resolveKey('abde', [blue], 'endpoint')).toThrow(
      expect.objectContaining({ kind: 'notFound', help: undefined }),
    )
  })
})
