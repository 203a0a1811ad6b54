// The tables of what can be set of a link, against the kernel and against what iproute2 says of it.
import {
  createBridge,
  createVeth,
  createVxlan,
  deleteLink,
  type Link,
  Rtnl,
  setBridge,
  setBridgePort,
  setLink,
  setVxlan,
  usualBridge,
  usualBridgePort,
  usualFixedVxlan,
  usualLink,
  usualVxlan,
} from '@conet/sdk/linux'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { showOne } from '../../support/iproute.ts'

let rtnl: Rtnl

beforeEach(() => {
  rtnl = Rtnl.open()
})
afterEach(async () => {
  for (const name of ['br0', 'vx0', 'a0']) await rtnl.runSlow(deleteLink(name), { tolerate: ['ENODEV'] })
  rtnl.close()
})

/** What the kernel keeps without VLANs of a bridge. */
const ofVlans = ['vlanFiltering', 'vlanProtocol', 'defaultVlan', 'vlanStatistics'] as const

it('new links have what is usual', () => {
  const { index: master } = rtnl.create(createBridge({ name: 'br0' }))
  rtnl.run(createVeth({ name: 'a0', master, peer: { name: 'b0' } }))
  rtnl.run(createVxlan({ name: 'vx0', vni: 4711, port: 4789, localAddress: '127.0.0.1', master }))
  expect(rtnl.existingLink('br0').bridge).toEqual(usualBridge)
  expect(rtnl.existingLink('a0').bridgePort).toEqual({ ...usualBridgePort, cost: 2, state: 'disabled' })
  expect(rtnl.existingLink('vx0').bridgePort).toMatchObject(usualBridgePort)
  const ofTunnel = { ...usualVxlan, ...usualFixedVxlan, vni: 4711, port: 4789, localAddress: '127.0.0.1' }
  expect(rtnl.existingLink('vx0').vxlan).toEqual(ofTunnel)
  for (const name of ['br0', 'a0', 'vx0']) expect(rtnl.existingLink(name)).toMatchObject(usualLink)
})

it('each setting of a bridge that is up is taken, and told by iproute2', () => {
  const { index } = rtnl.create(createBridge({ name: 'br0', up: true }))
  const others = {
    spanningTree: true,
    forwardDelaySeconds: 4,
    helloSeconds: 3,
    maxAgeSeconds: 30,
    priority: 4096,
    ageingSeconds: 0,
    mostLearned: 9,
    groupForwardMask: 8,
    groupAddress: '01:80:c2:00:00:0e',
    linkLocalUnlearned: true,
    multicastSnooping: false,
    multicastRouter: 2,
    multicastQuerier: true,
    multicastQueryByAddress: true,
    multicastStatistics: true,
    multicastHashMax: 512,
    multicastLastMemberCount: 3,
    multicastStartupQueryCount: 4,
    multicastLastMemberSeconds: 2,
    multicastMembershipSeconds: 200,
    multicastQuerierSeconds: 201,
    multicastQuerySeconds: 100,
    multicastQueryResponseSeconds: 11,
    multicastStartupQuerySeconds: 12,
    igmpVersion: 3,
    mldVersion: 2,
    callIptables: true,
  }
  for (const [key, value] of Object.entries(others)) rtnl.run(setBridge(index, { [key]: value }))
  const { mostLearned, ...told } = rtnl.existingLink(index).bridge ?? usualBridge
  const { mostLearned: _, ...wanted } = others
  expect(told).toMatchObject(wanted)
  // Kernels before 6.7 have no limit.
  expect([0, 9]).toContain(mostLearned)
  expect(Object.keys(usualBridge).filter((key) => !(key in others))).toEqual([
    ...ofVlans,
    'multicastPerVlan',
    'spanningTreePerVlan',
    'multicastOffloadFailures',
    'localEntriesInVlan0',
  ])
  expect(showOne('ip -d link show br0')).toMatchObject({
    linkinfo: {
      info_data: {
        stp_state: 1,
        forward_delay: 400,
        hello_time: 300,
        max_age: 3000,
        priority: 4096,
        ageing_time: 0,
        group_fwd_mask: '0x8',
        group_addr: '01:80:c2:00:00:0e',
        no_linklocal_learn: 1,
        mcast_snooping: 0,
        mcast_router: 2,
        mcast_querier: 1,
        mcast_query_use_ifaddr: 1,
        mcast_stats_enabled: 1,
        mcast_hash_max: 512,
        mcast_last_member_cnt: 3,
        mcast_startup_query_cnt: 4,
        mcast_last_member_intvl: 200,
        mcast_membership_intvl: 20_000,
        mcast_querier_intvl: 20_100,
        mcast_query_intvl: 10_000,
        mcast_query_response_intvl: 1100,
        mcast_startup_query_intvl: 1200,
        mcast_igmp_version: 3,
        mcast_mld_version: 2,
        nf_call_iptables: 1,
        nf_call_ip6tables: 1,
        nf_call_arptables: 1,
      },
    },
  })
  for (const [key, value] of Object.entries(usualBridge))
    if (key in others) rtnl.run(setBridge(index, { [key]: value }))
  expect(rtnl.existingLink(index).bridge).toEqual(usualBridge)
})

