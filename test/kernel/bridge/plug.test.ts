import { ConetError } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { show } from '../../support/iproute.ts'
import { BridgeFixture, bridgeNameOf, network, portNameOf, sh } from './bridge-fixture.ts'

const a = { addresses: ['10.1.0.2/16', 'fd00:1::2/64'] }
const b = { addresses: ['10.1.0.3/16', 'fd00:1::3/64'] }

const kind = (expected: string) => expect.objectContaining({ name: 'ConetError', kind: expected })

describe('plug', () => {
  it('[C3] [C19] makes two endpoints of one network in one sandbox', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    await fixture.join(net, 'a', a)
    await fixture.plug(
      fixture.params(net, 'a', { ...b, endpoint: 'second', name: 'eth1', defaultRoute: false }),
    )
    await fixture.join(net, 'c', { addresses: ['10.1.0.4/16', 'fd00:1::4/64'] })
    expect(fixture.ping('c', '10.1.0.2')).toBe(true)
    expect(fixture.ping('c', '10.1.0.3')).toBe(true)
    expect(fixture.ping('c', 'fd00:1::3')).toBe(true)
    expect(fixture.exec('a', 'ip route show default').trim().split('\n')).toHaveLength(1)
  })

  it('answers what it has made, and the same when it is repeated', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    fixture.sandbox('a')
    const routes = [{ destination: '10.77.0.0/16', gateway: '10.1.0.9', metric: 7 }]
    const params = fixture.params(net, 'a', { ...a, routes })
    const result = await fixture.plug(params)
    expect(result.interfaces).toEqual([
      {
        configuredBy: 'driver',
        name: 'eth0',
        macAddress: '02:42:0a:01:00:02',
        addresses: a.addresses,
        mtu: 1500,
        routes: [
          { destination: '0.0.0.0/0', gateway: '10.1.0.1' },
          { destination: '::/0', gateway: 'fd00:1::1' },
          ...routes,
        ],
        exact: true,
      },
    ])
    expect(fixture.exec('a', 'ip route show 10.77.0.0/16')).toContain(
      'via 10.1.0.9 dev eth0 proto static metric 7',
    )
    expect(await fixture.plug(params)).toEqual(result)
    await fixture.restartDriver()
    expect(await fixture.plug(params)).toEqual(result)
    expect(fixture.repaired).toEqual([])
  })

  it('gives IPv6 addresses where IPv6 is switched off for new interfaces, and only where they are asked for', async () => {
    await using fixture = await BridgeFixture.start()
    sh('sysctl -qw net.ipv6.conf.default.disable_ipv6=1')
    try {
      const net = await fixture.create(network('one'))
      for (const name of ['a', 'b']) {
        fixture.sandbox(name)
        fixture.exec(name, 'sysctl -qw net.ipv6.conf.all.disable_ipv6=1')
      }
      await fixture.plug(fixture.params(net, 'a', a))
      expect(fixture.ping('a', '10.1.0.1') && fixture.ping('a', 'fd00:1::1')).toBe(true)
      expect(fixture.exec('a', 'ip -6 route show default')).toContain('via fd00:1::1')
      await fixture.plug(fixture.params(net, 'b', { addresses: ['10.1.0.3/16'] }))
      expect(fixture.exec('b', 'sysctl -n net.ipv6.conf.eth0.disable_ipv6')).toBe('1\n')
    } finally {
      sh('sysctl -qw net.ipv6.conf.default.disable_ipv6=0')
    }
  })

  it('says that a bridge has no more ports, and what to do', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const most = Array.from(
      { length: 1023 },
      (_, at) => `link add p${at} group 77 master ${bridgeNameOf(net)} type ifb`,
    )
    sh(`ip -batch - <<END\n${most.join('\n')}\nEND`)
    try {
      await expect(fixture.join(net, 'a', a)).rejects.toMatchObject({
        kind: 'kernelRefused',
        message: expect.stringMatching(
          /as many endpoints .* as its bridge can have \(create link cnv.*: EXFULL\)/,
        ),
        help: expect.stringMatching(/at most 1023 ports\. Make a second network/),
      })
    } finally {
      sh('ip link delete group 77')
    }
    expect(fixture.exec('a', 'ip -br link')).not.toContain('eth0')
  })

  it('tells the neighbours who has an address now', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    await fixture.join(net, 'a', a)
    const old = await fixture.join(net, 'b', b)
    expect(fixture.ping('a', '10.1.0.3') && fixture.ping('a', 'fd00:1::3')).toBe(true)
    await fixture.driver.deleteEndpoint({ networkId: net.id, endpointId: old.endpointId }, fixture.call())
    const macAddress = '02:42:00:00:00:77'
    await fixture.join(net, 'c', { ...b, macAddress })
    for (const address of ['10.1.0.3', 'fd00:1::3'])
      await eventually(() => expect(fixture.exec('a', `ip neighbour show ${address}`)).toContain(macAddress))
    expect(fixture.ping('a', '10.1.0.3') && fixture.ping('a', 'fd00:1::3')).toBe(true)
  })

  it('works in a sandbox in which IPv6 is switched off, for IPv4 addresses', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    fixture.sandbox('a')
    fixture.exec('a', 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6')
    await fixture.plug(fixture.params(net, 'a', { addresses: ['10.1.0.2/16'] }))
    expect(fixture.ping('a', '10.1.0.1')).toBe(true)
  })

  it('gives the bridge the configured MAC, and one that stays otherwise', async () => {
    await using fixture = await BridgeFixture.start()
    const fixed = await fixture.create(network('fixed', { config: { mac_address: '0A:00:00:00:00:09' } }))
    const free = await fixture.create(
      network('free', { subnets: [{ subnet: '10.2.0.0/16', gateway: '10.2.0.1' }] }),
    )
    const before = fixture.link(bridgeNameOf(free)).address
    await fixture.join(free, 'a', { addresses: ['10.2.0.2/16'], macAddress: '02:00:00:00:00:01' })
    expect(fixture.link(bridgeNameOf(fixed)).address).toBe('0a:00:00:00:00:09')
    expect(fixture.link(bridgeNameOf(free)).address).toBe(before)
  })

  it('sets the hairpin flag of its ports', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one', { config: { hairpin: true } }))
    const params = await fixture.join(net, 'a', a)
    const [port] = show(`bridge -d link show dev ${portNameOf(params)}`)
    expect(port).toMatchObject({ hairpin: true, isolated: false })
  })
})

