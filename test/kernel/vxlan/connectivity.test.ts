import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { bridgeNameOf, network, tunnelNameOf, VxlanCluster } from './vxlan-cluster.ts'
import type { VxlanHost } from './vxlan-host.ts'

let cluster: VxlanCluster

beforeAll(async () => {
  cluster = await VxlanCluster.start({ hosts: 3 })
})

afterAll(() => cluster?.[Symbol.asyncDispose]())

/** Packets that a host has sent to others; what the tunnel has nobody for it drops. */
function sentBy(host: VxlanHost, net: ReturnType<typeof network>): number {
  const [shown] = host.show(`ip -s link show ${tunnelNameOf(net)}`)
  const { stats64 }: { stats64?: { tx: { packets: number } } } = shown ?? {}
  return stats64?.tx.packets ?? Number.NaN
}

describe('a vxlan network over three hosts', () => {
  it('[D17] carries pings between all of them, IPv4 and IPv6, the first one too, up to the MTU', async () => {
    const net = await cluster.create(network('blue'))
    await cluster.join(1, net, 'blue1', 11)
    await cluster.join(2, net, 'blue2', 12)
    await cluster.join(3, net, 'blue3', 13)
    await cluster.tell(net)
    for (const [from, to] of [
      ['blue1', 12],
      ['blue2', 13],
      ['blue3', 11],
    ] as const) {
      expect(cluster.ping(from, `10.1.0.${to}`)).toBe(true)
      expect(cluster.ping(from, `fd00:1::${to}`)).toBe(true)
    }
    expect(JSON.parse(cluster.exec('blue1', 'ip -j link show eth0'))[0].mtu).toBe(1450)
    expect(cluster.ping('blue1', '10.1.0.12', '-M do -s 1422')).toBe(true)
    expect(cluster.ping('blue1', 'fd00:1::12', '-M do -s 1402')).toBe(true)
    expect(cluster.cannotPing('blue1', '10.1.0.12', '-M do -s 1423')).toBe(true)
  })

  it('counts what a container sees', async () => {
    const net = await cluster.create(
      network('counted', { subnets: [{ subnet: '10.77.0.0/16', gateway: '10.77.0.1' }] }),
    )
    const { endpointId } = await cluster.join(1, net, 'counted1', 11)
    cluster.exec('counted1', 'ping -q -c5 -i0.01 -s 1000 10.77.0.1')
    const [shown] = JSON.parse(cluster.exec('counted1', 'ip -j -s link show eth0'))
    const { rx, tx } = shown.stats64
    const endpoints = [{ networkId: net.id, endpointId }]
    const { stats } = await cluster.host(1).client.call('endpoint/stats', { endpoints })
    expect(stats).toEqual([expect.objectContaining({ networkId: net.id, endpointId, rxErrors: 0 })])
    expect(rx.bytes).toBeGreaterThan(5_000)
    expect(stats[0]?.rxBytes).toBeGreaterThanOrEqual(rx.bytes)
    expect(stats[0]?.txBytes).toBeGreaterThanOrEqual(tx.bytes)
  })

  it('[D17] floods nothing and learns nothing: what nobody has goes nowhere', async () => {
    const net = await cluster.create(
      network('still', { subnets: [{ subnet: '10.2.0.0/16', gateway: '10.2.0.1' }] }),
    )
    await cluster.join(1, net, 'still1', 11)
    await cluster.join(1, net, 'still2', 12)
    const far = await cluster.join(2, net, 'still3', 13)
    await cluster.tell(net)
    expect(cluster.ping('still1', '10.2.0.13')).toBe(true)
    const [host1, host2] = [cluster.host(1), cluster.host(2)]
    const fdb = () => host1.exec(`bridge fdb show br ${bridgeNameOf(net)} | sort`)
    const [before, sent, entries] = [sentBy(host2, net), sentBy(host1, net), fdb()]
    // Broadcast, multicast, an address and a MAC that nobody has.
    cluster.exec('still1', 'ping -q -c1 -W0.2 -b 10.2.255.255 >/dev/null 2>&1 || true')
    cluster.exec('still1', 'ping -q -c1 -W0.2 224.0.0.1 >/dev/null 2>&1 || true')
    cluster.exec('still1', 'ping -q -c1 -W0.2 10.2.0.99 >/dev/null 2>&1 || true')
    cluster.exec(
      'still1',
      'ip neigh add 10.2.0.98 lladdr 02:42:00:00:00:98 dev eth0; ping -q -c1 -W0.2 10.2.0.98 >/dev/null 2>&1 || true',
    )
    const received = () => JSON.parse(cluster.exec('still2', 'ip -s -j link show eth0'))[0].stats64.rx.packets
    // Again, if something else came in between: what is flooded comes each time.
    await eventually(() => {
      const alone = received()
      cluster.exec('still1', 'ping -q -c3 -i0.01 -W0.2 10.2.0.98 >/dev/null 2>&1 || true')
      expect(received(), 'an unknown MAC is not flooded to other members').toBe(alone)
    })
    expect(sentBy(host1, net)).toBe(sent)
    expect(sentBy(host2, net)).toBe(before)
    // Nobody can take the MAC of another.
    cluster.exec(
      'still2',
      `ip link set eth0 address ${far.interface.macAddress}; ping -q -c1 -W0.2 10.2.0.11 >/dev/null 2>&1 || true`,
    )
    expect(fdb()).toBe(entries)
    expect(cluster.ping('still1', '10.2.0.13')).toBe(true)
  })

  it('has the same gateway on each host, which reaches members everywhere and the outside by its own host', async () => {
    const subnets = [{ subnet: '10.3.0.0/16', gateway: '10.3.0.1' }]
    const net = await cluster.create(network('gate', { subnets }))
    await cluster.join(1, net, 'gate1', 11)
    await cluster.join(2, net, 'gate2', 12)
    await cluster.tell(net)
    const gateways = cluster.hosts.map((host) => host.show(`ip link show ${bridgeNameOf(net)}`)[0]?.address)
    expect(new Set(gateways).size).toBe(1)
    for (const sandbox of ['gate1', 'gate2']) expect(cluster.ping(sandbox, '10.3.0.1')).toBe(true)
    // Host 3 is outside of it; only masquerade lets it answer.
    expect(cluster.ping('gate1', '192.0.2.3')).toBe(true)
    const routed = await cluster.create(
      network('routed', {
        subnets: [{ subnet: '10.4.0.0/16', gateway: '10.4.0.1' }],
        config: { masquerade: false },
      }),
    )
    await cluster.join(1, routed, 'routed1', 11)
    expect(cluster.cannotPing('routed1', '192.0.2.3')).toBe(true)
  })

  it('carries IPv4 with an MTU at which the kernel takes IPv6 from a link', async () => {
    const subnets = [{ subnet: '10.6.0.0/16', gateway: '10.6.0.1' }]
    const net = await cluster.create(network('small', { subnets, config: { mtu: 1000 } }))
    await cluster.join(1, net, 'small1', 11)
    await cluster.join(2, net, 'small2', 12)
    await cluster.tell(net)
    expect(cluster.ping('small1', '10.6.0.12', '-M do -s 972')).toBe(true)
    expect((await cluster.host(1).sync()).repaired.join()).not.toContain(tunnelNameOf(net))
  })

  it('keeps two internal networks with the same subnet apart, and from everything else', async () => {
    const subnets = [{ subnet: '10.5.0.0/16' }]
    const one = await cluster.create(network('one', { internal: true, subnets }))
    const other = await cluster.create(network('other', { internal: true, subnets }))
    await cluster.join(1, one, 'one1', 11)
    await cluster.join(2, one, 'one2', 12)
    await cluster.join(1, other, 'other1', 12)
    await cluster.join(2, other, 'other2', 11)
    await cluster.tell(one)
    await cluster.tell(other)
    expect(cluster.ping('one1', '10.5.0.12')).toBe(true)
    expect(cluster.ping('other1', '10.5.0.11')).toBe(true)
    const macOf = (sandbox: string, address: string) =>
      JSON.parse(cluster.exec(sandbox, `ip -j neigh show ${address}`))[0].lladdr
    expect(macOf('one1', '10.5.0.12')).toBe(one2Mac)
    await cluster.host(2).remove(cluster.params(one, 'one2', 12))
    await cluster.tell(one)
    expect(cluster.cannotPing('one1', '10.5.0.12')).toBe(true)
    expect(cluster.ping('other1', '10.5.0.11')).toBe(true)
    expect(cluster.cannotPing('one1', '192.0.2.1')).toBe(true)
  })
})

const one2Mac = '02:42:00:00:00:0c'

describe('a vxlan network over an underlay of IPv6', () => {
  it('[D17] leaves 70 bytes for the tunnel, and carries both families', async () => {
    await cluster[Symbol.asyncDispose]()
    cluster = await VxlanCluster.start({ family: 6, underlayMtu: 1600 })
    const net = await cluster.create(network('six'))
    await cluster.join(1, net, 'six1', 11)
    await cluster.join(2, net, 'six2', 12)
    await cluster.tell(net)
    expect(JSON.parse(cluster.exec('six1', 'ip -j link show eth0'))[0].mtu).toBe(1530)
    expect(cluster.ping('six1', '10.1.0.12', '-M do -s 1502')).toBe(true)
    expect(cluster.ping('six1', 'fd00:1::12', '-M do -s 1482')).toBe(true)
    expect(cluster.cannotPing('six1', '10.1.0.12', '-M do -s 1503')).toBe(true)
  })
})
