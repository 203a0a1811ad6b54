import type { PortMapping } from '@conet/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { TrafficPeer } from '../../support/traffic-peer.ts'
import { type BridgeFixture, network, sh } from './bridge-fixture.ts'
import { blue, type Peers, TrafficScene } from './traffic-scene.ts'

let scene: TrafficScene
let fixture: BridgeFixture
let peers: Peers

beforeAll(async () => {
  scene = await TrafficScene.start()
  ;({ fixture, peers } = scene)
})

afterAll(() => scene?.[Symbol.asyncDispose]())

const setPolicy: TrafficScene['setPolicy'] = (...given) => scene.setPolicy(...given)
const outside = { address: '192.0.2.2', port: 80 }

describe('ports of the machine', () => {
  it('cannot be at ::1, of a member that is plugged either', async () => {
    const net_in = [{ host_port: 7001, container_port: 80, host_address: '0:0:0:0:0:0:0:1' }]
    await expect(setPolicy({ net_in })).rejects.toMatchObject({
      kind: 'invalidArgument',
      fields: [{ path: 'policy.net_in[0].host_address' }],
    })
  })

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

  it('of a container in two networks lead to itself, whichever of them its way out is and the port is mapped in', async () => {
    const red = await fixture.create(
      network('red', {
        subnets: [
          { subnet: '10.3.0.0/16', gateway: '10.3.0.1' },
          { subnet: 'fd00:3::/64', gateway: 'fd00:3::1' },
        ],
      }),
    )
    const both = { blue: ['10.1.0.9/16', 'fd00:1::9/64'], red: ['10.3.0.9/16', 'fd00:3::9/64'] }
    const inBlue = await fixture.join(blue, 'both', { addresses: both.blue })
    const inRed = fixture.params(red, 'both', { addresses: both.red, name: 'eth1', defaultRoute: false })
    await fixture.plug(inRed)
    fixture.exec('both', 'sysctl -qw net.ipv4.conf.all.rp_filter=1')
    await using peer = new TrafficPeer('both', fixture.namespaces.path('both'))
    await Promise.all([peer.listen('tcp', 80), peer.listen('udp', 53)])
    const mapped: PortMapping[] = [
      { protocol: 'tcp', hostPort: 8090, containerPort: 80 },
      { protocol: 'udp', hostPort: 8091, containerPort: 53 },
    ]
    for (const [of, interfaceName] of [
      [inBlue, 'eth0'],
      [inRed, 'eth0'],
      [inBlue, 'eth1'],
      [inRed, 'eth1'],
    ] as const) {
      const gateways = interfaceName === 'eth0' ? ['10.1.0.1', 'fd00:1::1'] : ['10.3.0.1', 'fd00:3::1']
      for (const gateway of gateways)
        fixture.exec('both', `ip route replace default via ${gateway} dev ${interfaceName}`)
      await setPolicy({}, mapped, of)
      const what = `${of.network.name} by ${interfaceName}`
      for (const address of ['192.0.2.1', '2001:db8::1', '10.1.0.1', 'fd00:3::1']) {
        expect(await peer.tcp({ address, port: 8090 }), what).toMatch(/^both sees/)
        expect(await peer.udp({ address, port: 8091 }), what).toMatch(/^both sees/)
      }
      await setPolicy({}, [], of)
    }
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
        // With 1 what a member sends by the bridge stays in it, and keeps its sender; but not what it sends to itself.
        const last = value === 0 ? 1 : 3
        expect(await peers.other.tcp({ address: '192.0.2.1', port: 8080 })).toBe(`web sees 10.1.0.${last}`)
        expect(await peers.other.tcp({ address: '10.1.0.1', port: 8080 })).toBe(`web sees 10.1.0.${last}`)
        expect(await peers.other.udp({ address: '10.1.0.1', port: 8053 })).toBe(`web sees 10.1.0.${last}`)
        expect(await peers.other.tcp({ address: '2001:db8::1', port: 8080 })).toBe(`web sees fd00:1::${last}`)
        expect(await peers.web.tcp({ address: '192.0.2.1', port: 8080 })).toBe('web sees 10.1.0.1')
        expect(await peers.web.tcp({ address: '2001:db8::1', port: 8080 })).toBe('web sees fd00:1::1')
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

  it('refuse at once what cannot be translated: the machine’s own connections to ::1', async () => {
    await setPolicy({ net_in: [] }, mappings)
    expect(await peers.machine.tcp({ address: '::1', port: 8080 })).toBe('failed: ECONNREFUSED')
    expect(await peers.machine.udp({ address: '::1', port: 8053 })).toBe('failed: ECONNREFUSED')
    // The kernel's memory of who ::1 is.
    sh('ip -6 neighbour flush nud noarp dev lo')
    expect(await peers.machine.tcp({ address: '2001:db8::1', port: 8080 })).toBe('web sees 2001:db8::1')
  })

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
    expect(await peers.outside.echo('one')).toBe('failed: closed')
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
    await eventually(async () => expect(await peers.outside.udp(target)).toBe('late sees 192.0.2.2'))
  })

  it('of one address keep their flows of UDP when the same port of all addresses comes to be', async () => {
    const exact: PortMapping = {
      protocol: 'udp',
      hostPort: 8057,
      containerPort: 53,
      hostAddress: '192.0.2.1',
    }
    await setPolicy({}, [exact])
    const target = { address: '192.0.2.1', port: 8057, from: 5457 }
    expect(await peers.outside.udp(target)).toBe('web sees 192.0.2.2')
    // How long it is remembered counts down while nobody sends.
    const flow = () => /dport=8057 .*(?= use=)/.exec(sh('cat /proc/net/nf_conntrack'))?.[0]
    const before = flow()
    expect(before).toBeDefined()
    await setPolicy({}, [exact, { protocol: 'udp', hostPort: 8057, containerPort: 54 }])
    expect(flow()).toBe(before)
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
