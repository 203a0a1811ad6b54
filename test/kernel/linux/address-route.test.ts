import { execFileSync } from 'node:child_process'
import {
  addAddress,
  addRoute,
  addRule,
  createBridge,
  deleteAddress,
  deleteLink,
  deleteRoute,
  deleteRule,
  MAIN_TABLE,
  mendAddressRoutes,
  mendSubnetRoutes,
  Rtnl,
  replaceAddress,
  replaceRoute,
  setLink,
  subnetRoute,
} from '@conet/sdk/linux'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inventory, show, showOne } from '../../support/iproute.ts'

let rtnl: Rtnl
let link: number
let before: Record<string, unknown>

const addressesShown = () => show('ip address show br0').flatMap(({ addr_info: addresses }) => addresses)

beforeEach(() => {
  before = inventory()
  rtnl = Rtnl.open()
  link = rtnl.create(createBridge({ name: 'br0' })).index
  rtnl.batch([setLink(link, { ipv6AddressGeneration: 'none' }), setLink(link, { up: true })])
})

afterEach(async () => {
  await rtnl.runSlow(deleteLink(link))
  rtnl.close()
  expect(inventory()).toEqual(before)
})

describe('addresses', () => {
  it('are added with broadcast, scope and without duplicate detection', () => {
    rtnl.batch([
      addAddress({ link, address: '10.7.0.1/16' }),
      addAddress({ link, address: '10.8.0.1/24', scope: 'link', broadcast: false }),
      addAddress({ link, address: 'fd00:7::1/64', nodad: true }),
      addAddress({ link, address: 'fe80::7/64', nodad: true }),
    ])
    expect(addressesShown()).toMatchObject([
      { local: '10.8.0.1', prefixlen: 24, scope: 'link' },
      { local: '10.7.0.1', prefixlen: 16, broadcast: '10.7.255.255', scope: 'global' },
      { local: 'fd00:7::1', prefixlen: 64, nodad: true, scope: 'global' },
      { local: 'fe80::7', prefixlen: 64, nodad: true, scope: 'link' },
    ])
    expect(rtnl.addresses({ link })).toEqual(
      expect.arrayContaining([
        {
          link,
          address: '10.7.0.1/16',
          scope: 'universe',
          broadcast: '10.7.255.255',
          nodad: false,
          tentative: false,
          duplicate: false,
          prefixRoute: true,
          expires: false,
          deprecated: false,
          metric: undefined,
          peer: undefined,
          label: 'br0',
          flags: [],
        },
        expect.objectContaining({ address: '10.8.0.1/24', scope: 'link', broadcast: undefined }),
        expect.objectContaining({ address: 'fd00:7::1/64', nodad: true, tentative: false }),
        expect.objectContaining({ address: 'fe80::7/64', scope: 'link' }),
      ]),
    )
  })

  it('bring the route to their subnet with them, unless that is not wanted', () => {
    const addresses = ['10.7.0.1/16', '10.9.3.77/22', 'fd00:7::1/52', '10.10.0.1/32']
    rtnl.batch([
      ...addresses.map((address) => addAddress({ link, address, nodad: address.includes(':') })),
      addAddress({ link, address: '10.11.0.1/24', prefixRoute: false }),
    ])
    const without = rtnl.addresses({ link }).filter(({ prefixRoute }) => !prefixRoute)
    expect(without.map(({ address }) => address)).toEqual(['10.11.0.1/24'])
    const expected = addresses.flatMap((address) => subnetRoute({ link, address }) ?? [])
    expect(expected.map(({ destination }) => destination)).toEqual([
      '10.7.0.0/16',
      '10.9.0.0/22',
      'fd00:7::/52',
    ])
    const ofKernel = rtnl.routes({ link, table: MAIN_TABLE }).filter(({ protocol }) => protocol === 2)
    expect(ofKernel).toHaveLength(expected.length)
    for (const route of expected) {
      expect(ofKernel).toContainEqual(expect.objectContaining({ ...route }))
      rtnl.run(deleteRoute(route))
      rtnl.run(addRoute(route))
    }
    expect(rtnl.routes({ link, table: MAIN_TABLE })).toEqual(expect.arrayContaining(ofKernel))
  })

  it('exist once: adding again is EEXIST, replacing again is fine', () => {
    const address = { link, address: '10.7.0.1/16' }
    rtnl.run(addAddress(address))
    expect(() => rtnl.run(addAddress(address))).toThrow(expect.objectContaining({ code: 'EEXIST' }))
    rtnl.batch([replaceAddress(address), replaceAddress(address)])
    expect(rtnl.addresses({ link })).toHaveLength(1)
  })

  it('are deleted, and what is not there is EADDRNOTAVAIL', () => {
    const address = { link, address: 'fd00::5/64' }
    rtnl.batch([addAddress({ ...address, nodad: true }), deleteAddress(address)])
    expect(rtnl.addresses({ link })).toEqual([])
    expect(() => rtnl.run(deleteAddress(address))).toThrow(expect.objectContaining({ code: 'EADDRNOTAVAIL' }))
  })

  it('make no route to their subnet when told so', () => {
    rtnl.run(addAddress({ link, address: '10.7.0.1/16', prefixRoute: false }))
    expect(show('ip -4 route show')).toEqual([])
  })
})

