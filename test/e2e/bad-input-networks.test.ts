// Networks, plugs and sandboxes that are well-formed and make no sense. Each is refused by the name of its field, and
// nothing has changed afterwards, in the host or in the kernel.
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NetworkView } from '@conet/sdk/api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HostUnderTest } from '../support/host-under-test.ts'

let host: HostUnderTest
const network = (body: Record<string, unknown>) => ({ method: 'POST', path: '/networks', body })
const plug = (body: Record<string, unknown>, handle = 'c1') => ({
  method: 'POST',
  path: `/containers/${handle}/endpoints`,
  body,
})
const define = (handle: string, ...attachments: unknown[]) => ({
  method: 'PUT',
  path: `/containers/${handle}/config`,
  body: { attach_to: attachments },
})
const up = (body: Record<string, unknown>, handle = 'c2') => ({
  method: 'POST',
  path: `/internal/containers/${handle}/up`,
  body,
})

beforeAll(async () => {
  host = await HostUnderTest.start('null', 'bridge')
  const subnets = (...all: unknown[]) => ({ subnets: all })
  const blue = subnets({ subnet: '10.50.0.0/24', exclude: ['10.50.0.200'] }, { subnet: 'fd50::/64' })
  await host.done(network({ name: 'blue', type: 'bridge', ...blue }))
  await host.done(network({ name: 'tiny', type: 'null', ...subnets({ subnet: '10.51.0.0/30' }) }))
  const same = { internal: true, ...subnets({ subnet: '10.52.0.0/24' }) }
  await host.done(network({ name: 'in1', type: 'null', ...same }))
  await host.done(network({ name: 'in2', type: 'null', ...same }))
  await host.done(define('c1'))
  await host.done(up({}, 'c1'))
  await host.done(define('c2', 'blue'))
  await host.done(define('c3', { network: 'blue', name: 'a' }, { network: 'blue', name: 'b' }))
  const planned = { interface: 'lan7', default_route: true, primary: true, mac_address: '02:42:aa:00:00:70' }
  await host.done(define('c4', { network: 'blue', name: 'planned', addresses: ['10.50.0.70'], ...planned }))
  await host.done(define('c5', 'in1'))
  const theirs = { addresses: ['10.50.0.20'], mac_address: '02:42:aa:00:00:20' }
  await host.done(plug({ network: 'blue', ...theirs }, 'c5'))
  const first = { network: 'blue', name: 'first', interface: 'lan0', mac_address: '02:42:aa:00:00:01' }
  await host.done(plug({ ...first, addresses: ['10.50.0.7'] }))
  await host.done(plug({ network: 'tiny', default_route: false }))
  await host.done(plug({ network: 'in1' }))
})

afterAll(() => host?.[Symbol.asyncDispose]())

/** It is refused for that field, and nothing has changed. */
async function expectRefusal(
  call: Parameters<HostUnderTest['refused']>[0],
  field: string | undefined,
  kind: string,
) {
  const before = await host.picture()
  const problem = await host.refused(call)
  expect({ kind: problem.kind, field: problem.fields?.[0]?.path }, problem.detail).toEqual({ kind, field })
  expect(await host.picture()).toEqual(before)
}

/** All that is wrong is named at once, and nothing has changed. */
async function expectAllNamed(call: Parameters<HostUnderTest['refused']>[0], ...paths: string[]) {
  const before = await host.picture()
  const problem = await host.refused(call)
  expect(problem.fields?.map(({ path }) => path).sort(), problem.detail).toEqual(paths.sort())
  expect(await host.picture()).toEqual(before)
}

const manyFaults = [
  { subnet: '10.1.0.0/24', gateway: '10.2.0.1', range: '10.3.0.0/28', exclude: ['10.1.0.9', 'x'] },
  { subnet: '10.1.0.1/24' },
  { subnet: '10.50.0.0/16' },
  { subnet: '10.4.0.7/32' },
]
const theirPaths = [
  ...['subnets[0].gateway', 'subnets[0].range', 'subnets[0].exclude[1]'],
  ...['subnets[1].subnet', 'subnets[2].subnet', 'subnets[3].gateway'],
]