describe('a plug that cannot be', () => {
  it('names the interface that is in the sandbox already, and leaves nothing', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    await fixture.join(net, 'a', a)
    const params = fixture.params(net, 'a', { ...b, endpoint: 'second' })
    const failure = await fixture.plug(params).catch((error: unknown) => error)
    expect(failure).toEqual(kind('conflict'))
    expect(String(failure)).toContain('"eth0"')
    expect(sh('ip -br link')).not.toContain(portNameOf(params))
  })

  it('names the route that is in the sandbox already, and undoes the rest', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    await fixture.join(net, 'a', a)
    const params = fixture.params(net, 'a', { ...b, endpoint: 'second', name: 'eth1' })
    const failure = await fixture.plug(params).catch((error: unknown) => error)
    expect(failure).toEqual(kind('conflict'))
    expect(String(failure)).toContain('a route to 0.0.0.0/0')
    expect(sh('ip -br link')).not.toContain(portNameOf(params))
    expect(fixture.exec('a', 'ip -br link')).not.toContain('eth1')
  })

  const routeOfOthers = `ip link add tun type veth peer name far; ip link set tun up; ip link set far up
    ip address add fd00:9::2/64 dev tun nodad`

  it('names the IPv6 default route that would win, and leaves nothing', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    fixture.sandbox('a')
    fixture.exec('a', `${routeOfOthers}; ip -6 route add default via fd00:9::1 metric 100`)
    const params = fixture.params(net, 'a', a)
    const message = 'the container has a route to ::/0 with the metric 100 (via fd00:9::1 dev tun) already'
    await expect(fixture.plug(params)).rejects.toMatchObject({
      kind: 'conflict',
      fields: [{ path: 'interface.defaultRoute', message }],
    })
    expect(sh('ip -br link')).not.toContain(portNameOf(params))
    expect(fixture.exec('a', 'ip -br link')).not.toContain('eth0')
    expect(fixture.exec('a', 'ip -6 route show default')).toContain('via fd00:9::1')
    await fixture.plug({ ...params, interface: { ...params.interface, defaultRoute: false } })
  })

  it('names all default routes in the way at once, each with all its ways', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    fixture.sandbox('a')
    fixture.exec('a', `${routeOfOthers}; ip address add 10.9.0.2/24 dev tun`)
    fixture.exec('a', 'ip route add default nexthop via 10.9.0.1 dev tun nexthop via 10.9.0.3 dev tun')
    fixture.exec('a', 'ip -6 route add default via fd00:9::1 metric 100')
    for (const last of ['5', '6']) fixture.exec('a', `ip -6 route append default via fd00:9::${last} dev tun`)
    await expect(fixture.plug(fixture.params(net, 'a', a))).rejects.toThrow(
      'a route to ::/0 with the metric 100 (via fd00:9::1 dev tun) and ' +
        'a route to 0.0.0.0/0 (via 10.9.0.1 dev tun, via 10.9.0.3 dev tun) and ' +
        'a route to ::/0 (via fd00:9::5 dev tun, via fd00:9::6 dev tun) already',
    )
  })

  it('names what was in the sandbox before its first interface was made there', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    for (const [box, command, says] of [
      ['lo4', 'ip address add 10.1.0.2/32 dev lo', 'the address 10.1.0.2/32'],
      ['lo6', 'ip address add fd00:1::2/128 dev lo', 'the address fd00:1::2/128'],
      ['none', 'ip -6 route add blackhole default metric 100', 'a route to ::/0 with the metric 100'],
    ] as const) {
      fixture.sandbox(box)
      fixture.exec(box, command)
      await expect(fixture.plug(fixture.params(net, box, a)), box).rejects.toThrow(says)
    }
    fixture.sandbox('moved')
    sh(`ip link add index 57 name mv0 type veth peer name mv1 netns ${fixture.namespaces.path('lo4')}
        ip link set mv0 netns ${fixture.namespaces.path('moved')}`)
    fixture.exec('moved', 'ip address add 10.1.0.2/24 dev mv0')
    expect(fixture.exec('moved', 'ip -o link show mv0')).toMatch(/^57: /)
    const params = fixture.params(net, 'moved', a)
    await expect(fixture.plug(params)).rejects.toThrow('the address 10.1.0.2/24')
    expect(fixture.exec('moved', 'ip -o link')).not.toContain('eth0')
    fixture.exec('moved', 'ip address flush dev mv0')
    await fixture.plug(params)
    expect(fixture.exec('moved', 'ip -o link show eth0')).toMatch(/^[23]: /)
  })

  it('is not refused for IPv6 default routes that no packet of it takes', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    fixture.sandbox('a')
    fixture.exec(
      'a',
      `${routeOfOthers}; ip -6 route add default via fd00:9::1 metric 1025
       ip -6 route add default via fd00:9::1 metric 100 table 77
       ip -6 route add default from fd00:9::/64 via fd00:9::1 metric 100`,
    )
    await fixture.plug(fixture.params(net, 'a', a))
    expect(fixture.exec('a', 'ip -6 route get 2001:db8::1 from fd00:1::2')).toContain('dev eth0')
  })

  it('makes a lost port anew though the container has made itself an IPv6 default route since', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const params = await fixture.join(net, 'a', a)
    fixture.exec('a', `${routeOfOthers}; ip -6 route add default via fd00:9::1 metric 100`)
    sh(`ip link delete ${portNameOf(params)}`)
    await fixture.plug(params)
    await fixture.restartDriver()
    await fixture.plug(params)
    expect(fixture.ping('a', '10.1.0.1')).toBe(true)
  })

  it('names the address that is wanted twice', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const twice = fixture.join(net, 'a', { addresses: ['10.1.0.2/16', '10.1.0.2/16'] })
    await expect(twice).rejects.toThrow('the address 10.1.0.2/16')
  })

  it('names the address that another interface of the sandbox has already', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    await fixture.join(net, 'a', a)
    const params = fixture.params(net, 'a', { ...a, endpoint: 'second', name: 'eth1', defaultRoute: false })
    const failure = await fixture.plug(params).catch((error: unknown) => error)
    expect(failure).toEqual(kind('conflict'))
    expect(String(failure)).toContain('the address 10.1.0.2/16')
    expect(sh('ip -br link')).not.toContain(portNameOf(params))
    expect(fixture.ping('a', '10.1.0.1')).toBe(true)
  })

  it('[D4] is refused while the endpoint is in another sandbox', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const params = await fixture.join(net, 'a', a)
    fixture.sandbox('b')
    const elsewhere = { ...params, sandbox: { id: 'b', path: fixture.namespaces.path('b') } }
    await expect(fixture.driver.plug(elsewhere, fixture.call())).rejects.toEqual(kind('inUse'))
    expect(fixture.ping('a', '10.1.0.1')).toBe(true)
  })

  it('says that the sandbox is gone', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    await expect(fixture.plug(fixture.params(net, 'nowhere', a))).rejects.toEqual(kind('invalidSandbox'))
  })

  it('does not touch an interface that only has the name of its port', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    fixture.sandbox('a')
    const params = fixture.params(net, 'a', a)
    const name = portNameOf(params)
    sh(`ip link add ${name} type ifb && ip link set ${name} up`)
    const before = sh(`ip -d link show ${name}`)
    await expect(fixture.plug(params)).rejects.toEqual(kind('conflict'))
    await fixture.driver.unplug({ networkId: net.id, endpointId: params.endpointId }, fixture.call())
    expect(sh(`ip -d link show ${name}`)).toBe(before)
    sh(`ip link delete ${name}`)
  })

  it.each([
    ['interface.addresses[0]', { addresses: ['10.1.0.999/16'] }],
    ['interface.name', { ...a, name: 'eth%d' }],
    ['interface.routes[0].gateway', { ...a, routes: [{ destination: '10.9.0.0/16', gateway: 'fd00::zz' }] }],
  ])('names the wrong field %s', async (path, wanted) => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const failure = await fixture.join(net, 'a', wanted).catch((error: unknown) => error)
    expect(ConetError.is(failure, 'invalidArgument') && failure.fields[0]?.path).toBe(path)
  })

  it('undoes everything when the kernel refuses a step in the sandbox', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const routes = [{ destination: '10.77.0.0/16', gateway: '172.31.255.1' }]
    const failing = fixture.join(net, 'a', { ...a, routes })
    await expect(failing).rejects.toMatchObject({ name: 'KernelError', code: 'ENETUNREACH' })
    expect(sh('ip -br link')).not.toContain('cnv')
    expect(fixture.exec('a', 'ip -br link')).not.toContain('eth0')
  })
})