describe('routes', () => {
  beforeEach(() => {
    rtnl.batch([
      addAddress({ link, address: '10.7.0.1/16' }),
      addAddress({ link, address: 'fd00:7::1/64', nodad: true }),
    ])
  })

  it('have gateway, metric, table, scope and preferred source', () => {
    rtnl.batch([
      addRoute({ destination: '0.0.0.0/0', gateway: '10.7.0.254', link, metric: 50 }),
      addRoute({ destination: '10.99.0.0/16', link, preferredSource: '10.7.0.1', table: 1000 }),
      addRoute({ destination: '::/0', gateway: 'fd00:7::fe', metric: 60 }),
      addRoute({ destination: '192.0.2.0/24', gateway: '198.51.100.1', link, onlink: true, protocol: 77 }),
      addRoute({ destination: '203.0.113.0/24', type: 'blackhole' }),
    ])
    expect(show('ip -4 route show')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ dst: 'default', gateway: '10.7.0.254', dev: 'br0', metric: 50 }),
        expect.objectContaining({ dst: '192.0.2.0/24', gateway: '198.51.100.1', protocol: '77' }),
        expect.objectContaining({ type: 'blackhole', dst: '203.0.113.0/24' }),
      ]),
    )
    expect(showOne('ip -4 route show table 1000')).toMatchObject({
      dst: '10.99.0.0/16',
      scope: 'link',
      prefsrc: '10.7.0.1',
    })
    expect(showOne('ip -6 route show default')).toMatchObject({ gateway: 'fd00:7::fe', metric: 60 })
    expect(rtnl.routes()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ destination: '0.0.0.0/0', gateway: '10.7.0.254', metric: 50, table: 254 }),
        expect.objectContaining({ destination: '::/0', family: 'ipv6', link }),
        expect.objectContaining({ destination: '10.7.0.1/32', table: 255, type: 'local' }),
        expect.objectContaining({ destination: '192.0.2.0/24', onlink: true, protocol: 77 }),
      ]),
    )
    expect(rtnl.routes({ table: 1000 })).toEqual([
      {
        family: 'ipv4',
        destination: '10.99.0.0/16',
        gateway: undefined,
        link,
        metric: undefined,
        table: 1000,
        scope: 'link',
        preferredSource: '10.7.0.1',
        onlink: false,
        type: 'unicast',
        protocol: 4,
        tos: 0,
        options: [],
        moreHops: [],
      },
    ])
    rtnl.run(deleteRoute({ destination: '203.0.113.0/24', type: 'blackhole' }))
  })

  it('are replaced, deleted, and ESRCH when they are not there', () => {
    const route = { destination: '10.50.0.0/16', gateway: '10.7.0.9' }
    rtnl.batch([addRoute(route), replaceRoute({ ...route, gateway: '10.7.0.10' })])
    expect(showOne('ip -4 route show 10.50.0.0/16')).toMatchObject({ gateway: '10.7.0.10' })
    expect(() => rtnl.run(addRoute(route))).toThrow(expect.objectContaining({ code: 'EEXIST' }))
    rtnl.run(deleteRoute({ destination: '10.50.0.0/16' }))
    expect(() => rtnl.run(deleteRoute({ destination: '10.50.0.0/16' }))).toThrow(
      expect.objectContaining({ code: 'ESRCH' }),
    )
  })

  it('to its subnets are put back as the kernel had made them, beside those of another link', async () => {
    const addresses = ['10.7.0.1/16', '10.7.0.3/16', 'fd00:7::1/64', '10.9.0.1/32']
    const other = rtnl.create(createBridge({ name: 'br1' })).index
    rtnl.batch([
      setLink(other, { ipv6AddressGeneration: 'none' }),
      setLink(other, { up: true }),
      addAddress({ link: other, address: '10.7.0.2/16' }),
      addAddress({ link: other, address: 'fd00:7::2/64', nodad: true }),
      ...addresses.map((address) => replaceAddress({ link, address, nodad: address.includes(':') })),
    ])
    const own = () => rtnl.routes({ link, table: MAIN_TABLE })
    const before = own()
    for (const destination of ['10.7.0.0/16', 'fd00:7::/64']) rtnl.run(deleteRoute({ destination, link }))
    const mended = mendSubnetRoutes(rtnl, { link, addresses })
    expect(mended.map(({ route }) => route.destination)).toEqual(['10.7.0.0/16', 'fd00:7::/64'])
    expect(own()).toEqual(before)
    expect(mendSubnetRoutes(rtnl, { link, addresses })).toEqual([])
    expect(rtnl.routes({ link: other, table: MAIN_TABLE })).toHaveLength(before.length)
    await rtnl.runSlow(deleteLink(other))
  })

  it('by which the machine takes what is sent to its addresses are put back, and lead there again', () => {
    const addresses = ['10.7.0.1/16', '10.9.0.1/32', 'fd00:7::1/64']
    rtnl.batch(addresses.map((address) => replaceAddress({ link, address, nodad: address.includes(':') })))
    expect(mendAddressRoutes(rtnl, { link, addresses })).toEqual([])
    for (const { destination, table } of rtnl.routes({ link }))
      rtnl.run(deleteRoute({ destination, table, link }))
    const lost = mendAddressRoutes(rtnl, { link, addresses })
    expect(lost.map(({ route }) => route.destination)).toEqual([
      ...['10.7.0.1/32', '10.7.255.255/32', '10.9.0.1/32', 'fd00:7::1/128', 'ff00::/8'],
      ...['10.7.0.0/16', 'fd00:7::/64'],
    ])
    for (const address of addresses)
      expect(showOne(`ip route get ${address.replace(/\/.*/, '')}`), address).toMatchObject({ type: 'local' })
    expect(showOne('ip route get 10.7.255.255')).toMatchObject({ type: 'broadcast' })
    expect(mendAddressRoutes(rtnl, { link, addresses })).toEqual([])
  })

  it('to a subnet have a source of the link, unless another is wanted; what the kernel takes after them stays', () => {
    const addresses = ['10.7.0.1/16', '10.7.0.3/16', 'fd00:7::1/64']
    rtnl.batch(addresses.map((address) => replaceAddress({ link, address, nodad: address.includes(':') })))
    const source = (destination: string, preferredSource: string) => ({ destination, link, preferredSource })
    const later = { ...source('10.7.0.0/16', '127.0.0.1'), metric: 7 }
    rtnl.batch([replaceRoute(source('10.7.0.0/16', '10.7.0.3')), addRoute(later)])
    expect(mendAddressRoutes(rtnl, { link, addresses })).toEqual([])
    const wrong = source('10.7.0.0/16', '127.0.0.1')
    rtnl.run(replaceRoute(wrong))
    expect(mendAddressRoutes(rtnl, { link, addresses, routes: [wrong] })).toEqual([])
    expect(mendAddressRoutes(rtnl, { link, addresses })).toMatchObject([{ wrong: [wrong] }])
    expect(mendAddressRoutes(rtnl, { link, addresses })).toEqual([])
    expect(showOne('ip route get 10.7.0.9')).toMatchObject({ prefsrc: '10.7.0.1' })
    expect(rtnl.routes({ link, table: MAIN_TABLE })).toContainEqual(expect.objectContaining(later))
  })

  it('count as a whole where that is asked for, the metric too; another link keeps its own', async () => {
    const addresses = ['10.7.0.1/16', 'fd00:7::1/64']
    const other = rtnl.create(createBridge({ name: 'br1', up: true })).index
    rtnl.run(addAddress({ link: other, address: '10.7.0.2/16' }))
    const whole = { link, addresses, isWhole: true }
    expect(mendAddressRoutes(rtnl, whole)).toEqual([])
    const before = show('ip route show 10.7.0.0/16')
    execFileSync('ip', 'route del 10.7.0.0/16 dev br0'.split(' '))
    execFileSync('ip', 'route add 10.7.0.0/16 dev br0 metric 9 mtu 1300 realm 5'.split(' '))
    execFileSync('ip', '-6 route change fd00:7::/64 dev br0 metric 256 hoplimit 3 pref high'.split(' '))
    expect(rtnl.routes({ link, table: MAIN_TABLE })).toContainEqual(
      expect.objectContaining({ metric: 9, options: ['mtu 1300', 'realm 5'] }),
    )
    expect(mendAddressRoutes(rtnl, { link, addresses })).toEqual([])
    expect(mendAddressRoutes(rtnl, whole)).toMatchObject([
      { route: { destination: '10.7.0.0/16' }, wrong: [], changes: [] },
      { route: { destination: 'fd00:7::/64' }, changes: ['hoplimit 3', 'pref 1'] },
    ])
    expect(mendAddressRoutes(rtnl, whole)).toEqual([])
    expect(show('ip route show 10.7.0.0/16')).toEqual(expect.arrayContaining(before))
    await rtnl.runSlow(deleteLink(other))
  })

  it('to nowhere carry the kernel’s reason', () => {
    const request = addRoute({ destination: '10.50.0.0/16', gateway: '172.31.0.1', link })
    expect(() => rtnl.run(request)).toThrow(
      `add route to 10.50.0.0/16 via 172.31.0.1 over link ${link}: Nexthop has invalid gateway (ENETUNREACH)`,
    )
  })

  it('are none in a table that does not exist', () => {
    for (const family of ['ipv4', 'ipv6'] as const) expect(rtnl.routes({ family, table: 4711 })).toEqual([])
  })

  it('of mixed families are refused before the kernel sees them', () => {
    expect(() => addRoute({ destination: '10.50.0.0/16', gateway: 'fd00::1' })).toThrow(TypeError)
  })
})

