import { blockAround, formatAddress, formatBlock, parseAddress, readBlock } from '@conet/host/ipam/index'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const ipv4 = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value) => ({ family: 4 as const, value }))
// Runs of zeros in every place, because they are what the short form is about.
const ipv6 = fc
  .array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 })
  .map((words) => ({
    family: 6 as const,
    value: words.reduce((sum, word) => (sum << 16n) | BigInt(word), 0n),
  }))

function urlHost(address: { value: bigint }): string {
  const words = address.value.toString(16).padStart(32, '0').match(/.{4}/g) ?? []
  return new URL(`http://[${words.join(':')}]`).hostname.slice(1, -1)
}

describe('addresses and blocks', () => {
  it('read every address that they have written', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), (address) => {
        expect(parseAddress(formatAddress(address))).toEqual(address)
      }),
    )
  })

  it('write IPv6 in the one canonical form, as the URL standard does', () => {
    fc.assert(
      fc.property(ipv6, (address) => {
        expect(formatAddress(address)).toBe(urlHost(address))
      }),
    )
  })

  it('read every block that they have written, and refuse it with any host bit', () => {
    const prefixed = fc.oneof(fc.tuple(ipv4, fc.nat(32)), fc.tuple(ipv6, fc.nat(128)))
    fc.assert(
      fc.property(prefixed, ([address, prefix]) => {
        const text = `${formatAddress(address)}/${prefix}`
        const block = blockAround(text)
        expect(readBlock(formatBlock(block))).toEqual({ ok: true, value: block })
        expect(readBlock(text).ok).toBe(address.value === block.first)
      }),
    )
  })

  it.each([
    '',
    '10.0.0',
    '010.0.0.1',
    '0x0a.0.0.1',
    '10.0.0.256',
    ' 10.0.0.1',
    '10.0.0.1/8',
    'fe80::1%eth0',
    '1::2::3',
    'g::',
    '::ffff:1.2.3',
  ])('refuse %j as an address', (text) => {
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ kind: 'invalidArgument' }))
  })

  it.each([
    '10.0.0.0',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/255.0.0.0',
    'fd00::/129',
    '10.0.0.0/8/8',
    '/8',
  ])('refuse %j as a block', (text) => {
    expect(readBlock(text).ok).toBe(false)
  })

  it('name the canonical form of a block with host bits', () => {
    expect(readBlock('10.1.2.3/16')).toEqual({ ok: false, reason: expect.stringContaining('10.1.0.0/16') })
    expect(readBlock('FD00:0::1/64')).toEqual({ ok: false, reason: expect.stringContaining('fd00::/64') })
  })
})
