import type { PlugParams, PortMapping } from '@conet/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { TrafficPeer } from '../../support/traffic-peer.ts'
import { BridgeFixture, bridgeNameOf, network, sh } from './bridge-fixture.ts'

type Policy = Record<string, unknown>

let fixture: BridgeFixture
let web: PlugParams
let peers: Record<'web' | 'other' | 'outside' | 'machine', TrafficPeer>

const blue = network('blue')
/** Where nobody may go without a rule. */
const strict = network('strict', {
  subnets: [
    { subnet: '10.2.0.0/16', gateway: '10.2.0.1' },
    { subnet: 'fd00:2::/64', gateway: 'fd00:2::1' },
  ],
  config: { egress: 'deny' },
})

beforeAll(async () => {
  fixture = await BridgeFixture.start()
  fixture.outside()
  await fixture.create(blue)
  await fixture.create(strict)
  web = await fixture.join(blue, 'web', { addresses: ['10.1.0.2/16', 'fd00:1::2/64'] })
  await fixture.join(blue, 'other', { addresses: ['10.1.0.3/16', 'fd00:1::3/64'] })
  peers = {
    web: new TrafficPeer('web', fixture.namespaces.path('web')),
    other: new TrafficPeer('other', fixture.namespaces.path('other')),
    outside: new TrafficPeer('outside', fixture.namespaces.path('outside')),
    machine: new TrafficPeer('machine'),
  }
  await Promise.all([
    peers.web.listen('tcp', 80),
    peers.web.listen('udp', 53),
    peers.outside.listen('tcp', 80),
    peers.outside.listen('tcp', 81),
    peers.outside.listen('udp', 53),
    peers.machine.listen('tcp', 9000),
  ])
})

afterAll(async () => {
  for (const peer of Object.values(peers ?? {})) await peer[Symbol.asyncDispose]()
  await fixture?.[Symbol.asyncDispose]()
})

async function setPolicy(policy: Policy, portMappings: PortMapping[] = [], of = web): Promise<void> {
  await fixture.driver.policy?.({ ...of, policy, portMappings }, fixture.call())
}

const outside = { address: '192.0.2.2', port: 80 }