describe('a network that cannot be', () => {
  it('does not touch an interface that only has the name of its bridge', async () => {
    await using fixture = await BridgeFixture.start()
    const net = network('one')
    const name = bridgeNameOf(net)
    sh(`ip link add ${name} type bridge && ip link set ${name} alias mine`)
    const before = sh(`ip -d link show ${name}`)
    await fixture.restartDriver()
    await expect(fixture.create(net)).rejects.toEqual(kind('conflict'))
    await fixture.driver.deleteNetwork(net.id, fixture.call())
    expect(sh(`ip -d link show ${name}`)).toBe(before)
    sh(`ip link delete ${name}`)
  })

  it('leaves nothing when an address of it is refused', async () => {
    await using fixture = await BridgeFixture.start()
    const subnets = [{ subnet: '10.1.0.0/16', gateway: '10.1.0.1' }]
    const net = network('one', { subnets: [...subnets, ...subnets] })
    await expect(fixture.create(net)).rejects.toMatchObject({ name: 'KernelError', code: 'EEXIST' })
    expect(sh('ip -br link; nft list ruleset')).not.toContain('cnb')
  })

  it.each([
    ['config.mtu', { mtu: 10 }],
    ['config.mtu', { mtu: 1000 }],
    ['config.mac_address', { mac_address: '01:00:00:00:00:01' }],
    ['config.colour', { colour: 'red' }],
  ])('names the wrong field %s of %o', async (path, config) => {
    await using fixture = await BridgeFixture.start()
    const failure = await fixture.create(network('one', { config })).catch((error: unknown) => error)
    expect(ConetError.is(failure, 'invalidArgument') && failure.fields[0]?.path).toBe(path)
  })
})
