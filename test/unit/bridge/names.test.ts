import {
  bridgeName,
  endpointAlias,
  endpointOf,
  isHalfMade,
  isPortOf,
  networkAlias,
  networkOf,
  portName,
} from '@conet/driver-bridge/names'
import type { Link } from '@conet/sdk/linux'
import { describe, expect, it } from 'vitest'

const networkId = 'a'.repeat(64)
const endpointId = 'b'.repeat(64)
const endpoint = { networkId, endpointId }

function link(overrides: Partial<Link>): Link {
  return {
    index: 7,
    name: 'eth0',
    kind: undefined,
    macAddress: undefined,
    mtu: 1500,
    isUp: true,
    isLoopback: false,
    hasCarrier: true,
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

const bridge = { name: bridgeName(networkId), kind: 'bridge', alias: networkAlias(networkId) }
const port = { name: portName(endpointId), kind: 'veth', alias: endpointAlias(endpoint) }

describe('what is the driver’s', () => {
  it('has names that the kernel takes and that begin with cn', () => {
    expect([bridge.name, port.name]).toEqual(['cnbaaaaaaaaaaaa', 'cnvbbbbbbbbbbbb'])
  })

  it('is known by name, kind and alias together', () => {
    expect(networkOf(link(bridge))).toBe(networkId)
    expect(endpointOf(link(port))).toEqual(endpoint)
    expect(networkOf(link({ ...bridge, kind: 'veth' }))).toBeUndefined()
    expect(networkOf(link({ ...bridge, name: 'br0' }))).toBeUndefined()
    expect(networkOf(link({ ...bridge, alias: `${bridge.alias} x` }))).toBeUndefined()
    expect(endpointOf(link({ ...port, kind: 'vxlan' }))).toBeUndefined()
    expect(endpointOf(link({ ...port, alias: 'somebody else' }))).toBeUndefined()
    expect(isPortOf(link({ ...port, alias: 'somebody else' }), endpoint)).toBe(false)
    expect(isPortOf(link({ name: port.name, kind: 'veth' }), endpoint)).toBe(true)
  })

  it('is half made only without an alias and down', () => {
    const bare = { name: port.name, kind: 'veth', isUp: false }
    expect(isHalfMade(link(bare))).toBe(true)
    expect(isHalfMade(link({ ...bare, isUp: true }))).toBe(false)
    expect(isHalfMade(link({ ...bare, kind: 'ifb' }))).toBe(false)
    expect(isHalfMade(link({ ...bare, alias: 'x' }))).toBe(false)
    expect(isHalfMade(link({ ...bare, name: 'cnvfoo' }))).toBe(false)
  })
})