describe('ports of the machine', () => {
  const mappings: PortMapping[] = [
    { protocol: 'tcp', hostPort: 8080, containerPort: 80 },
    { protocol: 'udp', hostPort: 8053, containerPort: 53 },
    { protocol: 'sctp', hostPort: 8080, containerPort: 80 },
  ]

  it('lead to a member from other machines, from the machine itself, from members and from itself', async () => {
    await setPolicy({ net_in: [] }, mappings)
    const port = 8080
    expect(await peers.outside.tcp({ address: '192.0.2.1', port })).toBe('web sees 192.0.2.2')
    expect(await peers.outside.tcp({ address: '2001:db8::1', port })).toBe('web sees 2001:db8::2')
    expect(await peers.outside.udp({ address: '192.0.2.1', port: 8053 })).toBe('web sees 192.0.2.2')
    expect(await peers.machine.tcp({ address: '127.0.0.1', port })).toBe('web sees 10.1.0.1')
    expect(await peers.machine.udp({ address: '127.0.0.1', port: 8053 })).toBe('web sees 10.1.0.1')
    expect(await peers.machine.tcp({ address: '192.0.2.1', port })).toBe('web sees 192.0.2.1')
    expect(await peers.machine.tcp({ address: '2001:db8::1', port })).toBe('web sees 2001:db8::1')
    expect(await peers.other.tcp({ address: '192.0.2.1', port })).toMatch(/^web sees/)
    expect(await peers.other.tcp({ address: '10.1.0.1', port })).toMatch(/^web sees/)
    expect(await peers.web.tcp({ address: '192.0.2.1', port })).toBe('web sees 10.1.0.1')
    expect(await peers.web.tcp({ address: '2001:db8::1', port })).toBe('web sees fd00:1::1')
    // And nothing else has become reachable.
    expect(await peers.outside.tcp({ address: '10.1.0.2', port: 80, timeoutMs: 300 })).toMatch(/^failed/)
  })

  it.each([0, 1])(
    'with bridge-nf-call-iptables %i, and so for what policies allow and deny',
    async (value) => {
      const settings = ['iptables', 'ip6tables'].map((name) => `/proc/sys/net/bridge/bridge-nf-call-${name}`)
      const before = sh(`cat ${settings[0]}`).trim()
      const set = (to: string | number) => sh(settings.map((path) => `echo ${to} >${path}`).join('\n'))
      set(value)
      try {
        await setPolicy(
          { net_out: [{ networks: ['192.0.2.0/24', '2001:db8::/64'], action: 'deny' }] },
          mappings,
        )
        expect(await peers.outside.tcp({ address: '192.0.2.1', port: 8080 })).toBe('web sees 192.0.2.2')
        expect(await peers.machine.tcp({ address: '127.0.0.1', port: 8080 })).toBe('web sees 10.1.0.1')
        for (const name of ['other', 'web'] as const) {
          expect(await peers[name].tcp({ address: '192.0.2.1', port: 8080 }), name).toMatch(/^web sees/)
          expect(await peers[name].tcp({ address: '2001:db8::1', port: 8080 }), name).toMatch(/^web sees/)
        }
        expect(await peers.web.tcp(outside)).toBe('failed: ECONNREFUSED')
        expect(await peers.web.tcp({ address: '2001:db8::2', port: 80 })).toBe('failed: ECONNREFUSED')
        // Members of one network are not judged.
        expect(await peers.other.tcp({ address: '10.1.0.2', port: 80 })).toBe('web sees 10.1.0.3')
        expect(await peers.other.tcp({ address: 'fd00:1::2', port: 80 })).toBe('web sees fd00:1::3')
      } finally {
        set(before)
      }
    },
  )

  it('let nobody outside reach 127.0.0.1 of the machine', async () => {
    const forItself = {
      protocol: 'tcp',
      hostPort: 7200,
      containerPort: 80,
      hostAddress: '127.1.2.3',
    } as const
    await setPolicy({ net_in: [] }, [...mappings, forItself])
    for (const name of ['web', 'outside'] as const) {
      fixture.exec(
        name,
        'ip route add 127.1.0.0/16 via $(ip route | sed -n "s/.*via \\([0-9.]*\\).*/\\1/p" | head -1)',
      )
      sh('ip address add 127.1.2.3/8 dev lo')
      // What the machine itself has, and what leads to a member.
      for (const port of [9000, 8080, 7200]) {
        const answer = await peers[name].tcp({ address: '127.1.2.3', port, timeoutMs: 300 })
        expect(answer, `${name} to ${port}`).toMatch(/^failed/)
      }
      expect(await peers.machine.tcp({ address: '127.1.2.3', port: 7200 })).toMatch(/^web sees/)
      sh('ip address del 127.1.2.3/8 dev lo')
    }
  })

  it('end with the policy, and with them the flows through them', async () => {
    await setPolicy({ net_in: [] }, mappings)
    const target = { address: '192.0.2.1', port: 8053, from: 5353 }
    expect(await peers.outside.udp(target)).toBe('web sees 192.0.2.2')
    expect(await peers.outside.tcp({ address: '192.0.2.1', port: 8080, keep: 'one' })).toContain('web')
    await setPolicy({ net_in: [] }, [])
    expect(await peers.outside.udp({ ...target, timeoutMs: 300 })).toMatch(/^failed/)
    expect(await peers.outside.tcp({ address: '192.0.2.1', port: 8080 })).toBe('failed: ECONNREFUSED')
    expect(await peers.outside.echo('one', 1000)).toMatch(/^failed/)
    expect(await peers.outside.udp({ ...target, timeoutMs: 300 })).toMatch(/^failed/)
    // The flow of the failures is cut over too.
    await setPolicy({ net_in: [] }, mappings)
    expect(await peers.outside.udp(target)).toBe('web sees 192.0.2.2')
  })

  it('take over flows of UDP that began before their container was plugged', async () => {
    const target = { address: '192.0.2.1', port: 8056, from: 5456 }
    expect(await peers.outside.udp({ ...target, timeoutMs: 200 })).toMatch(/^failed/)
    fixture.sandbox('late')
    await using late = new TrafficPeer('late', fixture.namespaces.path('late'))
    await late.listen('udp', 53)
    const params = fixture.params(blue, 'late', { addresses: ['10.1.0.9/16'] })
    const portMappings: PortMapping[] = [{ protocol: 'udp', hostPort: 8056, containerPort: 53 }]
    await fixture.plug({ ...params, portMappings })
    await eventually(async () => {
      expect(await peers.outside.udp({ ...target, timeoutMs: 200 })).toBe('late sees 192.0.2.2')
    })
  })

  it('are at one address only, at all of one family, or a range, where the mapping says so', async () => {
    await setPolicy({}, [
      { protocol: 'tcp', hostPort: 7300, containerPort: 80, hostAddress: '0.0.0.0' },
      { protocol: 'tcp', hostPort: 7301, containerPort: 80, hostAddress: '::' },
      { protocol: 'tcp', hostPort: 7000, containerPort: 78, count: 4, hostAddress: '192.0.2.1' },
      { protocol: 'tcp', hostPort: 7100, containerPort: 80, hostAddress: '127.0.0.1' },
    ])
    expect(await peers.outside.tcp({ address: '192.0.2.1', port: 7002 })).toBe('web sees 192.0.2.2')
    expect(await peers.outside.tcp({ address: '2001:db8::1', port: 7002 })).toBe('failed: ECONNREFUSED')
    expect(await peers.outside.tcp({ address: '192.0.2.1', port: 7100 })).toBe('failed: ECONNREFUSED')
    expect(await peers.machine.tcp({ address: '127.0.0.1', port: 7100 })).toBe('web sees 10.1.0.1')
    expect(await peers.outside.tcp({ address: '192.0.2.1', port: 7300 })).toBe('web sees 192.0.2.2')
    expect(await peers.outside.tcp({ address: '2001:db8::1', port: 7300 })).toBe('failed: ECONNREFUSED')
    expect(await peers.outside.tcp({ address: '192.0.2.1', port: 7301 })).toBe('failed: ECONNREFUSED')
    expect(await peers.outside.tcp({ address: '2001:db8::1', port: 7301 })).toBe('web sees 2001:db8::2')
    expect(sh('nft list map inet conet_bridge_policy ports4')).toContain('192.0.2.1 . tcp . 7003 comment')
  })
})

