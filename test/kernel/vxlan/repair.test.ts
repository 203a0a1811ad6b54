import type { Network, PlugParams } from '@conet/sdk'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RunningPing } from '../../support/running-ping.ts'
import { TwoMembers } from './two-members.ts'
import { bridgeNameOf, tunnelNameOf, VxlanCluster } from './vxlan-cluster.ts'
import type { VxlanHost } from './vxlan-host.ts'

let members: TwoMembers
let cluster: VxlanCluster
let host: VxlanHost
let net: Network
let near: PlugParams
let ping: RunningPing

beforeAll(async () => {
  cluster = await VxlanCluster.start({ hosts: 2 })
})

afterAll(() => cluster?.[Symbol.asyncDispose]())

beforeEach(async () => {
  members = await TwoMembers.on(cluster)
  ;({ host, net, near } = members)
  ping = await members.ping()
})

afterEach(async () => {
  // Some change that of the underlay.
  host.exec('ip link set eth0 mtu 1500')
  await members[Symbol.asyncDispose]()
})

async function expectNothingLost(): Promise<void> {
  await ping.goesOn()
  const { sent, received } = await ping.stop()
  expect(received).toBeGreaterThan(3)
  // The last packet may be under way when the ping ends.
  expect(sent - received).toBeLessThanOrEqual(1)
}

/** What others may do to a tunnel without cutting anybody off, and how the driver says that it was mended. */
const changes: [string, string, RegExp][] = [
  ['the MTU', 'ip link set TUNNEL mtu 1460', /mtu was 1460/],
  ['the alias', "ip link set TUNNEL alias ''", /alias was missing/],
  ['the address generation', 'ip link set TUNNEL addrgenmode eui64', /ipv6AddressGeneration was eui64/],
  ['learning', 'ip link set TUNNEL type vxlan learning', /learning was true/],
  [
    'the source address',
    'ip address add 192.0.2.77/24 dev eth0; ip link set TUNNEL type vxlan local 192.0.2.77',
    /localAddress was 192/,
  ],
  ['learning at the port', 'bridge link set dev TUNNEL learning on', /learning was true/],
  ['flooding', 'bridge link set dev TUNNEL flood on mcast_flood on bcast_flood on', /unicastFlood was true/],
  ['the suppression', 'bridge link set dev TUNNEL neigh_suppress off', /neighbourSuppression was false/],
  ['the isolation', 'bridge link set dev TUNNEL hairpin on', /hairpin was true/],
  ['ARP of the tunnel', 'ip link set TUNNEL arp off', /arp was false/],
  [
    'what a spanning tree does at the port',
    'bridge link set dev TUNNEL guard on root_block on',
    /bpduGuard was true.*\n.*rootBlock was true/,
  ],
  [
    'what is done with multicast',
    'bridge link set dev TUNNEL mcast_to_unicast on fastleave on',
    /multicastToUnicast was true.*\n.*fastLeave was true/,
  ],
  [
    'an address of the tunnel',
    'ip address add 10.1.9.9/32 dev TUNNEL',
    /tunnel .*: it had the address 10.1.9.9/,
  ],
  ['VLANs', 'bridge link set dev TUNNEL vlan_tunnel on', /vlanTunnel was true/],
  [
    'who answers ARP',
    'ip link set TUNNEL type bridge_slave proxy_arp on proxy_arp_wifi on group_fwd_mask 8',
    /proxyArp was true.*\n.*proxyArpWifi was true(.*\n)*.*groupForwardMask was 8/,
  ],
  [
    'what the bridge does with link-local protocols',
    'ip link set BRIDGE type bridge group_fwd_mask 8',
    /bridge .*: groupForwardMask was 8/,
  ],
  ['the MTU of the bridge', 'ip link set BRIDGE mtu 1470', /mtu was 1470/],
  ['the alias of the bridge', 'ip link set BRIDGE alias elsewhere', /bridge .*: alias was elsewhere/],
  ['flooding at a member', 'bridge link set dev PORT flood on learning on', /what the bridge does at it/],
  ['the place of a MAC', 'bridge fdb del MAC dev PORT master', /did not know its MAC/],
]

