import { nftInterfaceName, nftName, nftString } from '@conet/sdk/linux'
import { describe, expect, it } from 'vitest'

const invalid = expect.objectContaining({ kind: 'invalidArgument' })

describe('text for a ruleset', () => {
  it('a name passes as it is', () => {
    expect(nftName('conet_bridge')).toBe('conet_bridge')
    expect(nftName('_a-b.c1')).toBe('_a-b.c1')
  })

  it.each(['', '1a', 'a b', 'a;b', 'a{', 'a"', '@a', 'a\n', 'ä', 'a'.repeat(128)])(
    'the name %j is refused',
    (name) => {
      expect(() => nftName(name)).toThrow(invalid)
    },
  )

  it('a string comes in quotes', () => {
    expect(nftString('endpoint 1f0c; {drop} #x')).toBe('"endpoint 1f0c; {drop} #x"')
  })

  it.each(['a"b', 'a\\', 'a\nb', 'a\0', 'é'.repeat(64)])('the string %j is refused', (text) => {
    expect(() => nftString(text)).toThrow(invalid)
  })

  it('an interface name comes in quotes', () => {
    expect(nftInterfaceName('veth1f0c.1')).toBe('"veth1f0c.1"')
  })

  it.each(['', 'eth*', 'a b', 'a/b', 'a"', '.', '..', 'x'.repeat(16), 'é'.repeat(8)])(
    'the interface name %j is refused',
    (name) => {
      expect(() => nftInterfaceName(name)).toThrow(invalid)
    },
  )
})
