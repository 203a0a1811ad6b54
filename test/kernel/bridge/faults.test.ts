// What a running driver says of bridges and ports that somebody has changed, and mends when it is called again.
import type { Network, PlugParams } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { BridgeFixture, bridgeNameOf, network, portNameOf, sh } from './bridge-fixture.ts'

const a = { addresses: ['10.1.0.2/16', 'fd00:1::2/64'] }
const b = { addresses: ['10.1.0.3/16', 'fd00:1::3/64'] }

function namesIn(net: Network, endpoint: Pick<PlugParams, 'endpointId'>) {
  const [bridge, port] = [bridgeNameOf(net), portNameOf(endpoint)]
  return { in: (text: string) => text.replaceAll('BRIDGE', bridge).replaceAll('PORT', port) }
}

/** What somebody may do to the machine's side of an endpoint, and what the driver says of it when it is asked. */
const portFaults: [string, RegExp][] = [
  ['ip link set PORT mtu 1400', /PORT was changed: mtu was 1400$/],
  ['ip link set PORT mtu 1200', /PORT was changed: mtu was 1200, ipv6AddressGeneration was missing$/],
  ["ip link set PORT alias ''", /PORT was changed: alias was missing$/],
  ['ip link set PORT alias elsewhere', /PORT was changed: alias was elsewhere$/],
  ['ip link set PORT addrgenmode eui64', /PORT was changed: ipv6AddressGeneration was eui64$/],
  ['bridge link set dev PORT isolated on', /at its port PORT was changed: isolated was true$/],
  ['bridge link set dev PORT hairpin off', /at its port PORT was changed: hairpin was false$/],
  ['bridge link set dev PORT learning off', /at its port PORT was changed: learning was false$/],
  ['bridge link set dev PORT flood off bcast_flood off', /unicastFlood was false, broadcastFlood was false$/],
  [
    'sysctl -qw net.ipv4.conf.BRIDGE.route_localnet=0',
    /at 127\.0\.0\.1: route_localnet of the bridge BRIDGE/,
  ],
  ['ip link set PORT arp off', /PORT was changed: arp was false$/],
  ['bridge link set dev PORT locked on', /at its port PORT was changed: locked was true$/],
  [
    'bridge link set dev PORT state 0',
    /the bridge BRIDGE neither takes nor sends anything at its port PORT$/,
  ],
  [
    'bridge link set dev PORT guard on root_block on',
    /at its port PORT was changed: bpduGuard was true, rootBlock was true$/,
  ],
  [
    'bridge link set dev PORT mcast_to_unicast on fastleave on vlan_tunnel on',
    /: multicastToUnicast was true, fastLeave was true, vlanTunnel was true$/,
  ],
  [
    'ip link set PORT type bridge_slave proxy_arp on proxy_arp_wifi on group_fwd_mask 8',
    /: proxyArp was true, proxyArpWifi was true, groupForwardMask was 8$/,
  ],
  ['ip link set PORT nomaster', /its port PORT is not in the bridge BRIDGE$/],
  ['ip link set PORT down', /its port PORT is down$/],
  ['ip link set PORT down; ip link set PORT name foo0; ip link set foo0 up', /its port PORT is called foo0$/],
]

