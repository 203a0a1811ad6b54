// The form of addresses that are written into files before any program reads them, against what Node reads as one.
import { isIP, isIPv4 } from 'node:net'
import { CreateNetworkBody, UpBody } from '@conet/sdk/api'
import fc from 'fast-check'
import { Compile } from 'typebox/compile'
import { describe, expect, it } from 'vitest'

const network = Compile(CreateNetworkBody)
const up = Compile(UpBody)
const isServer = (text: string) => network.Check({ name: 'n', type: 'null', dns: { servers: [text] } })
const isHost = (text: string) => up.Check({ extra_hosts: [{ address: text, names: ['a'] }] })

describe('the address of a resolver and of a line in a hosts file', () => {
  it('is what is one, in lower case', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const [address = ''] = [text.toLowerCase()]
        // An IPv4 address in the end of another than ::ffff: is not written by anybody.
        fc.pre(!address.includes('.') || isIPv4(address))
        expect(isServer(address)).toBe(true)
        expect(isHost(address)).toBe(true)
      }),
    )
  })

  it('is nothing else, also of the same characters', () => {
    const characters = fc.string({ unit: fc.constantFrom(...'0123456789abcdef.:'), maxLength: 45 })
    fc.assert(
      fc.property(characters, (text) => {
        if (isServer(text)) expect(isIP(text)).not.toBe(0)
        if (isHost(text)) expect(isIP(text)).not.toBe(0)
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    '1e1',
    '00:00:00:00:00:00',
    '....',
    '300.1.1.1',
    '0177.0.0.1',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    ':::',
  ])('is not %s', (text) => {
    expect(isServer(text)).toBe(false)
    expect(isHost(text)).toBe(false)
  })

  it.each([
    '::',
    '::1',
    '::ffff:192.0.2.1',
    'fd00::',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '255.255.255.255',
  ])('may be %s', (text) => expect(isServer(text)).toBe(true))
})
