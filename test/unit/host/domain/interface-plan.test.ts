import type { EndpointRecord } from '@conet/host/domain/endpoint'
import { chooseDefaultRoute, chooseInterfaceName } from '@conet/host/domain/interface-plan'
import type { NetworkRecord } from '@conet/host/domain/network'
import { describe, expect, it } from 'vitest'

function endpoint(
  name: string,
  change: Partial<EndpointRecord> & { defaultRoute?: boolean } = {},
): EndpointRecord {
  const { defaultRoute = false, ...rest } = change
  return {
    id: name.padEnd(64, '0'),
    networkId: '1',
    handle: 'c1',
    attachment: name,
    madeBy: 'up',
    order: 1,
    state: 'plugged',
    interface: { name, macAddress: '02:42:0a:00:00:02', addresses: [], defaultRoute, routes: [] },
    options: {},
    createdAt: '',
    ...rest,
  }
}

const network = (change: Partial<NetworkRecord> = {}): NetworkRecord => ({
  id: '1',
  name: 'blue',
  type: 'bridge',
  state: 'active',
  labels: {},
  internal: false,
  subnets: [{ family: 4, subnet: '10.0.0.0/16', gateway: '10.0.0.1', exclude: [] }],
  config: {},
  createdAt: '',
  request: '',
  ...change,
})

const none = { foreign: [] }

describe('the interface of an endpoint', () => {
  it('[A14] is the first free ethN, around those of others and those that were there before', () => {
    expect(chooseInterfaceName(undefined, [endpoint('eth0')], { foreign: ['eth1'] })).toBe('eth2')
  })

  it('keeps the name of one that is still being removed out of use', () => {
    expect(chooseInterfaceName(undefined, [endpoint('eth0', { state: 'deleting' })], none)).toBe('eth1')
  })

  it('is none that another attachment asks for, unless it asks for it itself', () => {
    const beside = { foreign: [], promised: ['eth0', 'eth2'] }
    expect(chooseInterfaceName(undefined, [endpoint('eth1')], beside)).toBe('eth3')
    expect(chooseInterfaceName('eth0', [], beside)).toBe('eth0')
  })

  it('is refused when the wanted name is taken', () => {
    expect(() => chooseInterfaceName('eth0', [endpoint('eth0')], none)).toThrow(
      expect.objectContaining({ kind: 'conflict' }),
    )
  })

  it('[A6] is the one behind which its driver has the others, and no name beside it', () => {
    const shared = { foreign: [], shared: 'eth0' }
    expect(chooseInterfaceName(undefined, [endpoint('eth0')], shared)).toBe('eth0')
    expect(chooseInterfaceName('eth0', [endpoint('eth0')], shared)).toBe('eth0')
    expect(() => chooseInterfaceName('lan0', [endpoint('eth0')], shared)).toThrow(
      expect.objectContaining({ kind: 'conflict', fields: [expect.objectContaining({ path: 'interface' })] }),
    )
  })

  it('[A6] has the name that another asks for behind the same interface, if it is free: the other is refused for it', () => {
    const beside = { foreign: [], askedBeside: 'lan0' }
    expect(chooseInterfaceName(undefined, [], beside)).toBe('lan0')
    expect(chooseInterfaceName(undefined, [endpoint('lan0')], beside)).toBe('eth0')
    expect(chooseInterfaceName(undefined, [], { ...beside, foreign: ['lan0'] })).toBe('eth0')
    expect(chooseInterfaceName('wan0', [], beside)).toBe('wan0')
  })

  it('[A16] takes the default route when it is the first with a gateway', () => {
    expect(chooseDefaultRoute(undefined, network(), { endpoints: [] })).toBe(true)
    expect(
      chooseDefaultRoute(undefined, network(), { endpoints: [endpoint('eth0', { defaultRoute: true })] }),
    ).toBe(false)
    expect(chooseDefaultRoute(undefined, network({ internal: true }), { endpoints: [] })).toBe(false)
  })

  it('refuses the default route when another endpoint holds it, or there is no gateway', () => {
    const holder = endpoint('eth0', { defaultRoute: true })
    expect(() => chooseDefaultRoute(true, network(), { endpoints: [holder] })).toThrow(
      expect.objectContaining({ kind: 'conflict' }),
    )
    expect(() => chooseDefaultRoute(true, network({ subnets: [] }), { endpoints: [] })).toThrow(
      expect.objectContaining({ kind: 'invalidArgument' }),
    )
  })
})
