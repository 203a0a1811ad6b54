import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Network } from '@conet/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { network, tunnelNameOf, VxlanCluster } from './vxlan-cluster.ts'
import type { VxlanHost } from './vxlan-host.ts'

let cluster: VxlanCluster
let host: VxlanHost

beforeAll(async () => {
  cluster = await VxlanCluster.start({ hosts: 1 })
  host = cluster.host(1)
})

afterAll(() => cluster?.[Symbol.asyncDispose]())

const ipv4 = [{ subnet: '10.1.0.0/16', gateway: '10.1.0.1' }]

function refused(overrides: Partial<Network>, path: string, kind = 'invalidArgument') {
  const create = host.client.call('network/create', { network: network('wrong', overrides) })
  return expect(create).rejects.toMatchObject({ kind, fields: [expect.objectContaining({ path })] })
}

/** A program of the host's that has a UDP port. */
async function listening(port: number): Promise<AsyncDisposable> {
  const script = `require('node:dgram').createSocket('udp4').bind(${port}, () => console.log('listening'))`
  const argv = [`--net=${cluster.namespaces.path('host1')}`, process.execPath, '-e', script]
  const child = spawn('nsenter', argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return {
    async [Symbol.asyncDispose]() {
      child.kill()
      await once(child, 'exit')
    },
  }
}

function withoutSegment(config: Network['config']): Network {
  const { segmentId: _, ...rest } = network('own', { config, subnets: ipv4 })
  return rest
}

describe('what is wrong with a vxlan network is refused with the name of the field', () => {
  it.each([
    ['a VNI of 25 bits', { config: { vni: 0x1000000 } }, 'config.vni'],
    ['a VNI other than the host’s', { segmentId: 8, config: { vni: 9 } }, 'config.vni'],
    ['a segment id that is no VNI', { segmentId: 0x1000000 }, 'segmentId'],
    ['a port that is none', { config: { port: 70_000 } }, 'config.port'],
    ['an MTU beyond the underlay', { config: { mtu: 1451 } }, 'config.mtu'],
    ['an MTU too small for IPv6', { config: { mtu: 1279 } }, 'config.mtu'],
    ['a MAC of a group', { config: { mac_address: '01:00:5e:00:00:01' } }, 'config.mac_address'],
    ['an unknown setting', { config: { vnii: 7 } }, 'config.vnii'],
  ] satisfies [string, Partial<Network>, string][])('%s', async (_, overrides, path) => {
    await refused(overrides, path)
    expect(await host.client.call('network/list', {})).toEqual({ networkIds: [] })
  })

  it('no VNI at all, and one from the config where the host assigns none', async () => {
    const create = (config: Network['config']) =>
      host.client.call('network/create', { network: withoutSegment(config) })
    await expect(create({})).rejects.toMatchObject({
      fields: [expect.objectContaining({ path: 'config.vni' })],
    })
    const own = withoutSegment({ vni: 77 })
    await host.create(own)
    expect(host.exec(`ip -d link show ${tunnelNameOf(own)}`)).toContain('vxlan id 77 ')
    await host.delete(own)
  })

  it('a VNI, or a port, that somebody else has on this machine', async () => {
    host.exec('ip link add foreign type vxlan id 4711 dstport 4789 local 192.0.2.1')
    await refused({ segmentId: 4711, subnets: ipv4 }, 'segmentId')
    host.exec('ip link delete foreign')
    await using _program = await listening(8472)
    await refused({ config: { port: 8472 }, subnets: ipv4 }, 'config.port')
    expect(host.exec('ip -br link')).not.toContain('cnt')
  })

  it('an interface that wants more than the tunnel carries', async () => {
    const net = network('narrow', { subnets: ipv4 })
    await host.create(net)
    cluster.namespaces.make('box')
    const params = cluster.params(net, 'box', 11)
    const wide = { ...params, interface: { ...params.interface, mtu: 1500 } }
    await expect(host.plug(wide)).rejects.toMatchObject({
      fields: [expect.objectContaining({ path: 'interface.mtu' })],
    })
    await host.remove(wide)
  })

  it('an interface with the MAC of the gateway, which would take what is sent there on every host', async () => {
    const net = network('usurped', { subnets: ipv4, config: { mac_address: '02:42:00:00:00:0b' } })
    await host.create(net)
    cluster.namespaces.make('usurper')
    const params = cluster.params(net, 'usurper', 11)
    await expect(host.plug(params)).rejects.toMatchObject({
      fields: [expect.objectContaining({ path: 'interface.macAddress' })],
    })
    await host.remove(params)
  })

  it.each([
    ['none', null, 'failedPrecondition'],
    ['one that is not here', '203.0.113.7', 'invalidArgument'],
  ])('an underlay address: %s', async (_, underlayAddress, kind) => {
    await host.stop()
    await host.start({ underlayAddress })
    await refused({}, 'underlayAddress', kind)
  })
})