it('each setting of a port that is up is taken, and told by iproute2', () => {
  const { index: master } = rtnl.create(createBridge({ name: 'br0', up: true }))
  rtnl.run(createVeth({ name: 'a0', master, up: true, peer: { name: 'b0' } }))
  rtnl.run(setLink('b0', { up: true, master }))
  const backupPort = rtnl.existingLink('b0').index
  const others = {
    isolated: true,
    hairpin: true,
    neighbourSuppression: true,
    unicastFlood: false,
    multicastFlood: false,
    broadcastFlood: false,
    locked: true,
    macAuthentication: true,
    proxyArp: true,
    proxyArpWifi: true,
    multicastToUnicast: true,
    multicastRouter: 0,
    mostMulticastGroups: 7,
    mostMulticastHosts: 8,
    fastLeave: true,
    bpduGuard: true,
    rootBlock: true,
    cost: 9,
    priority: 10,
    vlanTunnel: true,
    groupForwardMask: 8,
    backupPort,
    backupNexthop: 11,
  }
  for (const [key, value] of Object.entries(others)) rtnl.run(setBridgePort('a0', { [key]: value }))
  expect(rtnl.existingLink('a0').bridgePort).toMatchObject(others)
  expect(showOne('bridge -d link show dev a0')).toMatchObject({
    isolated: true,
    hairpin: true,
    neigh_suppress: true,
    flood: false,
    mcast_flood: false,
    bcast_flood: false,
    locked: true,
    mcast_to_unicast: true,
    mcast_router: 0,
    fastleave: true,
    guard: true,
    root_block: true,
    cost: 9,
    priority: 10,
    vlan_tunnel: true,
    backup_port: 'b0',
  })
  const usual = { ...usualBridgePort, cost: 2 }
  for (const change of [{ macAuthentication: false }, { locked: false }, { learning: false }])
    rtnl.run(setBridgePort('a0', change))
  rtnl.run(setBridgePort('a0', { neighbourSuppressionPerVlan: true }))
  expect(rtnl.existingLink('a0').bridgePort).toMatchObject({
    learning: false,
    neighbourSuppressionPerVlan: true,
  })
  for (const [key, value] of Object.entries(usual)) rtnl.run(setBridgePort('a0', { [key]: value }))
  expect(rtnl.existingLink('a0').bridgePort).toMatchObject(usual)
})