/** What cuts members off, and how the driver says that it is so. */
const damages: [string, RegExp][] = [
  ['ip link delete TUNNEL', /^tunnel cnt\w+ is not there$/],
  ['ip link set TUNNEL down', /^tunnel cnt\w+ is down$/],
  ['bridge link set dev TUNNEL state 0', /^tunnel cnt\w+ neither takes nor sends anything in its bridge$/],
  ['ip link set TUNNEL nomaster', /^tunnel cnt\w+ is not in its bridge$/],
  [
    'ip link delete TUNNEL; ip link add TUNNEL type vxlan id 4242 dstport 8472 local 192.0.2.1',
    /is another one: vni was 4242, port was 8472$/,
  ],
  ['ip link set TUNNEL type vxlan dev eth0', /is another one: it is bound to the interface eth0$/],
  ['ip link set TUNNEL name foo0', /^tunnel cnt\w+ is called foo0$/],
  ['ip link set TUNNEL type vxlan local 192.0.2.77', /differs: localAddress was 192.0.2.77$/],
  ['bridge link set dev TUNNEL learning on', /differs: learning was true$/],
  ['ip address add 10.1.0.12/32 dev TUNNEL', /^tunnel cnt\w+ has the address 10.1.0.12\/32$/],
  ['ip link set BRIDGE down', /^bridge cnx\w+ is down/],
  ['ip link delete BRIDGE', /^bridge cnx\w+ is not there$/],
  ['ip link set TUNNEL nomaster alias foreign', /is not the tunnel/],
]

