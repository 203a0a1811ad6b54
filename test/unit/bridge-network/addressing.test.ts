import { parseIp } from '@conet/sdk/linux'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  gatewayFor,
  gatewaySubnets,
  hasIpv6,
  linkLocalOf,
  macOfNetwork,
} from '../../../sdk/dist/bridge-network/addressing.js'

describe('addresses that follow from others', () => {
  it('the link-local address is the one the kernel makes of a MAC', () => {
    expect(linkLocalOf('02:42:0a:01:00:02')).toBe('fe80::42:aff:fe01:2/64')
    expect(linkLocalOf('00:11:22:33:44:55')).toBe('fe80::211:22ff:fe33:4455/64')
  })

  it('the MAC of a network is for one receiver, local, and always the same', () => {
    const hex = fc.stringMatching(/^[0-9a-f]{64}$/)
    fc.assert(
      fc.property(hex, (networkId) => {
        const mac = macOfNetwork(networkId)
        expect(mac).toMatch(/^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/)
        expect(macOfNetwork(networkId)).toBe(mac)
      }),
    )
  })

  it('IPv6 needs an MTU of 1280', () => {
    expect(hasIpv6(1279)).toBe(false)
    expect(hasIpv6(1280)).toBe(true)
  })
})

describe('the gateway of an address', () => {
  const subnets = gatewaySubnets([
    { subnet: '10.1.128.0/17', gateway: '10.1.128.1' },
    { subnet: '10.1.0.0/17', gateway: '10.1.0.1' },
    { subnet: '10.2.0.0/16' },
    { subnet: 'fd00:1::/60', gateway: 'fd00:1::1' },
    { subnet: '10.3.0.4/32', gateway: '10.3.0.4' },
  ])
  const gateway = (address: string) => gatewayFor(parseIp(address).bytes, subnets)

  it.each([
    ['10.1.127.255', '10.1.0.1'],
    ['10.1.128.0', '10.1.128.1'],
    ['10.2.0.2', undefined],
    ['10.3.0.4', '10.3.0.4'],
    ['10.3.0.5', undefined],
    ['fd00:1:0:f::2', 'fd00:1::1'],
    ['fd00:1:0:10::2', undefined],
  ])('%s has %s', (address, expected) => {
    expect(gateway(address)).toBe(expected)
  })

  it('agrees with arithmetic for every IPv4 prefix', () => {
    const number = fc.integer({ min: 0, max: 0xffffffff })
    const text = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')
    fc.assert(
      fc.property(number, number, fc.integer({ min: 0, max: 32 }), (network, address, prefixLength) => {
        const size = 2 ** (32 - prefixLength)
        const isInside = Math.floor(network / size) === Math.floor(address / size)
        const [subnet] = gatewaySubnets([{ subnet: `${text(network)}/${prefixLength}`, gateway: 'g' }])
        const found = gatewayFor(parseIp(text(address)).bytes, subnet === undefined ? [] : [subnet])
        expect(found).toBe(isInside ? 'g' : undefined)
      }),
    )
  })
})
