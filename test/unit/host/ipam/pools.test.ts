import {
  choosePool,
  defaultIpv4Pools,
  findOverlap,
  formatAddress,
  generateUlaPool,
  parsePools,
} from '@conet/host/ipam/index'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

describe('default pools', () => {
  it('give the first free block, and the next pool when one is used up', () => {
    expect(choosePool(4, defaultIpv4Pools, [])).toBe('10.0.0.0/16')
    expect(choosePool(4, defaultIpv4Pools, ['0.0.0.0/0', '10.0.0.0/16', '10.1.7.0/24'])).toBe('10.2.0.0/16')
    expect(choosePool(4, defaultIpv4Pools, ['10.0.0.0/8'])).toBe('172.16.0.0/16')
    expect(choosePool(4, defaultIpv4Pools, ['10.0.0.0/8', '172.16.0.0/12'])).toBe('192.168.0.0/20')
    expect(choosePool(4, defaultIpv4Pools, ['10.255.7.0/24'], 'end')).toBe('10.254.0.0/16')
  })

  it('fail with use and capacity when no block is free', () => {
    const choose = () => choosePool(4, defaultIpv4Pools, ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'])
    const details = { family: 4, used: 288, capacity: 288 }
    expect(choose).toThrow(expect.objectContaining({ kind: 'addressesExhausted', details }))
    expect(() => choosePool(6, defaultIpv4Pools, [])).toThrow(
      expect.objectContaining({ kind: 'addressesExhausted' }),
    )
  })

  it('never give a block that meets another, and skip no free one before it', () => {
    const pools = [
      { base: '10.0.0.0/22', size: 25 },
      { base: '10.1.0.0/24', size: 27 },
    ]
    const blocks = [...Array(8).keys()].map((n) => `10.0.${n >> 1}.${(n & 1) * 128}/25`)
    blocks.push(...[...Array(8).keys()].map((n) => `10.1.0.${n * 32}/27`))
    const route = fc
      .tuple(fc.constantFrom('10.0', '10.1'), fc.nat(4), fc.nat(255), fc.integer({ min: 21, max: 32 }))
      .map(([base, third, fourth, prefix]) => `${base}.${third}.${fourth}/${prefix}`)
    fc.assert(
      fc.property(fc.array(route, { maxLength: 12 }), (taken) => {
        const isFree = (block: string) =>
          findOverlap(
            block,
            taken.map((subnet) => ({ subnet, owner: 'x' })),
          ) === undefined
        const inEachPool = [blocks.slice(0, 8), blocks.slice(8)]
        const last = inEachPool.map((some) => some.findLast(isFree)).find((block) => block !== undefined)
        const expected = blocks.find(isFree)
        if (last !== undefined) expect(choosePool(4, pools, taken, 'end')).toBe(last)
        if (expected === undefined) expect(() => choosePool(4, pools, taken)).toThrow()
        else expect(choosePool(4, pools, taken)).toBe(expected)
      }),
      { numRuns: 500 },
    )
  })

  it('of IPv6 lie in one random /48 of unique local addresses (RFC 4193)', () => {
    const pool = generateUlaPool(Uint8Array.of(1, 2, 3, 4, 5))
    expect(pool).toEqual({ base: 'fd01:203:405::/48', size: 64 })
    expect(choosePool(6, [pool], ['::/0', 'fd01:203:405::/64'])).toBe('fd01:203:405:1::/64')
    expect(generateUlaPool().base).not.toBe(generateUlaPool().base)
    expect(parsePools([generateUlaPool()])).toHaveLength(1)
  })

  it('find the last free /64 of 65,536 at once', () => {
    const base = 0xfd01n << 112n
    const taken = [...Array(65_535).keys()].map(
      (n) => `${formatAddress({ family: 6, value: base | (BigInt(n) << 64n) })}/64`,
    )
    expect(choosePool(6, [{ base: 'fd01::/48', size: 64 }], taken)).toBe('fd01:0:0:ffff::/64')
  })

  it('are refused with the wrong fields named', () => {
    const pools = [
      { base: '10.0.0.1/8', size: 16 },
      { base: '10.0.0.0/8', size: 4 },
      { base: '10.0.0.0/8', size: 31 },
    ]
    const fields = ['base', 'size', 'size'].map((field, n) =>
      expect.objectContaining({ path: `pools[${n}].${field}` }),
    )
    expect(() => parsePools(pools)).toThrow(expect.objectContaining({ kind: 'invalidArgument', fields }))
  })
})
