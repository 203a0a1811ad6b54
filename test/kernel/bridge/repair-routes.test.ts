// Routes that a driver which starts again finds changed, and mends: of a bridge, and of an interface inside.
import { describe, expect, it } from 'vitest'
import { BridgeFixture, network, portNameOf, sh } from './bridge-fixture.ts'
import {
  a,
  b,
  type Change,
  type InsideChange,
  mendsBridgeAtStart,
  mendsBridgeWhileItRuns,
  mendsMemberAtStart,
} from './repair-scene.ts'

const bridgeChanges: Change[] = [
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
    what: 'the entries for the routers of its subnets',
    command: ({ bridge }) =>
      `ip -6 route del anycast fd00:1:: dev ${bridge} table local; ip -6 route del anycast fe80:: dev ${bridge} table local`,
    says: /route to fd00:1::\/128 in the table local was missing\n.*route to fe80::\/128 in the table local was missing/,
  },
  {
    what: 'another entry for the routers of its subnet',
    command: ({ bridge }) =>
      `ip -6 route del anycast fd00:1:: dev ${bridge} table local; ip -6 route add unicast fd00:1:: dev ${bridge} table local metric 7`,
    says: /route to fd00:1::\/128 in the table local had the type unicast/,
  },
  {
    what: 'the type of the entry for its address',
    command: ({ bridge }) => `ip route replace unicast 10.1.0.1 dev ${bridge} table local scope link`,
    says: /10\.1\.0\.1\/32 in the table local had the type unicast, scope link/,
  },
]

const insideChanges: InsideChange[] = [
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
    what: 'the link-local address inside',
    command: 'ip -6 address del fe80::42:aff:fe01:3/64 dev eth0',
    says: /the address fe80::42:aff:fe01:3\/64 was missing$/,
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
    what: 'the address inside, in whose subnet the container has another by now',
    command: 'ip -4 address flush dev eth0; ip address add 10.1.50.58/16 dev eth0',
    says: /10\.1\.0\.3\/16 was missing.*route to 10\.1\.0\.0\/16 had the source 10\.1\.50\.58/s,
  },
]

describe('a driver that starts again', () => {
  it('mends the routes of a bridge without losing a packet of its members', () =>
    mendsBridgeAtStart(bridgeChanges))

  it('mends them while it runs, too', () => mendsBridgeWhileItRuns(bridgeChanges))

  it('mends the routes of the interface inside, while others lose no packet', () =>
    mendsMemberAtStart([], insideChanges))

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

  it.each([
    ['IPv4', '', '0.0.0.0/0', '192.0.2.1'],
    ['IPv6', '-6', '::/0', '2001:db8::1'],
  ])(
    'mends all but the default route of %s, for which the container has one of its own, and is refused for that one',
    async (_family, option, destination, gateway) => {
      await using fixture = await BridgeFixture.start()
      const net = await fixture.create(network('one'))
      const params = await fixture.join(net, 'a', a)
      const picture = () => fixture.exec('a', 'ip -br address show dev eth0; ip route; ip -6 route | sort')
      const before = picture()
      for (const step of ['while it runs', 'at its start']) {
        fixture.exec(
          'a',
          `ip link add own type veth peer name far; ip link set own addrgenmode none up; ip link set far addrgenmode none up
         ip address add 192.0.2.2/24 dev own; ip address add 2001:db8::2/64 dev own nodad
         ip route del default; ip -6 route del default; ip ${option} route add default via ${gateway}
         ip address del 10.1.0.2/16 dev eth0; ip link set eth0 mtu 1400`,
        )
        fixture.repaired.length = 0
        if (step === 'at its start') await fixture.restartDriver()
        await fixture.create(net)
        const message = `has another route to ${destination} (via ${gateway} dev own)`
        await expect(fixture.plug(params), step).rejects.toMatchObject({
          kind: 'conflict',
          message: expect.stringContaining(message),
          help: expect.stringContaining('--no-default-route'),
        })
        const told = fixture.repaired.join('\n')
        expect(told).toMatch(/mtu was 1400.*10\.1\.0\.2\/16 was missing.*route to [\d.:]+\/0 was missing$/s)
        expect(told).not.toContain(`route to ${destination}`)
        expect(fixture.exec('a', `ip ${option} route show default`)).toContain('dev own')
        fixture.exec('a', 'ip link delete own')
        await fixture.plug(params)
        expect(picture(), step).toBe(before)
      }
    },
  )

  it('[B24] names every default route of its own that the container has in the way, and limits it as was asked all the same', async () => {
    await using fixture = await BridgeFixture.start()
    const params = await fixture.join(
      await fixture.create(network('one', { config: { egress: 'deny' } })),
      'a',
      a,
    )
    fixture.exec(
      'a',
      `ip link add own type veth peer name far; ip link set own addrgenmode none up; ip link set far addrgenmode none up
       ip address add 192.0.2.2/24 dev own; ip address add 2001:db8::2/64 dev own nodad
       ip route replace default via 192.0.2.1; ip -6 route del default; ip -6 route add default via 2001:db8::1`,
    )
    const net_out = [{ networks: ['192.0.2.7'] }]
    const limited = { ...params, policy: { limits: { rate: 1_250_000 }, net_out } }
    const both =
      'another route to 0.0.0.0/0 (via 192.0.2.1 dev own) and another route to ::/0 (via 2001:db8::1 dev own)'
    const fault = async () => (await fixture.driver.listEndpoints(fixture.call()))[0]?.fault
    await expect(fixture.plug(limited)).rejects.toMatchObject({
      kind: 'conflict',
      message: expect.stringContaining(both),
      operationState: 'partial',
    })
    const limit = () => sh(`tc qdisc show dev ${portNameOf(params)} root`)
    expect(limit()).toContain('rate 10Mbit')
    const openTo = /192\.0\.2\.7|0xc0000207/
    expect(sh('nft list ruleset')).toMatch(openTo)
    expect(await fault()).toContain(`the container has ${both}`)
    await expect(fixture.plug(params)).rejects.toMatchObject({ kind: 'conflict' })
    expect(limit()).not.toContain('rate')
    expect(sh('nft list ruleset')).not.toMatch(openTo)
    fixture.exec('a', 'ip link delete own')
    await fixture.plug(params)
    expect(await fault()).toBeUndefined()
  })
})