describe('a vxlan driver that starts again', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'after %s finds all as it should be; a running ping loses nothing',
    async (signal) => {
      const result = await host.restart(signal)
      expect(result).toMatchObject({ repaired: [], failed: [], unknown: { networkIds: [], endpoints: [] } })
      await cluster.tell(net)
      await expectNothingLost()
    },
  )

  it('mends everything that others have changed, without an interruption', async () => {
    for (const [, command] of changes) members.change(command, { MAC: near.interface.macAddress })
    const { repaired, failed } = await host.restart('SIGKILL')
    expect(failed).toEqual([])
    const text = repaired.join('\n')
    for (const [what, , says] of changes) expect(text, what).toMatch(says)
    expect((await host.sync()).repaired).toEqual([])
    host.exec('ip address del 192.0.2.77/24 dev eth0')
    await cluster.tell(net)
    await expectNothingLost()
  })

  it('gives a tunnel of a foreign alias its own back while a ping runs, and refuses one that is not its', async () => {
    const tunnel = tunnelNameOf(net)
    host.exec(`ip link set ${tunnel} alias "somebody else's"`)
    const { repaired, failed } = await host.restart('SIGKILL')
    expect(failed).toEqual([])
    expect(repaired.join('\n')).toMatch(/alias was somebody else's/)
    await cluster.tell(net)
    await expectNothingLost()
    host.exec(`ip link set ${tunnel} nomaster alias "somebody else's"`)
    const refused = await host.sync()
    expect(refused.failed[0]?.error.message).toMatch(
      /is not the tunnel \(kind vxlan, alias somebody else's\)/,
    )
    host.exec(`ip link set ${tunnel} master ${bridgeNameOf(net)}`)
    expect((await host.sync()).failed).toEqual([])
  })

  it('switches a tunnel on again that is switched off in its bridge, and takes no link down for it', async () => {
    const tunnel = tunnelNameOf(net)
    host.exec(`bridge link set dev ${tunnel} state 0`)
    const before = host.show(`ip link show ${tunnel}`)
    const { repaired, failed } = await host.restart('SIGKILL')
    expect(failed).toEqual([])
    expect(repaired).toEqual([`tunnel ${tunnel}: its state in the bridge was disabled`])
    expect(host.show(`ip link show ${tunnel}`)).toEqual(before)
    await cluster.tell(net)
    await ping.goesOn()
  })

  it('makes a tunnel anew that is another one, or is gone', async () => {
    const tunnel = tunnelNameOf(net)
    const peers = host.exec(`bridge fdb show dev ${tunnel} | grep 'dst\\|static' | sort`)
    host.exec(
      `ip link delete ${tunnel}; ip link add ${tunnel} type vxlan id 4242 dstport 8472 local 192.0.2.1 nolearning`,
    )
    await host.create(net)
    expect(host.exec(`bridge fdb show dev ${tunnel} | grep 'dst\\|static' | sort`)).toBe(peers)
    host.exec(`ip link delete ${tunnel}`)
    await host.create(net)
    expect(host.exec(`bridge fdb show dev ${tunnel} | grep 'dst\\|static' | sort`)).toBe(peers)
    await ping.goesOn()
  })

  it('gives a tunnel its name back that somebody has renamed, wherever it is, while a ping runs', async () => {
    const tunnel = tunnelNameOf(net)
    host.exec(`ip link set ${tunnel} name foo0`)
    const { repaired, failed } = await host.restart('SIGKILL')
    expect(failed).toEqual([])
    expect(repaired).toEqual([`tunnel ${tunnel}: it was called foo0`])
    await cluster.tell(net)
    await expectNothingLost()
    host.exec(`ip link set ${tunnel} nomaster; ip link set ${tunnel} name foo0`)
    const out = await host.restart('SIGKILL')
    expect(out.repaired).toEqual([
      `tunnel ${tunnel}: it was called foo0`,
      `tunnel ${tunnel}: it was not in its bridge`,
    ])
    await cluster.tell(net)
    expect(await host.faults()).toEqual([])
    expect(cluster.ping('near', '10.1.0.12')).toBe(true)
    host.exec(`ip link set ${tunnel} name foo0`)
  })

  it('says of a tunnel in another network namespace what holds its VNI, and takes it when it is back', async () => {
    const tunnel = tunnelNameOf(net)
    cluster.namespaces.make('elsewhere')
    host.exec(`ip link set ${tunnel} netns ${cluster.namespaces.path('elsewhere')}`)
    expect(await host.faults()).toEqual([`tunnel ${tunnel} is not there`])
    await expect(host.create(net)).rejects.toMatchObject({
      kind: 'invalidArgument',
      message: expect.stringMatching(
        /segmentId 1\d+ with port 4789 is taken on this machine, by .*moved to another network namespace/,
      ),
      help: expect.stringContaining('move it back or delete it there'),
    })
    host.exec(
      `nsenter --net=${cluster.namespaces.path('elsewhere')} ip link set ${tunnel} netns ${cluster.namespaces.path(host.name)}`,
    )
    await host.create(net)
    expect(await host.faults()).toEqual([])
    await ping.goesOn()
  })

  it('says without a restart what is wrong, and mends it when the network is asked for again', async () => {
    expect(await host.faults()).toEqual([])
    for (const [command, fault] of damages) {
      members.change(command)
      expect(await host.faults()).toEqual([expect.stringMatching(fault)])
      if (command.includes('alias')) members.change("ip link set TUNNEL alias ''")
      await host.create(net)
      if (command.includes('delete BRIDGE')) await host.plug(near)
      expect(await host.faults()).toEqual([])
      await ping.goesOn()
    }
  })

  it('says what somebody has changed at the port of a member, and mends it when it is plugged again', async () => {
    const port = `cnw${near.endpointId.slice(0, 12)}`
    const { macAddress } = near.interface
    for (const [command, fault] of [
      [`bridge fdb del ${macAddress} dev ${port} master`, `does not know that ${macAddress} is at its port`],
      [`bridge link set dev ${port} learning on`, 'was changed: learning was true'],
      [`bridge link set dev ${port} isolated on`, 'was changed: isolated was true'],
      [`bridge link set dev ${port} hairpin on`, 'was changed: hairpin was true'],
      [`ip link set ${port} mtu 1300`, 'was changed: mtu was 1300'],
      [`ip link set ${port} alias elsewhere`, 'was changed: alias was elsewhere'],
      [`ip link set ${port} nomaster`, 'is not in the bridge'],
    ] as const) {
      expect(await host.endpointFaults()).toEqual([])
      host.exec(command)
      expect(await host.endpointFaults()).toEqual([expect.stringContaining(fault)])
      await host.plug(near)
    }
    expect(await host.endpointFaults()).toEqual([])
    await ping.goesOn()
  })

  it.each([1400, 1600])(
    'says without a restart that the underlay has an MTU of %i now, and takes it up when it is asked again',
    async (underlay) => {
      const mtu = underlay - 50
      host.exec(`ip link set eth0 mtu ${underlay}`)
      const fault = `its MTU is 1450, and is to be ${mtu} by that of the underlay now`
      expect(await host.faults()).toEqual([expect.stringContaining(fault)])
      expect(await host.endpointFaults()).toEqual([])
      await host.create(net)
      expect(await host.faults()).toEqual([])
      expect(await host.endpointFaults()).toEqual([expect.stringContaining('was changed: mtu was 1450')])
      await host.plug(near)
      expect(await host.endpointFaults()).toEqual([])
      expect(JSON.parse(cluster.exec('near', 'ip -j link show eth0'))[0].mtu).toBe(mtu)
      for (const name of [bridgeNameOf(net), tunnelNameOf(net)])
        expect(JSON.parse(host.exec(`ip -j link show ${name}`))[0].mtu).toBe(mtu)
      await expectNothingLost()
    },
  )

  it('follows the underlay: another MTU, another address', async () => {
    host.exec('ip link set eth0 mtu 1400')
    const { repaired } = await host.sync()
    expect(repaired.join('\n')).toMatch(/mtu was 1450/)
    expect(JSON.parse(cluster.exec('near', 'ip -j link show eth0'))[0].mtu).toBe(1350)
    await ping.goesOn()
  })
})
