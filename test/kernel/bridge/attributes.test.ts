// Every attribute that somebody can set of a bridge, of a port and of an interface inside: told, and mended while a ping runs.
import { interfaceDifferences } from '@conet/host/sandbox/interface-differences'
import {
  Rtnl,
  setBridge,
  setBridgePort,
  usualBridge,
  usualBridgePort,
  type usualLink,
} from '@conet/sdk/linux'
import { expect, it } from 'vitest'
import { RunningPing } from '../../support/running-ping.ts'
import { BridgeFixture, bridgeNameOf, network, portNameOf, sh } from './bridge-fixture.ts'

/** `ip link set NAME …`, and what it changes. What cuts a link off stands last. */
const ofLinks: [string, keyof typeof usualLink][] = [
  ['arp off', 'arp'],
  ['multicast off', 'multicast'],
  ['allmulticast on', 'allMulticast'],
  ['promisc on', 'promiscuous'],
  ['dynamic on', 'dynamic'],
  ['trailers off', 'trailers'],
  ['broadcast ff:ff:ff:ff:ff:00', 'broadcast'],
]
const cuttingOff: typeof ofLinks = [['mode dormant', 'dormant']]

/** `ip link set BRIDGE type bridge …`. */
const ofBridges: [string, keyof typeof usualBridge][] = [
  ['stp_state 1', 'spanningTree'],
  ['forward_delay 400', 'forwardDelaySeconds'],
  ['hello_time 300', 'helloSeconds'],
  ['max_age 3000', 'maxAgeSeconds'],
  ['priority 4096', 'priority'],
  ['ageing_time 0', 'ageingSeconds'],
  ['group_fwd_mask 8', 'groupForwardMask'],
  ['group_address 01:80:c2:00:00:0e', 'groupAddress'],
  ['no_linklocal_learn 1', 'linkLocalUnlearned'],
  ['mcast_snooping 1', 'multicastSnooping'],
  ['mcast_router 2', 'multicastRouter'],
  ['mcast_querier 1', 'multicastQuerier'],
  ['mcast_query_use_ifaddr 1', 'multicastQueryByAddress'],
  ['mcast_stats_enabled 1', 'multicastStatistics'],
  ['mcast_hash_max 512', 'multicastHashMax'],
  ['mcast_last_member_count 3', 'multicastLastMemberCount'],
  ['mcast_startup_query_count 3', 'multicastStartupQueryCount'],
  ['mcast_last_member_interval 200', 'multicastLastMemberSeconds'],
  ['mcast_membership_interval 20000', 'multicastMembershipSeconds'],
  ['mcast_querier_interval 20000', 'multicastQuerierSeconds'],
  ['mcast_query_interval 10000', 'multicastQuerySeconds'],
  ['mcast_query_response_interval 1100', 'multicastQueryResponseSeconds'],
  ['mcast_startup_query_interval 1100', 'multicastStartupQuerySeconds'],
  ['mcast_igmp_version 3', 'igmpVersion'],
  ['mcast_mld_version 2', 'mldVersion'],
  ['nf_call_ip6tables 1', 'callIptables'],
]

/** `ip link set PORT type bridge_slave …`. */
const ofPorts: [string, keyof typeof usualBridgePort][] = [
  ['cost 9', 'cost'],
  ['priority 9', 'priority'],
  ['mcast_router 0', 'multicastRouter'],
  ['backup_port OTHER', 'backupPort'],
  ['hairpin on', 'hairpin'],
  ['isolated on', 'isolated'],
  ['guard on', 'bpduGuard'],
  ['root_block on', 'rootBlock'],
  ['mcast_fast_leave on', 'fastLeave'],
  ['learning off', 'learning'],
  ['flood off', 'unicastFlood'],
  ['mcast_flood off', 'multicastFlood'],
  ['bcast_flood off', 'broadcastFlood'],
  ['mcast_to_unicast on', 'multicastToUnicast'],
  ['group_fwd_mask 8', 'groupForwardMask'],
  ['neigh_suppress on', 'neighbourSuppression'],
  ['vlan_tunnel on', 'vlanTunnel'],
  ['proxy_arp on', 'proxyArp'],
  ['proxy_arp_wifi on', 'proxyArpWifi'],
  ['locked on', 'locked'],
]

