// Every attribute that somebody can set of a tunnel: told, and mended while a ping runs, or made anew where the kernel changes none.
import type { Network } from '@conet/sdk'
import { Namespace, Rtnl, setVxlan, usualFixedVxlan, usualVxlan } from '@conet/sdk/linux'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RunningPing } from '../../support/running-ping.ts'
import { TwoMembers } from './two-members.ts'
import { tunnelNameOf, VxlanCluster } from './vxlan-cluster.ts'
import type { VxlanHost } from './vxlan-host.ts'

/** `ip link set TUNNEL …`, and what it changes; what cuts it off is with what is damaged. */
const changes: [string, string][] = [
  ['address 02:00:00:00:00:99', 'macAddress'],
  ['arp off', 'arp'],
  ['multicast off', 'multicast'],
  ['allmulticast on', 'allMulticast'],
  ['promisc on', 'promiscuous'],
  ['dynamic on', 'dynamic'],
  ['trailers off', 'trailers'],
  ['broadcast ff:ff:ff:ff:ff:00', 'broadcast'],
  ['type vxlan ttl 9', 'ttl'],
  ['type vxlan tos 10', 'tos'],
  ['type vxlan df set', 'dontFragment'],
  ['type vxlan ageing 60', 'ageingSeconds'],
  ['type vxlan learning', 'learning'],
  ['type vxlan remote 192.0.2.99', 'remoteAddress'],
  ['type vxlan local 192.0.2.77', 'localAddress'],
  ['type bridge_slave cost 9', 'cost'],
  ['type bridge_slave priority 9', 'priority'],
  ['type bridge_slave mcast_router 0', 'multicastRouter'],
  ['type bridge_slave backup_port PORT', 'backupPort'],
]

const damages: [string, string][] = [
  ['mode dormant', 'dormant was true'],
  ['protodown on protodown_reason 3 on', 'protocolDown was true'],
]

/** How somebody may have made it instead, and what it is then. */
const others: [string, keyof typeof usualFixedVxlan][] = [
  ['id 4242 dstport 4789', 'vni'],
  ['id VNI dstport 8472', 'port'],
  ['id VNI dstport 4789 dev eth0', 'device'],
  ['id VNI dstport 4789 srcport 1024 2048', 'sourcePorts'],
  ['id VNI dstport 4789 proxy', 'proxy'],
  ['id VNI dstport 4789 l2miss', 'l2Miss'],
  ['id VNI dstport 4789 l3miss', 'l3Miss'],
  ['id VNI dstport 4789 rsc', 'routeShortCircuit'],
  ['id VNI dstport 4789 ttl inherit', 'inheritTtl'],
  ['id VNI dstport 4789 maxaddress 5', 'mostLearned'],
  ['id VNI dstport 4789 noudpcsum', 'udpChecksum'],
  ['id VNI dstport 4789 udp6zerocsumtx', 'udpZeroChecksumSent'],
  ['id VNI dstport 4789 udp6zerocsumrx', 'udpZeroChecksumAccepted'],
  ['id VNI dstport 4789 remcsumtx', 'remoteChecksumSent'],
  ['id VNI dstport 4789 remcsumrx', 'remoteChecksumAccepted'],
  ['id VNI dstport 4789 gbp', 'groupPolicy'],
  ['dstport 4789 external', 'external'],
  ['dstport 4789 external vnifilter', 'vniFilter'],
  ['dstport 4789 external gpe', 'genericProtocol'],
]

/** Only other programs than iproute2 set these. */
const ofPrograms = ['remoteChecksumWhole', 'multicastRouting', 'flowLabelPolicy', 'reservedBits']

let members: TwoMembers
let cluster: VxlanCluster
let host: VxlanHost
let net: Network
let ping: RunningPing

beforeAll(async () => {
  cluster = await VxlanCluster.start({ hosts: 2 })
})

afterAll(() => cluster?.[Symbol.asyncDispose]())

beforeEach(async () => {
  members = await TwoMembers.on(cluster)
  ;({ host, net } = members)
  ping = await members.ping()
})

afterEach(() => members[Symbol.asyncDispose]())

const onHost = (command: string) => members.change(command, { VNI: `${net.segmentId}` })

