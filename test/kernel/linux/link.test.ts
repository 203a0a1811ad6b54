// Links as they are made and read.
import { setFlagsFromString } from 'node:v8'
import { runInThisContext } from 'node:vm'
import {
  createBridge,
  createIfb,
  createMacvlan,
  createVeth,
  createVxlan,
  Rtnl,
  setLink,
  usualFixedVxlan,
  usualVxlan,
} from '@conet/sdk/linux'
import { describe, expect, it } from 'vitest'
import { show, showOne } from '../../support/iproute.ts'
import { temporaryNamespace } from '../../support/temporary-namespace.ts'
import { connectForEachTest, namesOf } from './links-fixture.ts'

let rtnl: Rtnl

connectForEachTest((opened) => {
  rtnl = opened
})

describe('a bridge', () => {
  it('has every attribute that was asked for', () => {
    const link = rtnl.create(
      createBridge({
        name: 'br0',
        macAddress: '02:42:00:00:00:01',
        mtu: 1400,
        up: true,
        group: 12,
        ageingSeconds: 60,
        spanningTree: false,
        multicastSnooping: false,
        groupForwardMask: 8,
        callIptables: true,
      }),
    )
    expect(showOne('ip -d link show br0')).toMatchObject({
      ifindex: link.index,
      address: '02:42:00:00:00:01',
      mtu: 1400,
      flags: expect.arrayContaining(['UP']),
      group: '12',
      linkinfo: {
        info_kind: 'bridge',
        info_data: {
          ageing_time: 6000,
          stp_state: 0,
          mcast_snooping: 0,
          group_fwd_mask: '0x8',
          nf_call_iptables: 1,
          nf_call_ip6tables: 1,
        },
      },
    })
    // Without a port it has no carrier, which the kernel works off later.
    expect(rtnl.link('br0')).toEqual({ ...link, isRunning: false })
    expect(link).toMatchObject({
      name: 'br0',
      kind: 'bridge',
      isUp: true,
      group: 12,
      macAddress: '02:42:00:00:00:01',
      bridge: {
        ageingSeconds: 60,
        spanningTree: false,
        multicastSnooping: false,
        groupForwardMask: 8,
        callIptables: true,
      },
    })
  })
})

describe('a veth', () => {
  it('is made in one request with its peer inside the sandbox, and says the index of the peer', () => {
    using sandbox = temporaryNamespace()
    const bridge = rtnl.create(createBridge({ name: 'br0', up: true }))
    const link = rtnl.create(
      createVeth({
        name: 'host0',
        macAddress: '02:42:00:00:00:02',
        mtu: 1300,
        up: true,
        master: bridge.index,
        group: 4242,
        peer: {
          name: 'eth0',
          macAddress: '02:42:0a:00:00:02',
          mtu: 1300,
          group: 7,
          namespace: sandbox.namespace,
        },
      }),
    )
    expect(showOne('ip -d link show host0')).toMatchObject({
      address: '02:42:00:00:00:02',
      mtu: 1300,
      master: 'br0',
      group: '4242',
      flags: expect.arrayContaining(['UP']),
    })
    expect(showOne('ip -d link show eth0', sandbox.namespace)).toMatchObject({
      ifindex: link.parent,
      address: '02:42:0a:00:00:02',
      mtu: 1300,
      group: '7',
      linkinfo: { info_kind: 'veth' },
    })
    expect(link.parentNamespaceId).toBeTypeOf('number')
    expect(show('ip link show').map(({ ifname }) => ifname)).toEqual(['lo', 'br0', 'host0'])
  })

  it('leaves neither end when the peer cannot be made', () => {
    using sandbox = temporaryNamespace()
    const veth = (name: string) => createVeth({ name, peer: { name: 'eth0', namespace: sandbox.namespace } })
    rtnl.run(veth('host0'))
    expect(() => rtnl.run(veth('host1'))).toThrow(
      expect.objectContaining({ code: 'EEXIST', operation: 'create link host1 (veth)' }),
    )
    expect(rtnl.link('host1')).toBeUndefined()
  })

  it('makes no link-local address when address generation is off before it goes up', () => {
    using sandbox = temporaryNamespace()
    const link = rtnl.create(
      createVeth({ name: 'host0', up: true, peer: { name: 'eth0', namespace: sandbox.namespace } }),
    )
    using inside = Rtnl.openIn(sandbox.namespace)
    const peer = inside.existingLink('eth0').index
    expect(peer).toBe(link.parent)
    inside.batch([setLink(peer, { ipv6AddressGeneration: 'none' }), setLink(peer, { up: true })])
    expect(inside.link(peer)).toMatchObject({ isUp: true, ipv6AddressGeneration: 'none' })
    expect(showOne('ip -d link show eth0', sandbox.namespace)).toMatchObject({ inet6_addr_gen_mode: 'none' })
    expect(inside.addresses({ link: peer })).toEqual([])
  })
})