describe('rules', () => {
  it('choose a table by source and destination, in both families', () => {
    const rules = [
      { family: 'ipv4', from: '10.7.0.2/32', priority: 100, table: 1001 },
      { family: 'ipv4', from: '10.7.0.0/16', to: '10.8.0.0/16', priority: 101, table: 5 },
      { family: 'ipv6', to: 'fd00:7::/64', priority: 102, table: 1002 },
    ] as const
    rtnl.batch(rules.map(addRule))
    expect(show('ip -4 rule show')).toEqual(
      expect.arrayContaining([
        { priority: 100, src: '10.7.0.2', table: '1001' },
        { priority: 101, src: '10.7.0.0', srclen: 16, dst: '10.8.0.0', dstlen: 16, table: '5' },
      ]),
    )
    expect(showOne('ip -6 rule show priority 102')).toMatchObject({
      dst: 'fd00:7::',
      dstlen: 64,
      table: '1002',
    })
    expect(rtnl.rules()).toEqual(expect.arrayContaining([...rules]))
    expect(() => rtnl.run(addRule(rules[0]))).toThrow(expect.objectContaining({ code: 'EEXIST' }))
    rtnl.batch(rules.map(deleteRule))
    expect(() => rtnl.run(deleteRule(rules[0]))).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  })
})
