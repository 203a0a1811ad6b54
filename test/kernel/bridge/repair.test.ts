// What a driver that starts again finds changed, and mends: of bridges, ports, interfaces inside and its tables.
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { RunningPing } from '../../support/running-ping.ts'
import { BridgeFixture, bridgeNameOf, network, portNameOf, sh } from './bridge-fixture.ts'

const a = { addresses: ['10.1.0.2/16', 'fd00:1::2/64'] }
const b = { addresses: ['10.1.0.3/16', 'fd00:1::3/64'] }

type Change = { what: string; command: (names: { bridge: string; port: string }) => string; says: RegExp }

/** What somebody may do to the bridge that does not cut members off from each other. */
const bridgeChanges: Change[] = [
  // Before the address generation, after which the kernel tries the link-local address anew.
  {
    what: 'the link-local route',
    command: ({ bridge }) => `ip -6 route del fe80::/64 dev ${bridge}`,
    says: /route to fe80::\/64 was missing/,
  },
  {
    what: 'the source in the IPv6 route',
    command: ({ bridge }) =>
      `ip -6 route change fd00:1::/64 dev ${bridge} proto kernel metric 256 src $(ip -6 -o address show ${bridge} scope link | sed 's|.*inet6 ||; s|/.*||')`,
    says: /route to fd00:1::\/64 had the source fe80::/,
  },
  {
    what: 'all entries for its addresses',
    command: ({ bridge }) =>
      `ip route flush table local dev ${bridge}; ip -6 route flush table local dev ${bridge}`,
    says: /10\.1\.0\.1\/32 in the .*10\.1\.255\.255\/32 in the .*fd00:1::1\/128 in the .*ff00::\/8 in the .*fe80::/s,
  },
  { what: 'the MTU', command: ({ bridge }) => `ip link set ${bridge} mtu 1400`, says: /mtu was 1400/ },
  {
    what: 'an MTU that has no room for IPv6',
    command: ({ bridge }) => `ip link set ${bridge} mtu 1200`,
    says: /mtu was 1200/,
  },
  {
    what: 'the MAC',
    command: ({ bridge }) => `ip link set ${bridge} address 02:00:00:00:00:99`,
    says: /macAddress was 02:00/,
  },
  { what: 'the alias', command: ({ bridge }) => `ip link set ${bridge} alias ''`, says: /alias was missing/ },
  {
    what: 'a foreign alias',
    command: ({ bridge }) => `ip link set ${bridge} alias "somebody else's"`,
    says: /alias was somebody else's/,
  },
  {
    what: 'the spanning tree',
    command: ({ bridge }) => `ip link set ${bridge} type bridge stp_state 1`,
    says: /spanningTree was true/,
  },
  {
    what: 'the snooping',
    command: ({ bridge }) => `ip link set ${bridge} type bridge mcast_snooping 1`,
    says: /multicastSnooping was true/,
  },
  {
    what: 'the address generation',
    command: ({ bridge }) => `ip link set ${bridge} addrgenmode eui64`,
    says: /ipv6AddressGeneration was eui64/,
  },
  {
    what: 'the IPv4 address',
    command: ({ bridge }) => `ip address del 10.1.0.1/16 dev ${bridge}`,
    says: /10\.1\.0\.1\/16 was missing/,
  },
  {
    what: 'the IPv6 address',
    command: ({ bridge }) => `ip address del fd00:1::1/64 dev ${bridge}`,
    says: /fd00:1::1\/64 was missing/,
  },
  {
    what: 'another address',
    command: ({ bridge }) => `ip address add 10.1.0.9/16 dev ${bridge}`,
    says: /had the address 10\.1\.0\.9/,
  },
  {
    what: 'the route',
    command: ({ bridge }) => `ip route del 10.1.0.0/16 dev ${bridge}`,
    says: /route to 10\.1\.0\.0\/16 was missing/,
  },
  {
    what: 'the IPv6 route',
    command: ({ bridge }) => `ip -6 route del fd00:1::/64 dev ${bridge}`,
    says: /route to fd00:1::\/64 was missing/,
  },
  {
    what: 'the source in the route',
    command: ({ bridge }) =>
      `ip route change 10.1.0.0/16 dev ${bridge} proto kernel scope link src 127.0.0.1`,
    says: /route to 10\.1\.0\.0\/16 had the source 127\.0\.0\.1/,
  },
  {
    what: 'the entry for its address',
    command: ({ bridge }) => `ip route del local 10.1.0.1 dev ${bridge} table local`,
    says: /route to 10\.1\.0\.1\/32 in the table local was missing$/,
  },
  {
    what: 'what is said of the routes',
    command: ({ bridge }) =>
      `ip route change 10.1.0.0/16 dev ${bridge} proto kernel scope link src 10.1.0.1 mtu 1300 window 5000 advmss 500
       ip -6 route change fd00:1::/64 dev ${bridge} proto kernel metric 256 mtu 1300`,
    says: /route to 10\.1\.0\.0\/16 had the mtu 1300, window 5000, advmss 500\n.*fd00:1::\/64 had the mtu 1300/,
  },
  {
    what: 'a gateway in the route',
    command: ({ bridge }) => `ip route change 10.1.0.0/16 via 10.1.0.7 dev ${bridge}`,
    says: /route to 10\.1\.0\.0\/16 had the gateway 10\.1\.0\.7, scope universe/,
  },
  {
    what: 'a route for a type of service',
    command: ({ bridge }) => `ip route add 10.1.0.0/16 tos 0x10 via 10.1.0.7 dev ${bridge}`,
    says: /route to 10\.1\.0\.0\/16 had the gateway 10\.1\.0\.7, scope universe, tos 16/,
  },
  {
    what: 'routes to members',
    command: ({ bridge }) =>
      `ip route add 10.1.0.3 via 10.1.0.7 dev ${bridge}; ip -6 route add fd00:1::3 via fd00:1::7 dev ${bridge}
       ip route add local 10.1.0.2 dev ${bridge} table local`,
    says: /had the route to 10\.1\.0\.3\/32 via 10\.1\.0\.7(\n.*)*had the route to fd00:1::3\/128 via fd00:1::7/,
  },
  {
    what: 'the type of the entry for its address',
    command: ({ bridge }) => `ip route replace unicast 10.1.0.1 dev ${bridge} table local scope link`,
    says: /10\.1\.0\.1\/32 in the table local had the type unicast, scope link/,
  },
  {
    what: 'what it answers and hears',
    command: ({ bridge }) =>
      `cd /proc/sys/net/ipv4/conf/${bridge}; echo 8 >arp_ignore; echo 1 >proxy_arp; echo 1 >proxy_arp_pvlan
       echo 1 >drop_gratuitous_arp; cd /proc/sys/net/ipv6/conf/${bridge}; echo 1 >drop_unsolicited_na; echo 2 >accept_ra`,
    says: /arp_ignore was 8.*proxy_arp was 1.*_pvlan was 1.*drop_gratuitous_arp was 1.*drop_unsolicited_na was 1.*accept_ra was 2/s,
  },
  { what: 'the firewall table', command: () => 'nft flush ruleset', says: /firewall/ },
  {
    what: 'an element',
    command: ({ bridge }) => `nft delete element inet conet_bridge masqueraded "{ ${bridge} }"`,
    says: /firewall/,
  },
  { what: 'a rule', command: () => 'nft flush chain inet conet_bridge postrouting', says: /firewall/ },
  {
    what: 'a rule of others in the table',
    command: () => 'nft insert rule inet conet_bridge forward accept',
    says: /firewall/,
  },
]

