import { isIPv4, isIPv6 } from 'node:net'
import {
  formatIp,
  formatMac,
  formatPrefix,
  ipv4Number,
  parseIp,
  parseMac,
  parsePrefix,
} from '@conet/sdk/linux'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
/** Many zeros, which are what IPv6 text is difficult about. */
const sparseIpv6 = fc
  .array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
  .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255])))

describe('IP addresses', () => {
  it('come back from their text', () => {
    fc.assert(
      fc.property(fc.oneof(bytes(4), bytes(16), sparseIpv6), (address) => {
        expect(Uint8Array.from(parseIp(formatIp(address)).bytes)).toEqual(address)
      }),
    )
  })

  it('of IPv4 are one number each, and nothing else is', () => {
    const almost = fc.array(fc.constantFrom('.', '0', '1', '25', '256', ' ', ':'), { maxLength: 8 })
    const texts = fc.oneof(
      bytes(4).map((address) => formatIp(address)),
      almost.map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(texts, (text) => {
        const number = isIPv4(text) ? parseIp(text).bytes.readUInt32BE() : undefined
        expect(ipv4Number(text)).toBe(number)
        if (number !== undefined)
          expect(text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)).toBe(number)
      }),
    )
  })

  it('of IPv6 are written as the URL standard writes them', () => {
    fc.assert(
      fc.property(sparseIpv6, (address) => {
        const text = formatIp(address)
        expect(isIPv6(text)).toBe(true)
        expect(new URL(`http://[${text}]/`).hostname).toBe(`[${text}]`)
      }),
    )
  })

  it.each([
    ['::', '::'],
    ['::1', '::1'],
    ['fd00::', 'fd00::'],
    ['FD00:0:0:1::2', 'fd00:0:0:1::2'],
    ['::ffff:10.0.0.1', '::ffff:a00:1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ])('%s is %s', (text, canonical) => {
    expect(formatIp(parseIp(text).bytes)).toBe(canonical)
  })

  it.each(['', '10.0.0', '10.0.0.256', '10.0.0.1 ', 'fd00::1%eth0', '1::2::3', 'localhost', '010.0.0.1'])(
    '%j is refused',
    (text) => {
      expect(() => parseIp(text)).toThrow(TypeError)
    },
  )
})

describe('prefixes', () => {
  it('come back from their text', () => {
    const prefix = fc.oneof(fc.tuple(bytes(4), fc.nat(32)), fc.tuple(bytes(16), fc.nat(128)))
    fc.assert(
      fc.property(prefix, ([address, length]) => {
        const parsed = parsePrefix(formatPrefix(address, length))
        expect(Uint8Array.from(parsed.bytes)).toEqual(address)
        expect(parsed.prefixLength).toBe(length)
      }),
    )
  })

  it('without a length are one address', () => {
    expect(parsePrefix('10.0.0.1').prefixLength).toBe(32)
    expect(parsePrefix('fd00::1').prefixLength).toBe(128)
  })

  it.each([
    '10.0.0.1/33',
    'fd00::1/129',
    '10.0.0.1/',
    '10.0.0.1/-1',
    '10.0.0.1/8/8',
    '10.0.0.1/a',
    '/8',
    '10.0.0.1/1e1',
    '10.0.0.1/032',
    '10.0.0.0/08',
  ])('%j is refused', (text) => {
    expect(() => parsePrefix(text)).toThrow(TypeError)
  })
})

describe('MAC addresses', () => {
  it('come back from their text', () => {
    fc.assert(
      fc.property(bytes(6), (mac) => {
        expect(Uint8Array.from(parseMac(formatMac(mac)))).toEqual(mac)
      }),
    )
  })

  it.each([
    '',
    '02:42:0a:00:00',
    '02:42:0a:00:00:02:03',
    '02-42-0a-00-00-02',
    '02:42:0a:00:00:0g',
    '2:42:0a:00:00:02',
  ])('%j is refused', (text) => {
    expect(() => parseMac(text)).toThrow(TypeError)
  })
})