describe('everything that is wrong', () => {
  it('with a network is named at once: its subnets, its configuration and its policy', () =>
    expectAllNamed(
      network({
        ...{ name: 'x', type: 'bridge', subnets: manyFaults, config: { mtu: 5, bogus: 1 } },
        default_policy: { bogus: 1 },
      }),
      ...theirPaths,
      ...['config.mtu', 'config.bogus', 'default_policy.bogus'],
    ))

  it('with a network is named at once: its name, its driver and its subnets', async () => {
    await expectAllNamed(network({ type: 'nul', subnets: manyFaults }), 'name', 'type', ...theirPaths)
    const gateways = [{ subnet: '10.1.0.0/24', gateway: '10.1.0.1' }, { subnet: '10.1.0.1/24' }]
    const internal = { name: 'x', type: 'null', internal: true, subnets: gateways }
    await expectAllNamed(network(internal), 'subnets[0].gateway', 'subnets[1].subnet')
    await expectAllNamed(network({ name: 'x', driver: 'null' }), 'type', 'driver')
  })

  it('with a network is a family of addresses that it is not to have, and of which it has a subnet', async () => {
    const dual = { name: 'x', type: 'null', subnets: [{ subnet: '10.1.0.0/24' }, { subnet: 'fd01::/64' }] }
    await expectAllNamed(network({ ...dual, ipv4: false }), 'subnets[0].subnet', 'ipv4')
    await expectAllNamed(
      network({ ...dual, ipv4: false, ipv6: false }),
      ...['subnets[0].subnet', 'ipv4', 'subnets[1].subnet', 'ipv6'],
    )
  })

  it('with a network is that it would have no addresses by one word alone; by two it has none', async () => {
    const bare = { name: 'x', type: 'null', ipv4: false }
    for (const wish of [bare, { ...bare, ipv6: null }, { ...bare, subnets: [] }])
      await expectRefusal(network(wish), 'ipv4', 'invalidArgument')
    const subnetsOf = async (wish: Record<string, unknown>) => {
      const { id, subnets } = await host.done<NetworkView>(network({ ...bare, ...wish }))
      await host.done({ method: 'DELETE', path: `/networks/${id}` })
      return subnets.map(({ subnet }) => (subnet.includes(':') ? 6 : 4))
    }
    expect(await subnetsOf({ ipv6: false })).toEqual([])
    expect(await subnetsOf({ ipv6: true })).toEqual([6])
    expect(await subnetsOf({ subnets: [{ subnet: 'fd01::/64' }] })).toEqual([6])
    expect(await subnetsOf({ ipv4: null })).toEqual([4])
    expect(await subnetsOf({ ipv4: null, subnets: [] })).toEqual([4])
  })

  it('with a network is named before it is said that its name is another’s', async () => {
    const again = (subnet: string) => network({ name: 'blue', type: 'bridge', subnets: [{ subnet }] })
    await expectRefusal(again('10.50.0.1/24'), 'subnets[0].subnet', 'invalidArgument')
    await expectRefusal(again('10.50.0.0/24'), 'name', 'conflict')
  })

  it('a name by which a list of networks means another one is refused', async () => {
    const { id } = await host.done<{ id: string }>({ path: '/networks/blue' })
    const like = (digits: number) => network({ name: id.slice(0, digits), type: 'null' })
    for (const digits of [4, 12, 63]) await expectRefusal(like(digits), 'name', 'invalidArgument')
  })

  it('with the configuration of a container is named at once', () =>
    expectAllNamed(
      define(
        'later',
        'none',
        { network: 'blue', addresses: ['nowhere', '10.50.0.1'], mac_address: 'zz' },
        { network: 'none', interface: 'lo' },
      ),
      ...['attach_to[0]', 'attach_to[1].addresses[0]', 'attach_to[1].addresses[1]'],
      ...['attach_to[1].mac_address', 'attach_to[2].network', 'attach_to[2].interface'],
    ))

  it('with a plug is named at once', async () => {
    const wrong = { addresses: ['10.50.0.1', 'nowhere'], mac_address: 'zz', interface: 'lan0' }
    const paths = ['addresses[0]', 'addresses[1]', 'mac_address', 'interface']
    await expectAllNamed(plug({ network: 'blue', ...wrong }), ...paths)
    await expectAllNamed(
      plug({ network: 'none', ...wrong, addresses: ['nowhere'] }),
      ...['network', 'addresses[0]', 'mac_address', 'interface'],
    )
    await expectAllNamed(plug({ network: 'blue', addresses: ['nowhere', '10.50.0.7'] }), 'addresses[0]')
  })

  it('with the policies of a container is named at once', () =>
    expectAllNamed(
      {
        method: 'PUT',
        path: '/containers/c3/policy',
        body: { networks: { a: { bogus: 1 }, b: { net_in: 5 } } },
      },
      ...['networks.a.bogus', 'networks.b.net_in'],
    ))
})