/** What iproute2 does not know yet. */
const beyondIproute = {
  ofBridge: { mostLearned: 9 },
  ofPort: {
    mostMulticastGroups: 9,
    mostMulticastHosts: 9,
    neighbourSuppressionPerVlan: true,
    backupNexthop: 9,
  },
}

/** Kept by kernels with VLANs at bridges, or with what else the bridge is for. */
const ofOtherKernels = [
  ...['vlanFiltering', 'vlanProtocol', 'defaultVlan', 'vlanStatistics', 'localEntriesInVlan0'],
  ...['multicastPerVlan', 'spanningTreePerVlan', 'multicastOffloadFailures'],
]

async function threeMembers(fixture: BridgeFixture) {
  const net = await fixture.create(network('one'))
  await fixture.join(net, 'a', { addresses: ['10.1.0.2/16', 'fd00:1::2/64'] })
  const params = await fixture.join(net, 'b', { addresses: ['10.1.0.3/16', 'fd00:1::3/64'] })
  const other = await fixture.join(net, 'c', { addresses: ['10.1.0.4/16'] })
  const [bridge, port] = [bridgeNameOf(net), portNameOf(params)]
  return { net, params, bridge, port, other: portNameOf(other) }
}

const picture = (...links: string[]) =>
  sh(links.map((link) => `ip -d link show ${link}; bridge -d link show dev ${link}`).join('; ')).replaceAll(
    /(hello|gc|tcn|hold|message_age|forward_delay|topology_change)_timer +[\d.]+/g,
    '',
  )

it('every attribute of a bridge is told, and back when the driver has started again, while a ping runs', async () => {
  await using fixture = await BridgeFixture.start()
  const { net, bridge } = await threeMembers(fixture)
  const before = picture(bridge)
  const faults = async () => (await fixture.driver.networkFaults?.(fixture.call()))?.[0]?.fault ?? ''
  expect(await faults()).toBe('')
  const ping = new RunningPing({ namespacePath: fixture.namespaces.path('a'), address: '10.1.0.4' })
  await ping.goesOn()
  const ofKernel = Object.keys(beyondIproute.ofBridge)
  const changes = [
    ...[...ofLinks, ...cuttingOff].map(([command, key]) => ({
      run: () => sh(`ip link set ${bridge} ${command}`),
      key,
    })),
    ...ofBridges.map(([command, key]) => ({
      run: () => sh(`ip link set ${bridge} type bridge ${command}`),
      key,
    })),
  ]
  for (const { run, key } of changes) {
    run()
    expect(await faults()).toMatch(new RegExp(`^bridge ${bridge} differs: ${key} was `))
    await fixture.create(net)
    expect(await faults()).toBe('')
  }
  expect(picture(bridge)).toBe(before)
  for (const { run } of changes) run()
  fixture.repaired.length = 0
  using rtnl = Rtnl.open()
  rtnl.run(setBridge(bridge, beyondIproute.ofBridge))
  expect([...ofBridges.map(([, key]) => key), ...ofKernel, ...ofOtherKernels].sort()).toEqual(
    Object.keys(usualBridge).sort(),
  )
  await fixture.restartDriver()
  await fixture.create(net)
  const repaired = fixture.repaired.join('\n')
  for (const { key } of changes) expect(repaired).toContain(`bridge ${bridge}: ${key} was `)
  expect(picture(bridge)).toBe(before)
  expect(await faults()).toBe('')
  await ping.goesOn()
  const { sent, received } = await ping.stop()
  // The last may be on its way.
  expect(sent - received).toBeLessThanOrEqual(1)
  expect(fixture.ping('a', '10.1.0.1') && fixture.ping('a', 'fd00:1::1')).toBe(true)
})