/** What somebody may do to a port or to the interface in the sandbox, while others talk. */
const endpointChanges: Change[] = [
  {
    what: 'the bridge of the port',
    command: ({ port }) => `ip link set ${port} nomaster`,
    says: /master was missing/,
  },
  {
    what: 'the port flags',
    command: ({ port }) => `bridge link set dev ${port} isolated on hairpin on`,
    says: /what the bridge does/,
  },
  { what: 'the state of the port', command: ({ port }) => `ip link set ${port} down`, says: /was down/ },
  {
    what: 'the MTU of the port',
    command: ({ port }) => `ip link set ${port} mtu 1400`,
    says: /mtu was 1400/,
  },
  {
    what: 'the alias of the port',
    command: ({ port }) => `ip link set ${port} alias ''`,
    says: /alias was missing/,
  },
]

const insideChanges = [
  { what: 'the MAC inside', command: 'ip link set eth0 address 02:00:00:00:00:98', says: /macAddress was/ },
  { what: 'the MTU inside', command: 'ip link set eth0 mtu 1300', says: /mtu was 1300/ },
  { what: 'the state inside', command: 'ip link set eth0 down', says: /was down/ },
  {
    what: 'the address inside',
    command: 'ip address flush dev eth0 scope global',
    says: /10\.1\.0\.3\/16 was missing/,
  },
  {
    what: 'the route to the subnet inside',
    command: 'ip route del 10.1.0.0/16; ip -6 route del fd00:1::/64',
    says: /route to 10\.1\.0\.0\/16 was missing.*route to fd00:1::\/64 was missing/s,
  },
  {
    what: 'the source in the route to the subnet inside',
    command: 'ip route change 10.1.0.0/16 dev eth0 proto kernel scope link src 127.0.0.1',
    says: /route to 10\.1\.0\.0\/16 had the source 127\.0\.0\.1/,
  },
  {
    what: 'the link-local route inside',
    command: 'ip -6 route del fe80::/64 dev eth0',
    says: /route to fe80::\/64 was missing/,
  },
  {
    what: 'the entries for its addresses inside',
    command: 'ip route flush table local dev eth0; ip -6 route flush table local dev eth0',
    says: /10\.1\.0\.3\/32 in the .*fd00:1::3\/128 in the /s,
  },
  {
    what: 'what is said of the routes inside',
    command: `ip route change default via 10.1.0.1 dev eth0 mtu 1300 advmss 500
              ip -6 route change default via fd00:1::1 dev eth0 mtu 1300
              ip route change 10.1.0.0/16 dev eth0 proto kernel scope link src 10.1.0.3 mtu 1300`,
    says: /route to 10\.1\.0\.0\/16 had the mtu 1300\n.*0\.0\.0\.0\/0 had the mtu 1300, advmss 500\n.*::\/0 had the mtu 1300/,
  },
  {
    what: 'the gateway inside',
    command: 'ip route change default via 10.1.0.9 dev eth0',
    says: /route to 0\.0\.0\.0\/0 had the gateway 10\.1\.0\.9/,
  },
  { what: 'the route inside', command: 'ip route del default', says: /route to 0\.0\.0\.0\/0 was missing/ },
  {
    what: 'the routes inside that another table has too',
    command: `ip route add default via 10.1.0.1 dev eth0 table 1000; ip route del default
              ip route add default via fd00:1::1 dev eth0 table 1000; ip -6 route del default`,
    says: /route to 0\.0\.0\.0\/0 was missing.*route to ::\/0 was missing/s,
  },
  {
    what: 'IPv6 inside',
    command: 'sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1',
    says: /IPv6 was switched off \(disable_ipv6\)/,
  },
  { what: 'the name inside', command: 'ip link set eth0 name strange', says: /name was strange/ },
]

