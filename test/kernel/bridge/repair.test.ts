// What a driver that starts again finds changed, and mends: of bridges, ports, interfaces inside and its tables.
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { BridgeFixture, bridgeNameOf, network, sh } from './bridge-fixture.ts'
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
    what: 'what it answers and hears',
    command: ({ bridge }) =>
      `cd /proc/sys/net/ipv4/conf/${bridge}; echo 8 >arp_ignore; echo 1 >proxy_arp; echo 1 >proxy_arp_pvlan
       echo 1 >drop_gratuitous_arp; cd /proc/sys/net/ipv6/conf/${bridge}; echo 1 >drop_unsolicited_na; echo 2 >accept_ra`,
    says: /arp_ignore was 8.*proxy_arp was 1.*drop_gratuitous_arp was 1.*drop_unsolicited_na was 1.*accept_ra was 2.*_pvlan was 1/s,
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

const insideChanges: InsideChange[] = [
  { what: 'the MAC inside', command: 'ip link set eth0 address 02:00:00:00:00:98', says: /macAddress was/ },
  { what: 'the MTU inside', command: 'ip link set eth0 mtu 1300', says: /mtu was 1300/ },
  { what: 'the state inside', command: 'ip link set eth0 down', says: /was down/ },
  {
    what: 'the address inside',
    command: 'ip address flush dev eth0 scope global',
    says: /10\.1\.0\.3\/16 was missing/,
  },
  {
    what: 'IPv6 inside',
    command: 'sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1',
    says: /IPv6 was switched off \(disable_ipv6\)/,
  },
  { what: 'the name inside', command: 'ip link set eth0 name strange', says: /name was strange/ },
]

describe('a driver that starts again', () => {
  it('mends each attribute of a bridge without losing a packet of its members', () =>
    mendsBridgeAtStart(bridgeChanges))

  it('says so while it runs, too, and brings a bridge up again', () =>
    mendsBridgeWhileItRuns(bridgeChanges, async (fixture, net) => {
      sh(`ip link set ${bridgeNameOf(net)} down; echo 0 >/proc/sys/net/ipv4/ip_forward`)
      await fixture.create(net)
      expect(fixture.ping('a', '10.1.0.1') && fixture.ping('a', 'fd00:1::1')).toBe(true)
      expect(fixture.repaired.join()).toMatch(/it was down.*ip_forward was off/)
    }))

  it('mends each attribute of a port and of the interface inside, while others lose no packet', () =>
    mendsMemberAtStart(endpointChanges, insideChanges))

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