describe('a vxlan', () => {
  it('has every attribute that was asked for', () => {
    rtnl.run(createBridge({ name: 'below', up: true }))
    const link = rtnl.create(
      createVxlan({
        name: 'vx0',
        vni: 4711,
        port: 4789,
        localAddress: '10.9.0.1',
        device: rtnl.existingLink('below').index,
        ttl: 32,
        learning: false,
        proxy: true,
        l2Miss: true,
        l3Miss: true,
        dontFragment: 'set',
        ageingSeconds: 30,
        udpChecksum: true,
      }),
    )
    expect(showOne('ip -d link show vx0')).toMatchObject({
      linkinfo: {
        info_kind: 'vxlan',
        info_data: {
          id: 4711,
          port: 4789,
          local: '10.9.0.1',
          link: 'below',
          ttl: 32,
          learning: false,
          proxy: true,
          l2miss: true,
          l3miss: true,
          df: 'set',
          ageing: 30,
          udp_csum: true,
        },
      },
    })
    expect(link.vxlan).toEqual({
      ...usualVxlan,
      ...usualFixedVxlan,
      dontFragment: 'set',
      ageingSeconds: 30,
      vni: 4711,
      port: 4789,
      localAddress: '10.9.0.1',
      device: rtnl.existingLink('below').index,
      ttl: 32,
      learning: false,
      proxy: true,
      l2Miss: true,
      l3Miss: true,
    })
  })

  it('takes an IPv6 source address', () => {
    const vxlan = createVxlan({ name: 'vx6', vni: 1, port: 4789, localAddress: 'fd00::9' })
    expect(rtnl.create(vxlan).vxlan).toMatchObject({ localAddress: 'fd00::9' })
    expect(showOne('ip -d link show vx6')).toMatchObject({ linkinfo: { info_data: { local6: 'fd00::9' } } })
  })
})

it('a macvlan is made straight into the sandbox, on a link that stays outside', () => {
  using sandbox = temporaryNamespace()
  const parent = rtnl.create(createBridge({ name: 'br0', up: true }))
  rtnl.run(
    createMacvlan({ name: 'eth0', parent: parent.index, mode: 'bridge', namespace: sandbox.namespace }),
  )
  using inside = Rtnl.openIn(sandbox.namespace)
  expect(inside.link('eth0')).toMatchObject({
    kind: 'macvlan',
    parent: parent.index,
    macvlan: { mode: 'bridge' },
  })
  expect(showOne('ip -d link show eth0', sandbox.namespace)).toMatchObject({
    linkinfo: { info_kind: 'macvlan', info_data: { mode: 'bridge' } },
  })
})

it('an ifb is made up', () => {
  expect(rtnl.create(createIfb({ name: 'ifbx', up: true }))).toMatchObject({ kind: 'ifb', isUp: true })
})

it('links are listed by master, by kind and by group', () => {
  const { index: master } = rtnl.create(createBridge({ name: 'br0' }))
  rtnl.batch([
    createVeth({ name: 'a0', master, group: 5, peer: { name: 'b0' } }),
    createVeth({ name: 'a1', group: 5, peer: { name: 'b1' } }),
  ])
  expect(namesOf(rtnl.links())).toEqual(['a0', 'a1', 'b0', 'b1', 'br0', 'lo'])
  expect(namesOf(rtnl.links({ master }))).toEqual(['a0'])
  expect(namesOf(rtnl.links({ kind: 'bridge' }))).toEqual(['br0'])
  expect(namesOf(rtnl.links({ group: 5 }))).toEqual(['a0', 'a1'])
})

it('links share one hidden class with fixed places, and so leave none behind for a full collection', () => {
  setFlagsFromString('--allow-natives-syntax')
  const share: unknown = runInThisContext(
    '(one, other) => %HasFastProperties(one) && %HaveSameMap(one, other)',
  )
  if (typeof share !== 'function') throw new Error('not compiled')
  const read = () => rtnl.existingLink('lo')
  // Not with the first ones: with them the class settles.
  expect([1, 2, 3].map(() => share(read(), read())).at(-1)).toBe(true)
})

it('statistics count what passed, and are undefined for a link that is not there', () => {
  expect(rtnl.statistics('lo')).toMatchObject({ receivedBytes: expect.any(Number), sendDropped: 0 })
  expect(rtnl.statistics('nosuch')).toBeUndefined()
})