describe('a network', () => {
  const at = 'subnets[0]'
  it.each<[string, Record<string, unknown>, string]>([
    ['host bits', { subnet: '10.1.0.1/16' }, `${at}.subnet`],
    ['no prefix', { subnet: '10.1.0.0' }, `${at}.subnet`],
    ['a prefix that is too long', { subnet: '10.1.0.0/33' }, `${at}.subnet`],
    ['leading zeros', { subnet: '010.1.0.0/16' }, `${at}.subnet`],
    ['a zone', { subnet: 'fe80::%eth0/64' }, `${at}.subnet`],
    ['everything', { subnet: '0.0.0.0/0' }, `${at}.subnet`],
    ['everything of IPv6', { subnet: '::/0' }, `${at}.subnet`],
    ['multicast', { subnet: '224.0.0.0/24' }, `${at}.subnet`],
    ['multicast of IPv6', { subnet: 'ff02::/64' }, `${at}.subnet`],
    ['loopback', { subnet: '127.1.0.0/24' }, `${at}.subnet`],
    ['link-local addresses', { subnet: 'fe80::/64' }, `${at}.subnet`],
    ['IPv4-mapped addresses', { subnet: '::ffff:10.0.0.0/112' }, `${at}.subnet`],
    ['nothing left', { subnet: '10.1.0.0/24', exclude: ['10.1.0.0/24'] }, `${at}.subnet`],
    ['a gateway outside', { subnet: '10.1.0.0/24', gateway: '10.2.0.1' }, `${at}.gateway`],
    ['the broadcast address as gateway', { subnet: '10.1.0.0/24', gateway: '10.1.0.255' }, `${at}.gateway`],
    ['a gateway of the other family', { subnet: '10.1.0.0/24', gateway: 'fd00::1' }, `${at}.gateway`],
    ['no room for a gateway and an endpoint', { subnet: '10.1.0.7/32' }, `${at}.gateway`],
    ['no room for them in IPv6', { subnet: 'fd51::7/128' }, `${at}.gateway`],
    ['a range outside', { subnet: '10.1.0.0/24', range: '10.2.0.0/28' }, `${at}.range`],
    ['a range backwards', { subnet: '10.1.0.0/24', range: '10.1.0.9-10.1.0.3' }, `${at}.range`],
    ['an exclude outside', { subnet: '10.1.0.0/24', exclude: ['10.1.0.9', '10.2.0.1'] }, `${at}.exclude[1]`],
  ])('whose subnet has %s is refused', (_what, subnet, field) =>
    expectRefusal(network({ name: 'x', type: 'null', subnets: [subnet] }), field, 'invalidArgument'),
  )

  it('whose subnet meets its own, another network or a route of the machine is refused', async () => {
    const of = (...subnets: string[]) =>
      network({ name: 'x', type: 'null', subnets: subnets.map((subnet) => ({ subnet })) })
    await expectRefusal(of('10.1.0.0/16', '10.1.2.0/24'), 'subnets[1].subnet', 'subnetOverlap')
    await expectRefusal(of('10.50.0.128/25'), 'subnets[0].subnet', 'subnetOverlap')
    await expectRefusal(of('10.0.0.0/8'), 'subnets[0].subnet', 'subnetOverlap')
    execFileSync('ip', ['route', 'add', '10.60.0.0/16', 'dev', 'lo'])
    await expectRefusal(of('10.60.1.0/24'), 'subnets[0].subnet', 'subnetOverlap')
    execFileSync('ip', ['route', 'del', '10.60.0.0/16', 'dev', 'lo'])
  })

  it('with a taken name, an unknown driver or a gateway where there is no way out is refused', async () => {
    await expectRefusal(network({ name: 'blue', type: 'null' }), 'name', 'conflict')
    await expectRefusal(network({ name: 'x', type: 'nul' }), 'type', 'unknownDriver')
    const subnets = [{ subnet: '10.1.0.0/24', gateway: '10.1.0.1' }]
    const internal = network({ name: 'x', type: 'null', internal: true, subnets })
    await expectRefusal(internal, 'subnets[0].gateway', 'invalidArgument')
  })

  it.each(['container', 'container:c1'])(
    '[C14] of type %s, to share the namespace of another container, is refused',
    (type) => expectRefusal(network({ name: 'x', type }), 'type', 'unknownDriver'),
  )

  it.each<[string, unknown]>([
    ['mtu', 67],
    ['mtu', 65_536],
    ['mtu', '1400'],
    ['icc', 1],
    ['hairpin', null],
    ['masquerade', 'no'],
    ['mac_address', '01:00:5e:00:00:01'],
    ['mac_address', '00:00:00:00:00:00'],
    ['bogus', 1],
  ])('[B6] of the bridge driver with %s %j in its configuration is refused', (key, value) =>
    expectRefusal(
      network({ name: 'x', type: 'bridge', config: { [key]: value } }),
      `config.${key}`,
      'invalidArgument',
    ),
  )

  it('of the bridge driver with IPv6 and links that are too small for it is refused', () =>
    expectRefusal(
      network({ name: 'x', type: 'bridge', ipv6: true, config: { mtu: 1279 } }),
      'config.mtu',
      'invalidArgument',
    ))
})