it('every attribute of a port is told, and back when the driver has started again, while others lose no packet', async () => {
  await using fixture = await BridgeFixture.start()
  const { net, params, port, other } = await threeMembers(fixture)
  const before = picture(port)
  const faults = async () =>
    (await fixture.driver.listEndpoints(fixture.call())).flatMap(({ fault }) => fault ?? [])
  expect(await faults()).toEqual([])
  const ping = new RunningPing({ namespacePath: fixture.namespaces.path('a'), address: '10.1.0.4' })
  await ping.goesOn()
  const ofPort = ofPorts.map(([command, key]) => ({
    run: () => sh(`ip link set ${port} type bridge_slave ${command.replace('OTHER', other)}`),
    key: key as string,
  }))
  const ofLink = [...ofLinks, ['address 02:00:00:00:00:99', 'macAddress'] as const, ...cuttingOff].map(
    ([command, key]) => ({ run: () => sh(`ip link set ${port} ${command}`), key }),
  )
  using rtnl = Rtnl.open()
  const ofKernel = Object.entries(beyondIproute.ofPort).map(([key, value]) => ({
    run: () => rtnl.run(setBridgePort(port, { [key]: value })),
    key,
  }))
  // Those of the link are told before those of the port.
  for (const { run, key } of [...ofKernel, ...ofPort, ...ofLink]) {
    run()
    expect(await faults()).toEqual([expect.stringMatching(new RegExp(`was changed: .*\\b${key} was `))])
  }
  // With a lock alone.
  const withLock = ['macAuthentication']
  expect(
    [...ofPorts.map(([, key]) => key), ...Object.keys(beyondIproute.ofPort), ...withLock].sort(),
  ).toEqual(Object.keys(usualBridgePort).sort())
  await fixture.restartDriver()
  await fixture.create(net)
  await fixture.plug(params)
  const repaired = fixture.repaired.join('\n')
  for (const { key } of ofLink) expect(repaired).toContain(`port ${port}: ${key} was `)
  expect(repaired).toContain(`port ${port}: what the bridge does at it was changed`)
  expect(picture(port)).toBe(before)
  expect(await faults()).toEqual([])
  expect(fixture.ping('a', '10.1.0.3') && fixture.ping('b', 'fd00:1::2')).toBe(true)
  await ping.goesOn()
  const { sent, received } = await ping.stop()
  expect(sent - received).toBeLessThanOrEqual(1)
})

it('what keeps an interface inside from being heard is shown, and back with the next plug; whether it hears all is the container’s affair', async () => {
  await using fixture = await BridgeFixture.start()
  const { params } = await threeMembers(fixture)
  const { interfaces } = await fixture.plug(params)
  const shown = () => fixture.exec('b', 'ip -d link show eth0')
  const before = shown()
  const own = ['allMulticast', 'promiscuous']
  const changes = [...ofLinks, ...cuttingOff].filter(([, key]) => !own.includes(key))
  for (const [command] of changes) fixture.exec('b', `ip link set eth0 ${command}`)
  const differences = () => interfaceDifferences(fixture.namespaces.path('b'), interfaces).join()
  for (const [, key] of changes) expect(differences()).toContain(`eth0 has ${key} `)
  await fixture.plug(params)
  expect(differences()).toBe('')
  const repaired = fixture.repaired.join('\n')
  for (const [, key] of changes) expect(repaired).toMatch(new RegExp(`interface eth0 .*: ${key} was `))
  expect(shown()).toBe(before)
  fixture.exec('b', 'ip link set eth0 promisc on allmulticast on')
  fixture.repaired.length = 0
  expect(differences()).toBe('')
  await fixture.plug(params)
  expect(fixture.repaired).toEqual([])
  expect(fixture.ping('a', '10.1.0.3') && fixture.ping('b', 'fd00:1::2')).toBe(true)
})