describe('what a member may send', () => {
  it('is all that is not denied where the network allows', async () => {
    await setPolicy({
      net_out: [
        { networks: ['192.0.2.0/24', '2001:db8::/64'], action: 'deny' },
        { protocol: 'tcp', networks: [{ start: '192.0.2.2', end: '192.0.2.3' }], ports: [{ start: 80 }] },
        { protocol: 3, icmps: { type: 8, code: 255 } },
      ],
    })
    expect(await peers.web.tcp(outside)).toBe('outside sees 192.0.2.1')
    expect(await peers.web.tcp({ ...outside, port: 81 })).toBe('failed: ECONNREFUSED')
    // Sooner than the kernel would ask again, which takes it a second.
    const refused = await peers.web.tcp({ address: '2001:db8::2', port: 80, timeoutMs: 800 })
    expect(refused).toBe('failed: ECONNREFUSED')
    expect(await peers.web.udp({ address: '192.0.2.2', port: 53 })).toBe('failed: ECONNREFUSED')
    expect(fixture.ping('web', '192.0.2.2')).toBe(true)
    expect(fixture.cannotPing('web', '2001:db8::2')).toBe(true)
    expect(await peers.other.tcp({ ...outside, port: 81 })).toContain('outside')
    expect(await peers.other.tcp({ address: '10.1.0.2', port: 80 })).toBe('web sees 10.1.0.3')
  })

  it('is only what is allowed where the network denies, in both families', async () => {
    const policy = { net_out: [{ protocol: 1, ports: [{ start: 80 }] }, { protocol: 'icmpv6' }] }
    await fixture.join(strict, 'caged', { addresses: ['10.2.0.2/16', 'fd00:2::2/64'] })
    const params = fixture.params(strict, 'free', { addresses: ['10.2.0.3/16', 'fd00:2::3/64'] })
    fixture.sandbox('free')
    await fixture.plug({ ...params, policy })
    await using caged = new TrafficPeer('caged', fixture.namespaces.path('caged'))
    await using free = new TrafficPeer('free', fixture.namespaces.path('free'))
    expect(await caged.tcp(outside)).toBe('failed: ECONNREFUSED')
    expect(await caged.tcp({ address: '2001:db8::2', port: 80 })).toBe('failed: ECONNREFUSED')
    // A port of the machine that leads into another network is told of in the machine's name, or nobody would hear it.
    await setPolicy({}, [{ protocol: 'tcp', hostPort: 7900, containerPort: 80 }])
    const mapped = await caged.tcp({ address: '192.0.2.1', port: 7900, timeoutMs: 800 })
    expect(mapped).toBe('failed: ECONNREFUSED')
    await setPolicy({})
    expect(await free.tcp(outside)).toContain('outside')
    expect(await free.tcp({ address: '2001:db8::2', port: 80 })).toContain('outside')
    expect(await free.tcp({ ...outside, port: 81 })).toBe('failed: ECONNREFUSED')
    expect(fixture.ping('free', '2001:db8::2')).toBe(true)
    expect(fixture.cannotPing('free', '192.0.2.2')).toBe(true)
    // Each other they reach.
    expect(fixture.ping('free', '10.2.0.2')).toBe(true)
    // What comes in by a port is answered.
    await free.listen('tcp', 80)
    await setPolicy(policy, [{ protocol: 'tcp', hostPort: 6000, containerPort: 80 }], params)
    expect(await peers.outside.tcp({ address: '192.0.2.1', port: 6000 })).toContain('free')
  })

  it('is cut where a tighter policy does not allow it any more, and goes on where it does', async () => {
    await setPolicy({})
    expect(await peers.web.tcp({ ...outside, keep: 'forbidden', port: 81 })).toContain('outside')
    expect(await peers.web.tcp({ ...outside, keep: 'allowed' })).toContain('outside')
    expect(await peers.web.tcp({ address: '2001:db8::2', port: 81, keep: 'six' })).toContain('outside')
    await setPolicy({ net_out: [{ protocol: 'tcp', ports: [{ start: 81 }], action: 'deny' }] })
    // By a reset: what it sends does not go unanswered.
    expect(await peers.web.echo('forbidden')).toBe('failed: closed')
    expect(await peers.web.echo('six')).toBe('failed: closed')
    expect(await peers.web.echo('allowed')).toBe('again')
  })

  it("counts the operator's denied networks first, or last as in Garden", async () => {
    const net_out = [{ protocol: 'tcp', networks: ['192.0.2.2'] }]
    for (const [deny_precedence, expected] of [
      ['deny', 'failed: ECONNREFUSED'],
      ['rules', 'outside sees 192.0.2.1'],
    ] as const) {
      const subnets = [{ subnet: '10.5.0.0/16', gateway: '10.5.0.1' }]
      const config = { deny_networks: ['192.0.2.0/24'], deny_precedence }
      const net = await fixture.create(network(`deny-${deny_precedence}`, { subnets, config }))
      const name = `by-${deny_precedence}`
      fixture.sandbox(name)
      const params = fixture.params(net, name, { addresses: ['10.5.0.2/16'] })
      await fixture.plug({ ...params, policy: { net_out } })
      await using peer = new TrafficPeer(name, fixture.namespaces.path(name))
      expect(await peer.tcp(outside), deny_precedence).toBe(expected)
      expect(await peer.udp({ address: '192.0.2.2', port: 53 }), deny_precedence).toMatch(/^failed/)
      await fixture.driver.deleteEndpoint(
        { networkId: net.id, endpointId: params.endpointId },
        fixture.call(),
      )
      await fixture.driver.deleteNetwork(net.id, fixture.call())
    }
  })
})