describe('a driver that starts again', () => {
  it('mends each attribute of a bridge without losing a packet of its members', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const params = await fixture.join(net, 'a', a)
    await fixture.join(net, 'b', b)
    const names = { bridge: bridgeNameOf(net), port: portNameOf(params) }
    const state = () =>
      sh(
        `ip -d link show ${names.bridge}; ip -br address show ${names.bridge}; ip route; ip -6 route; nft list ruleset`,
      ).replaceAll(/hello_timer.*|gc_timer.*|tcn_timer.*/g, '')
    const before = state()
    const ping = new RunningPing({ namespacePath: fixture.namespaces.path('a'), address: '10.1.0.3' })
    await ping.goesOn()
    for (const { what, command, says } of bridgeChanges) {
      await fixture.driver.stop?.()
      sh(command(names))
      fixture.repaired.length = 0
      await fixture.startDriver()
      await fixture.create(net)
      await ping.goesOn()
      expect(state(), what).toBe(before)
      if (!what.match(/table|element|rule/)) expect(fixture.repaired.join('\n'), what).toMatch(says)
    }
    const { sent, received } = await ping.stop()
    // The last may be on its way.
    expect(sent - received).toBeLessThanOrEqual(1)
    expect(fixture.ping('a', '10.1.0.1') && fixture.ping('a', 'fd00:1::1')).toBe(true)
  })

  it('says so while it runs, too, and brings a bridge up again', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const params = await fixture.join(net, 'a', a)
    const names = { bridge: bridgeNameOf(net), port: portNameOf(params) }
    for (const { what, command, says } of bridgeChanges) {
      sh(command(names))
      fixture.repaired.length = 0
      await fixture.create(net)
      expect(fixture.repaired.join('\n'), what).toMatch(says)
    }
    sh(`ip link set ${names.bridge} down; echo 0 >/proc/sys/net/ipv4/ip_forward`)
    await fixture.create(net)
    expect(fixture.ping('a', '10.1.0.1') && fixture.ping('a', 'fd00:1::1')).toBe(true)
    expect(fixture.repaired.join()).toMatch(/it was down.*ip_forward was off/)
    fixture.repaired.length = 0
    await fixture.create(net)
    expect(fixture.repaired).toEqual([])
  })

  it('deletes a network whose bridge has a foreign alias, and none that has its name alone', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const name = bridgeNameOf(net)
    sh(`ip link set ${name} alias elsewhere`)
    await fixture.driver.deleteNetwork(net.id, fixture.call())
    expect(sh('ip -br link')).not.toContain(name)
    sh(`ip link add ${name} type bridge; ip link set ${name} alias elsewhere`)
    await expect(fixture.create(net)).rejects.toMatchObject({
      kind: 'conflict',
      help: expect.stringContaining(`its alias is "conet ${net.id}"`),
    })
    await fixture.driver.deleteNetwork(net.id, fixture.call())
    expect(sh('ip -br link')).toContain(name)
    sh(`ip link delete ${name}`)
  })

  it('mends each attribute of a port and of the interface inside, while others lose no packet', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    await fixture.join(net, 'a', a)
    const params = await fixture.join(net, 'b', b)
    await fixture.join(net, 'c', { addresses: ['10.1.0.4/16'] })
    const names = { bridge: bridgeNameOf(net), port: portNameOf(params) }
    const ping = new RunningPing({ namespacePath: fixture.namespaces.path('a'), address: '10.1.0.4' })
    await ping.goesOn()
    const changes = [
      ...endpointChanges.map(({ command, ...rest }) => ({ ...rest, run: () => sh(command(names)) })),
      ...insideChanges.map(({ command, ...rest }) => ({ ...rest, run: () => fixture.exec('b', command) })),
    ]
    for (const { what, run, says } of changes) {
      run()
      await fixture.restartDriver()
      fixture.repaired.length = 0
      await fixture.create(net)
      await fixture.plug(params)
      expect(fixture.repaired.join('\n'), what).toMatch(says)
      expect(fixture.ping('a', '10.1.0.3') && fixture.ping('b', 'fd00:1::2'), what).toBe(true)
      expect(fixture.exec('b', 'ip -6 route show default'), what).toContain('fd00:1::1')
    }
    fixture.repaired.length = 0
    await fixture.plug(params)
    expect(fixture.repaired).toEqual([])
    const { sent, received } = await ping.stop()
    expect(sent - received).toBeLessThanOrEqual(1)
  })

  it('mends the routes of a second interface in the subnet of a first one', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const first = await fixture.join(net, 'a', a)
    const second = fixture.params(net, 'a', { ...b, endpoint: 'second', name: 'eth1', defaultRoute: false })
    await fixture.plug(second)
    const routes = () => fixture.exec('a', 'ip route show dev eth1; ip -6 route show dev eth1')
    const before = routes()
    fixture.exec('a', 'ip route del 10.1.0.0/16 dev eth1; ip -6 route del fd00:1::/64 dev eth1')
    await fixture.plug(second)
    expect(fixture.repaired.join('\n')).toMatch(
      /route to 10\.1\.0\.0\/16 was .*route to fd00:1::\/64 was missing/s,
    )
    expect(routes()).toBe(before)
    fixture.repaired.length = 0
    for (const params of [first, second]) await fixture.plug(params)
    expect(fixture.repaired).toEqual([])
  })

  it('takes the ports back when the bridge was deleted and made again', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const params = await fixture.join(net, 'a', a)
    sh(`ip link delete ${bridgeNameOf(net)}`)
    await fixture.restartDriver()
    await fixture.create(net)
    await fixture.plug(params)
    expect(fixture.ping('a', '10.1.0.1')).toBe(true)
  })

  it('says that the bridge is gone when it plugs, and plugs when it was made again behind its back', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    sh(`ip link delete ${bridgeNameOf(net)}`)
    const failing = fixture.join(net, 'a', a)
    await expect(failing).rejects.toMatchObject({ kind: 'failedPrecondition' })
    sh(`ip link add ${bridgeNameOf(net)} type bridge && ip link set ${bridgeNameOf(net)} up`)
    await fixture.join(net, 'b', b)
    await fixture.create(net)
    expect(fixture.ping('b', '10.1.0.1')).toBe(true)
  })

  it('deletes what is half made, and nothing else that has such a name', async () => {
    await using fixture = await BridgeFixture.start()
    sh('ip link add cnb0123456789ab type bridge; ip link add cnv0123456789ab type veth peer name other')
    sh(
      'ip link add cnbaaaaaaaaaaaa type bridge; ip link set cnbaaaaaaaaaaaa alias mine; ip link add cnvaaaaaaaaaaaa type ifb',
    )
    await fixture.restartDriver()
    const links = sh('ip -br link')
    expect(links).not.toMatch(/0123456789ab|other/)
    expect(links).toContain('cnbaaaaaaaaaaaa')
    expect(links).toContain('cnvaaaaaaaaaaaa')
    sh('ip link delete cnbaaaaaaaaaaaa; ip link delete cnvaaaaaaaaaaaa')
  })

  it('writes its table anew by itself when nobody calls', async () => {
    await using fixture = await BridgeFixture.start()
    await fixture.create(network('one'))
    const before = sh('nft list ruleset')
    sh('nft flush ruleset')
    await eventually(() => sh('nft list ruleset') === before, { timeoutMs: 10_000, everyMs: 100 })
    expect(fixture.logged.join()).toContain('firewall')
  })

  it('keeps the firewall of its networks while it starts', async () => {
    await using fixture = await BridgeFixture.start()
    await fixture.create(network('one'))
    await fixture.create(network('two', { internal: true, subnets: [{ subnet: '10.2.0.0/16' }] }))
    const before = sh('nft list ruleset')
    await fixture.restartDriver()
    expect(sh('nft list ruleset')).toBe(before)
  })
})