/** The same of a bridge and its settings. */
const bridgeFaults: [string, RegExp][] = [
  ['ip link set BRIDGE mtu 1400', /^bridge BRIDGE differs: mtu was 1400$/],
  ['ip link set BRIDGE arp off', /^bridge BRIDGE differs: arp was false$/],
  ['ip link set BRIDGE alias elsewhere', /^bridge BRIDGE differs: alias was elsewhere$/],
  ['ip link set BRIDGE type bridge mcast_snooping 1', /^bridge BRIDGE differs: multicastSnooping was true$/],
  ['ip link set BRIDGE type bridge group_fwd_mask 8', /^bridge BRIDGE differs: groupForwardMask was 8$/],
  ['ip link set BRIDGE type bridge nf_call_iptables 1', /^bridge BRIDGE differs: callIptables was true$/],
  ['ip link set BRIDGE type bridge nf_call_arptables 1', /^bridge BRIDGE differs: callIptables was true$/],
  ['sysctl -qw net.ipv4.conf.BRIDGE.forwarding=0', /^bridge BRIDGE does not forward IPv4$/],
  ['sysctl -qw net.ipv6.conf.BRIDGE.forwarding=0', /^bridge BRIDGE does not forward IPv6$/],
  [
    'ip route del local 10.1.0.1 dev BRIDGE table local',
    /^bridge BRIDGE lacks the route to 10\.1\.0\.1\/32 in the table local$/,
  ],
  [
    'ip route change 10.1.0.0/16 dev BRIDGE proto kernel scope link src 127.0.0.1',
    /^bridge BRIDGE has the source 127\.0\.0\.1 in the route to 10\.1\.0\.0\/16$/,
  ],
  [
    'ip route change 10.1.0.0/16 dev BRIDGE proto kernel scope link src 10.1.0.1 mtu 1300',
    /^bridge BRIDGE has the mtu 1300 in the route to 10\.1\.0\.0\/16$/,
  ],
  [
    'ip route add 10.1.0.9 via 10.1.0.3 dev BRIDGE',
    /^bridge BRIDGE has the route to 10\.1\.0\.9\/32 via 10\.1\.0\.3$/,
  ],
  [
    'sysctl -qw net.ipv4.conf.BRIDGE.arp_ignore=8',
    /^bridge BRIDGE does not answer ARP for the gateway \(arp_ignore\)$/,
  ],
  [
    'sysctl -qw net.ipv6.conf.BRIDGE.accept_ra=2',
    /^bridge BRIDGE lets members advertise routes to the machine \(accept_ra\)$/,
  ],
  ['ip -6 route del fe80::/64 dev BRIDGE', /^bridge BRIDGE lacks the route to fe80::\/64$/],
  [
    'sysctl -qw net.ipv6.conf.BRIDGE.disable_ipv6=1',
    /^bridge BRIDGE has IPv6 switched off \(disable_ipv6\); bridge BRIDGE lacks the address fd00:1::1\/64;/,
  ],
]