describe('the machine', () => {
  it('is out of reach of a network without host access, but for its ports and neighbours', async () => {
    const subnets = [
      { subnet: '10.6.0.0/16', gateway: '10.6.0.1' },
      { subnet: 'fd00:6::/64', gateway: 'fd00:6::1' },
    ]
    const net = await fixture.create(network('walled', { subnets, config: { host_access: false } }))
    await fixture.join(net, 'walled', { addresses: ['10.6.0.2/16', 'fd00:6::2/64'] })
    await using peer = new TrafficPeer('walled', fixture.namespaces.path('walled'))
    expect(await peer.tcp({ address: '10.6.0.1', port: 9000 })).toMatch(/^failed: E/)
    expect(await peer.tcp({ address: '192.0.2.1', port: 9000 })).toMatch(/^failed: E/)
    expect(await peer.tcp({ address: 'fd00:6::1', port: 9000 })).toMatch(/^failed: E/)
    expect(await peer.tcp({ address: '2001:db8::2', port: 80 })).toContain('outside')
    await setPolicy({}, [{ protocol: 'tcp', hostPort: 8080, containerPort: 80 }])
    expect(await peer.tcp({ address: '192.0.2.1', port: 8080 })).toContain('web')
    expect(await peers.web.tcp({ address: '10.1.0.1', port: 9000 })).toContain('machine')
    expect(bridgeNameOf(net)).toMatch(/^cnb/)
  })
})