it('each setting of a vxlan that is up is taken, and told by iproute2', () => {
  rtnl.run(createVxlan({ name: 'vx0', vni: 4711, port: 4789, localAddress: 'fd00::1', up: true }))
  const others = {
    localAddress: 'fd00::2',
    remoteAddress: 'fd00::3',
    ttl: 9,
    tos: 16,
    flowLabel: 77,
    dontFragment: 'inherit',
    learning: false,
    ageingSeconds: 60,
  } as const
  for (const [key, value] of Object.entries(others)) rtnl.run(setVxlan('vx0', { [key]: value }))
  rtnl.run(setVxlan('vx0', { localBypass: false }))
  expect(rtnl.existingLink('vx0').vxlan).toMatchObject(others)
  expect(showOne('ip -d link show vx0')).toMatchObject({
    linkinfo: {
      info_data: {
        local6: 'fd00::2',
        remote6: 'fd00::3',
        ttl: 9,
        tos: '0x10',
        label: '0x4d',
        df: 'inherit',
        learning: false,
        ageing: 60,
      },
    },
  })
  const back = { ...usualVxlan, localAddress: 'fd00::1', remoteAddress: '::' }
  for (const [key, value] of Object.entries(back)) rtnl.run(setVxlan('vx0', { [key]: value }))
  expect(rtnl.existingLink('vx0').vxlan).toMatchObject({ ...back, remoteAddress: undefined })
})

it('a vxlan is made with what is fixed then', () => {
  const others = {
    sourcePorts: '1024-2048',
    proxy: true,
    l2Miss: true,
    l3Miss: true,
    routeShortCircuit: true,
    inheritTtl: true,
    mostLearned: 5,
    udpChecksum: false,
    udpZeroChecksumSent: true,
    udpZeroChecksumAccepted: true,
    remoteChecksumSent: true,
    remoteChecksumAccepted: true,
    remoteChecksumWhole: true,
    groupPolicy: true,
  }
  const vxlan = { name: 'vx0', vni: 1, port: 4789, localAddress: '127.0.0.1' }
  expect(rtnl.create(createVxlan({ ...vxlan, ...others })).vxlan).toMatchObject(others)
  expect(showOne('ip -d link show vx0')).toMatchObject({
    linkinfo: {
      info_data: {
        port_range: { low: 1024, high: 2048 },
        proxy: true,
        l2miss: true,
        l3miss: true,
        rsc: true,
        limit: 5,
        udp_csum: false,
        udp_zero_csum6_tx: true,
        udp_zero_csum6_rx: true,
        remcsum_tx: true,
        remcsum_rx: true,
        gbp: true,
      },
    },
  })
})

it('each setting of a link that is up is taken, and a link that somebody held down runs again', async () => {
  const { index: master } = rtnl.create(createBridge({ name: 'br0', up: true }))
  rtnl.run(createVeth({ name: 'a0', master, up: true, peer: { name: 'b0' } }))
  rtnl.run(setLink('b0', { up: true }))
  const vxlan = { name: 'vx0', vni: 1, port: 4789, localAddress: '127.0.0.1', master, up: true }
  rtnl.run(createVxlan(vxlan))
  const others = {
    arp: false,
    multicast: false,
    allMulticast: true,
    promiscuous: true,
    dynamic: true,
    trailers: false,
    broadcast: 'ff:ff:ff:ff:ff:fe',
    dormant: true,
  }
  const runs = ({ isRunning, bridgePort }: Link) => isRunning && bridgePort?.state === 'forwarding'
  for (const name of ['a0', 'vx0']) {
    await eventually(() => expect(runs(rtnl.existingLink(name))).toBe(true))
    for (const [key, value] of Object.entries(others)) rtnl.run(setLink(name, { [key]: value }))
    if (name === 'vx0') rtnl.run(setLink(name, { protocolDown: true }))
    expect(rtnl.existingLink(name)).toMatchObject({ ...others, isUp: true, protocolDown: name === 'vx0' })
    await eventually(() => expect(runs(rtnl.existingLink(name))).toBe(false))
    const { protocolDown, ...ofAll } = usualLink
    rtnl.run(setLink(name, name === 'vx0' ? { ...ofAll, protocolDown } : ofAll))
    expect(rtnl.existingLink(name)).toMatchObject(usualLink)
    await eventually(() => expect(runs(rtnl.existingLink(name))).toBe(true))
  }
})