describe('the configuration of a container', () => {
  it.each(['10.99.0.9', '10.50.0.1', '10.50.0.200'])(
    'that asks for an address which no endpoint can get is refused at once: %s',
    (address) =>
      expectRefusal(
        define('later', { network: 'blue', addresses: [address] }),
        'attach_to[0].addresses[0]',
        'addressOutOfRange',
      ),
  )
})

describe('a plug', () => {
  it.each<[string, Record<string, unknown>, string, string]>([
    ['the gateway', { addresses: ['10.50.0.1'] }, 'addresses[0]', 'addressOutOfRange'],
    ['the network address', { addresses: ['10.50.0.0'] }, 'addresses[0]', 'addressOutOfRange'],
    ['the broadcast address', { addresses: ['10.50.0.255'] }, 'addresses[0]', 'addressOutOfRange'],
    ['an excluded address', { addresses: ['10.50.0.200'] }, 'addresses[0]', 'addressOutOfRange'],
    ['an address of elsewhere', { addresses: ['fd50::9', '10.9.0.2'] }, 'addresses[1]', 'addressOutOfRange'],
    [
      'an address of the other family',
      { addresses: ['::ffff:10.50.0.9'] },
      'addresses[0]',
      'addressOutOfRange',
    ],
    ['the address of another one of the container', { addresses: ['10.50.0.7'] }, 'addresses[0]', 'conflict'],
    ["another container's address", { addresses: ['10.50.0.20'] }, 'addresses[0]', 'addressInUse'],
    ['an address twice', { addresses: ['fd50::9', 'fd50:0::9'] }, 'addresses[1]', 'invalidArgument'],
    ['a prefix', { addresses: ['10.50.0.9/24'] }, 'addresses[0]', 'invalidArgument'],
    ['the MAC of another one', { mac_address: '02-42-AA-00-00-01' }, 'mac_address', 'conflict'],
    ["another container's MAC", { mac_address: '02-42-AA-00-00-20' }, 'mac_address', 'addressInUse'],
    ['a multicast MAC', { mac_address: '01:00:5e:00:00:01' }, 'mac_address', 'invalidArgument'],
    ['the MAC of nobody', { mac_address: '00:00:00:00:00:00' }, 'mac_address', 'invalidArgument'],
    ['no MAC at all', { mac_address: 'zz' }, 'mac_address', 'invalidArgument'],
    ['a taken interface', { interface: 'lan0' }, 'interface', 'conflict'],
    ['a taken name', { name: 'first' }, 'name', 'conflict'],
    ['the default route that another has', { default_route: true }, 'default_route', 'conflict'],
    ['an unknown option', { options: { bogus: 1 } }, 'options.bogus', 'invalidArgument'],
    ['no such network', { network: 'none' }, 'network', 'notFound'],
    ['a network by a path', { network: '../blue' }, 'network', 'invalidArgument'],
    ['[C19] a second network with the same subnet', { network: 'in2' }, 'network', 'subnetOverlap'],
    [
      'the default route of a network without',
      { network: 'in1', default_route: true, name: 'n' },
      'default_route',
      'invalidArgument',
    ],
  ])('that wants %s is refused', (_what, wish, field, kind) =>
    expectRefusal(plug({ network: 'blue', ...wish }), field, kind),
  )

  it.each<[string, Record<string, unknown>, string]>([
    ['a name', { name: 'planned' }, 'name'],
    ['an interface', { interface: 'lan7' }, 'interface'],
    ['the default route', { default_route: true }, 'default_route'],
    ['the place of the primary one', { primary: true }, 'primary'],
    ['an address', { addresses: ['fd50::9', '10.50.0.70'] }, 'addresses[1]'],
    ['a MAC', { mac_address: '02-42-AA-00-00-70' }, 'mac_address'],
  ])('that wants %s of an attachment that has no endpoint yet is refused', (_what, wish, field) =>
    expectRefusal(plug({ network: 'blue', ...wish }, 'c4'), field, 'conflict'),
  )

  it('that wants a MAC which the container has in another network is not', async () => {
    await host.done(plug({ network: 'in1', name: 'same-mac', mac_address: '02-42-AA-00-00-70' }, 'c4'))
  })

  it.each([
    'lo',
    '.',
    '..',
    'a/b',
    'a:b',
    'a b',
    'eth%d',
    'all',
    'default',
    '0123456789abcdef',
    'ä'.repeat(8),
    'a\u0000b',
    '',
  ])('that wants an interface named %j is refused', (name) =>
    expectRefusal(plug({ network: 'blue', interface: name }), 'interface', 'invalidArgument'),
  )

  it('into a network without a free address, or of a container that nobody defined, is refused', async () => {
    await expectRefusal(plug({ network: 'tiny', name: 'more' }), undefined, 'addressesExhausted')
    await expectRefusal(plug({ network: 'blue' }, 'nobody'), undefined, 'notFound')
  })

  it('of two that share a name, an interface, the default route, an address or a MAC is refused when the container is defined', async () => {
    const two = (wish: Record<string, unknown>) =>
      define('c9', { network: 'blue', name: 'a', ...wish }, { network: 'blue', name: 'b', ...wish })
    await expectRefusal(two({ name: 'x' }), 'attach_to[1].name', 'invalidArgument')
    await expectRefusal(two({ interface: 'lan0' }), 'attach_to[1].interface', 'invalidArgument')
    await expectRefusal(two({ default_route: true }), 'attach_to[1].default_route', 'invalidArgument')
    await expectRefusal(two({ addresses: ['10.50.0.9'] }), 'attach_to[1].addresses[0]', 'invalidArgument')
    const mac = { mac_address: '02:42:aa:00:00:09' }
    await expectRefusal(two(mac), 'attach_to[1].mac_address', 'invalidArgument')
    await expectRefusal(define('c9', 'blue', 'none'), 'attach_to[1]', 'notFound')
  })
})

