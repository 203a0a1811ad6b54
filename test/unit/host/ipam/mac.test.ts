import { linkLocalOfMac, macFromEndpointId, macFromIpv4 } from '@conet/host/ipam/index'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

describe('MAC addresses', () => {
  it('[C18] are 02:42 and the bytes of the IPv4 address', () => {
    expect(macFromIpv4('10.0.0.2')).toBe('02:42:0a:00:00:02')
    expect(macFromIpv4('192.168.255.1')).toBe('02:42:c0:a8:ff:01')
    expect(() => macFromIpv4('fd00::1')).toThrow(expect.objectContaining({ kind: 'invalidArgument' }))
  })

  it('[C18] give the link-local IPv6 address that the kernel gives', () => {
    expect(linkLocalOfMac('02:42:0a:00:00:02')).toBe('fe80::42:aff:fe00:2')
    expect(linkLocalOfMac('02:42:0a:00:00:06')).toBe('fe80::42:aff:fe00:6')
    expect(() => linkLocalOfMac('02:42:0a')).toThrow(expect.objectContaining({ kind: 'invalidArgument' }))
  })

  it('of endpoints without IPv4 are unicast, locally administered, stable, and apart from the others', () => {
    fc.assert(
      fc.property(fc.string(), (endpointId) => {
        const mac = macFromEndpointId(endpointId)
        expect(mac).toMatch(/^[0-9a-f][6e](:[0-9a-f]{2}){5}$/)
        expect(macFromEndpointId(endpointId)).toBe(mac)
      }),
    )
    expect(macFromEndpointId('a')).not.toBe(macFromEndpointId('b'))
  })
})