describe('a driver that is asked', () => {
  it('[B26] says what somebody has changed at a port, and mends it when it is plugged again', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const joined = await fixture.join(net, 'a', a)
    await fixture.join(net, 'b', b)
    const portMappings = [{ protocol: 'tcp' as const, hostPort: 8080, containerPort: 80 }]
    const params = { ...joined, portMappings }
    const { policy } = fixture.driver
    await policy?.({ ...params, policy: {} }, fixture.call())
    const names = namesIn(net, params)
    const faults = async () =>
      (await fixture.driver.listEndpoints(fixture.call())).flatMap(({ fault }) => fault ?? [])
    for (const [command, says] of portFaults) {
      expect(await faults(), command).toEqual([])
      sh(names.in(command))
      expect(await faults(), command).toEqual([expect.stringMatching(new RegExp(names.in(says.source)))])
      await fixture.plug(params)
    }
    expect(await faults()).toEqual([])
    await policy?.({ ...params, portMappings: [], policy: {} }, fixture.call())
    expect(await faults()).toEqual([])
    expect(fixture.ping('a', '10.1.0.3') && fixture.ping('a', 'fd00:1::1')).toBe(true)
  })

  it('[B26] gives a bridge its name back that somebody has renamed', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    await fixture.join(net, 'a', a)
    const bridge = bridgeNameOf(net)
    sh(`ip link set ${bridge} down; ip link set ${bridge} name foo0; ip link set foo0 up`)
    const faults = async () =>
      (await fixture.driver.networkFaults?.(fixture.call()))?.map(({ fault }) => fault)
    expect(await faults()).toEqual([`bridge ${bridge} is called foo0`])
    await fixture.create(net)
    expect(fixture.repaired.join()).toContain(`bridge ${bridge}: it was called foo0`)
    expect(await faults()).toEqual([])
    expect(fixture.ping('a', '10.1.0.1') && fixture.ping('a', 'fd00:1::1')).toBe(true)
  })

  it('[B26] gives the interfaces of one container their names back where somebody has swapped them', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const first = await fixture.join(net, 'a', a)
    const second = fixture.params(net, 'a', { ...b, name: 'eth1', endpoint: 'second', defaultRoute: false })
    await fixture.plug(second)
    fixture.exec('a', 'ip link set eth0 name x; ip link set eth1 name eth0; ip link set x name eth1')
    for (const params of [first, second]) await fixture.plug(params)
    expect(fixture.exec('a', 'ip -o address show eth0')).toContain('10.1.0.2/16')
    expect(fixture.exec('a', 'ip -o address show eth1')).toContain('10.1.0.3/16')
    expect(fixture.repaired.join()).toMatch(/its name was eth1,.*its name was /)
    expect(fixture.ping('a', '10.1.0.1')).toBe(true)
  })

  it('[B26] finds a port or an interface that somebody has moved to another network namespace, and makes them anew', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const params = await fixture.join(net, 'a', a)
    const port = portNameOf(params)
    fixture.sandbox('elsewhere')
    const elsewhere = fixture.namespaces.path('elsewhere')
    const faults = async () =>
      (await fixture.driver.listEndpoints(fixture.call())).flatMap(({ fault }) => fault ?? [])
    const expectMended = async () => {
      await fixture.plug(params)
      expect(await faults()).toEqual([])
      expect(fixture.ping('a', '10.1.0.1') && fixture.ping('a', 'fd00:1::1')).toBe(true)
      expect(fixture.exec('elsewhere', 'ip -br link')).not.toMatch(/cnv|eth0|foo0/)
    }
    for (const isRestarted of [false, true]) {
      expect(await faults()).toEqual([])
      sh(`ip link set ${port} netns ${elsewhere}`)
      expect(await faults()).toEqual([`its port ${port} is not there`])
      fixture.repaired.length = 0
      if (isRestarted) await fixture.restartDriver()
      if (isRestarted) await fixture.create(net)
      await expectMended()
      expect(fixture.repaired.join()).toContain(`port ${port}: its interface eth0 had no port any more`)
    }
    fixture.exec('a', `ip link set eth0 netns ${elsewhere} name foo0`)
    await expectMended()
    expect(fixture.repaired.join()).toContain('its interface was moved out of the sandbox')
    // Another interface of that name is not touched.
    sh(`ip link set ${port} netns ${elsewhere}`)
    fixture.exec('a', 'ip link set eth0 name eth7; ip link add eth0 type veth peer name other')
    await expect(fixture.plug(params)).rejects.toMatchObject({ kind: 'conflict' })
    expect(fixture.exec('a', 'ip -br link')).toContain('other')
  })

  it.each([
    ['renamed, with another alias', 'ip link set PORT down name foo0 alias elsewhere'],
    ['moved to another network namespace', 'ip link set PORT netns ELSEWHERE'],
  ])('takes the interface out of the sandbox when the port was %s', async (_, command) => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const params = await fixture.join(net, 'a', a)
    fixture.sandbox('elsewhere')
    sh(command.replace('PORT', portNameOf(params)).replace('ELSEWHERE', fixture.namespaces.path('elsewhere')))
    await fixture.driver.unplug({ networkId: net.id, endpointId: params.endpointId }, fixture.call())
    expect(fixture.exec('a', 'ip -br link')).not.toContain('eth0')
    await fixture.plug(params)
    expect(fixture.ping('a', '10.1.0.1')).toBe(true)
  })

  it.each(['alias elsewhere', 'down name foo0'])(
    'unplugs a port that somebody has set: %s',
    async (change) => {
      await using fixture = await BridgeFixture.start()
      const params = await fixture.join(await fixture.create(network('one')), 'a', a)
      sh(`ip link set ${portNameOf(params)} ${change}`)
      await fixture.driver.unplug(
        { networkId: params.network.id, endpointId: params.endpointId },
        fixture.call(),
      )
      expect(sh('ip -br link')).not.toMatch(/cnv|foo0/)
    },
  )

  it('[B26] says what somebody has changed at a bridge or in its settings, and mends it when it is asked for again', async () => {
    await using fixture = await BridgeFixture.start()
    const net = await fixture.create(network('one'))
    const inner = await fixture.create(
      network('two', { internal: true, subnets: [{ subnet: '10.2.0.0/16' }] }),
    )
    const faults = async () =>
      (await fixture.driver.networkFaults?.(fixture.call()))?.map(({ fault }) => fault)
    const expectFound = async (of: Network, command: string, says: RegExp) => {
      const names = { in: (text: string) => text.replaceAll('BRIDGE', bridgeNameOf(of)) }
      expect(await faults(), command).toEqual([])
      sh(names.in(command))
      expect(await faults(), command).toEqual([expect.stringMatching(new RegExp(names.in(says.source)))])
      expect(await fixture.driver.listNetworks(fixture.call())).toEqual(
        expect.arrayContaining([net.id, inner.id]),
      )
      await fixture.create(of)
    }
    for (const [command, says] of bridgeFaults) await expectFound(net, command, says)
    await expectFound(inner, 'sysctl -qw net.ipv4.conf.BRIDGE.arp_ignore=0', /^bridge BRIDGE answers ARP/)
    // The machine's own switch: conet status tells of it.
    sh('sysctl -qw net.ipv4.ip_forward=0')
    expect(await faults()).toEqual([])
    await fixture.create(net)
  })
})
