import { type Link, usualLink } from '@conet/sdk/linux'
import { describe, expect, it } from 'vitest'
import { endpointAlias, LinkNames, networkAlias } from '../../../sdk/dist/bridge-network/names.js'

const names = new LinkNames({ bridge: 'cnb', port: 'cnv', shaper: 'cni' })
const networkId = 'a'.repeat(64)
const endpointId = 'b'.repeat(64)
const endpoint = { networkId, endpointId }

function link(overrides: Partial<Link>): Link {
  return {
    ...usualLink,
    index: 7,
    name: 'eth0',
    kind: undefined,
    macAddress: undefined,
    mtu: 1500,
    isUp: true,
    isLoopback: false,
    hasCarrier: true,
    isRunning: true,
    master: undefined,
    parent: undefined,
    parentNamespaceId: undefined,
    group: 0,
    alias: undefined,
    ipv6AddressGeneration: undefined,
    bridge: undefined,
    bridgePort: undefined,
    vxlan: undefined,
    macvlan: undefined,
    ...overrides,
  }
}

const bridge = { name: names.bridge(networkId), kind: 'bridge', alias: networkAlias(networkId) }
const port = { name: names.port(endpointId), kind: 'veth', alias: endpointAlias(endpoint) }

describe('what is the driver’s', () => {
  it('has names that the kernel takes and that begin with cn', () => {
    expect([bridge.name, port.name]).toEqual(['cnbaaaaaaaaaaaa', 'cnvbbbbbbbbbbbb'])
  })

  it('is known by name, kind and alias together', () => {
    expect(names.networkOf(link(bridge))).toBe(networkId)
    expect(names.endpointOf(link(port))).toEqual(endpoint)
    expect(names.networkOf(link({ ...bridge, kind: 'veth' }))).toBeUndefined()
    expect(names.networkOf(link({ ...bridge, name: 'br0' }))).toBeUndefined()
    expect(names.networkOf(link({ ...bridge, alias: `${bridge.alias} x` }))).toBeUndefined()
    expect(names.endpointOf(link({ ...port, kind: 'vxlan' }))).toBeUndefined()
    expect(names.endpointOf(link({ ...port, alias: 'somebody else' }))).toBeUndefined()
    expect(names.isPortOf(link({ ...port, alias: 'somebody else' }), endpoint)).toBe(false)
    expect(names.isPortOf(link({ name: port.name, kind: 'veth' }), endpoint)).toBe(true)
  })

  it('is not another driver’s', () => {
    const others = new LinkNames({ bridge: 'cnx', port: 'cnw', shaper: 'cnj' })
    expect([others.networkOf(link(bridge)), others.endpointOf(link(port))]).toEqual([undefined, undefined])
    expect([others.isPort(link(port)), others.isHalfMade(link({ ...port, isUp: false }))]).toEqual([
      false,
      false,
    ])
    const half = { name: port.name, kind: 'veth', isUp: false }
    expect([others.isHalfMade(link(half)), names.isHalfMade(link(half))]).toEqual([false, true])
  })

  it('is half made only without an alias and down', () => {
    const bare = { name: port.name, kind: 'veth', isUp: false }
    expect(names.isHalfMade(link(bare))).toBe(true)
    expect(names.isHalfMade(link({ ...bare, isUp: true }))).toBe(false)
    expect(names.isHalfMade(link({ ...bare, kind: 'ifb' }))).toBe(false)
    expect(names.isHalfMade(link({ ...bare, alias: 'x' }))).toBe(false)
    expect(names.isHalfMade(link({ ...bare, name: 'cnvfoo' }))).toBe(false)
  })
})