describe('a container comes up', () => {
  it('not with a process that is none, is dead, or is in the namespace of the host', async () => {
    for (const pid of [0, -1, 1.5, 2 ** 53])
      await expectRefusal(up({ pid }), 'pid', pid === 2 ** 53 ? 'invalidSandbox' : 'invalidArgument')
    const dead = spawnSync('true').pid
    for (const pid of [dead, 4_194_305, process.pid, host.conetd.pid])
      await expectRefusal(up({ pid }), 'pid', 'invalidSandbox')
    await expectRefusal(up({ pid: process.pid, netns: '/proc/self/ns/net' }), 'netns', 'invalidArgument')
  })

  it('not with a path at which there is anything but a network namespace of its own', async () => {
    const at = (name: string) => join(host.directory, name)
    execFileSync('sh', ['-ec', `mkfifo ${at('fifo')}; ln -s ${at('loop')} ${at('loop')}`])
    writeFileSync(at('file'), 'x')
    const paths = [
      at('fifo'),
      at('loop'),
      at('file'),
      at('none'),
      host.directory,
      host.conetd.socket,
      'relative',
      '/a\u0000b',
    ]
    const special = [
      '/proc/self/ns/mnt',
      '/proc/self/ns/net',
      '/proc/thread-self/ns/net',
      '/dev/zero',
      '/dev/null',
    ]
    for (const netns of [...paths, ...special, `/${'a/'.repeat(2_000)}`])
      await expectRefusal(up({ netns }), 'netns', 'invalidSandbox')
  })
})

it('an internal network may have the addresses of any other network, but not in one container', async () => {
  const with50 = { subnets: [{ subnet: '10.50.0.0/25' }] }
  await host.done(network({ name: 'inside', type: 'null', internal: true, ...with50 }))
  await host.done(network({ name: 'outside', type: 'null', subnets: [{ subnet: '10.52.0.0/24' }] }))
  const message = expect.stringContaining('overlaps a subnet of blue, where it is plugged already')
  expect(await host.refused(plug({ network: 'inside' }))).toMatchObject({ code: 1604, detail: message })
  for (const name of ['inside', 'outside']) await host.done({ method: 'DELETE', path: `/networks/${name}` })
})