/** Which iproute2 does not know yet. */
function bypassNothing(): void {
  using namespace = Namespace.open(cluster.namespaces.path(host.name))
  using rtnl = Rtnl.openIn(namespace)
  rtnl.run(setVxlan(tunnelNameOf(net), { localBypass: false }))
}

const picture = () =>
  onHost(
    'ip -d link show TUNNEL; bridge -d link show dev TUNNEL; bridge fdb show dev TUNNEL | sort',
  ).replaceAll(/(hold|message_age|forward_delay)_timer +[\d.]+/g, '')

describe('a vxlan driver', () => {
  it('tells every attribute of a tunnel that was changed, and mends them when it starts again, while a ping runs', async () => {
    const before = picture()
    onHost('ip address add 192.0.2.77/24 dev eth0')
    for (const [command, key] of changes) {
      onHost(`ip link set TUNNEL ${command}`)
      expect((await host.faults()).join('\n')).toMatch(new RegExp(`tunnel .* differs: ${key} was `))
    }
    bypassNothing()
    const { repaired, failed } = await host.restart('SIGKILL')
    expect(failed).toEqual([])
    for (const [, key] of changes) expect(repaired.join('\n')).toContain(`: ${key} was `)
    expect((await host.sync()).repaired).toEqual([])
    onHost('ip address del 192.0.2.77/24 dev eth0')
    await cluster.tell(net)
    expect(picture()).toBe(before)
    expect(await host.faults()).toEqual([])
    await ping.goesOn()
    const { sent, received } = await ping.stop()
    // The last packet may be under way when the ping ends.
    expect(sent - received).toBeLessThanOrEqual(1)
    const known = changes.map(([, key]) => key)
    expect(Object.keys(usualVxlan).filter((key) => !known.includes(key))).toEqual([
      'flowLabel',
      'localBypass',
    ])
  })

  it('mends the MAC of a tunnel while it runs, with the bridge’s entry for it and no other', async () => {
    const before = picture()
    onHost('ip link set TUNNEL address 02:00:00:00:00:99')
    await host.create(net)
    expect(picture()).toBe(before)
    expect(await host.faults()).toEqual([])
    await ping.goesOn()
  })

  it('says of a tunnel that somebody holds down what holds it, and lets it go', async () => {
    for (const [command, fault] of damages) {
      onHost(`ip link set TUNNEL ${command}`)
      expect((await host.faults()).join('\n')).toContain(fault)
      await host.create(net)
      expect(await host.faults()).toEqual([])
      await ping.goesOn()
    }
  })

  it('says of a tunnel that is made otherwise what is other, and makes it anew', async () => {
    const faults = async () => (await host.faults()).join('\n')
    for (const [options, key] of others) {
      // One of the generic protocol cannot be in a bridge.
      onHost('ip link delete TUNNEL')
      onHost(
        `ip link add TUNNEL type vxlan ${options} local 192.0.2.1 nolearning; ip link set TUNNEL up; ip link set TUNNEL master BRIDGE || true`,
      )
      if (key === 'device') expect(await faults()).toMatch(/is bound to the interface eth0/)
      else expect(await faults()).toMatch(new RegExp(`is another one: .*\\b${key} was `))
    }
    expect([...others.map(([, key]) => key), ...ofPrograms].sort()).toEqual(
      Object.keys(usualFixedVxlan).sort(),
    )
    await host.create(net)
    expect(await host.faults()).toEqual([])
    await ping.goesOn()
  })

  it('makes a tunnel anew whose underlay is that of another network namespace', async () => {
    cluster.namespaces.make('elsewhere')
    onHost('ip link delete TUNNEL')
    const add = `ip link add ${tunnelNameOf(net)} type vxlan id ${net.segmentId} dstport 4789 local 192.0.2.1 nolearning`
    cluster.exec(
      'elsewhere',
      `${add}; ip link set ${tunnelNameOf(net)} netns ${cluster.namespaces.path(host.name)}`,
    )
    expect((await host.faults()).join('\n')).toMatch(/its underlay is that of another network namespace/)
    await host.create(net)
    expect(await host.faults()).toEqual([])
    await ping.goesOn()
  })
})
