import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { PortMapping } from '@conet/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, settled } from '../../support/eventually.ts'
import { TrafficPeer } from '../../support/traffic-peer.ts'
import { type BridgeFixture, bridgeNameOf, network, sh } from './bridge-fixture.ts'
import { blue, type Peers, strict, TrafficScene } from './traffic-scene.ts'

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
    // What goes to the machine itself no policy judges.
    expect(await peers.web.tcp({ address: '192.0.2.1', port: 9000, keep: 'machine' })).toContain('machine')
    const closed = { protocol: 'tcp' as const, ports: [{ start: 81 }], action: 'deny' as const }
    await setPolicy({ net_out: [closed, { networks: ['192.0.2.1'], action: 'deny' }] })
    // By a reset: what it sends does not go unanswered.
    expect(await peers.web.echo('forbidden')).toBe('failed: closed')
    expect(await peers.web.echo('six')).toBe('failed: closed')
    expect(await peers.web.echo('allowed')).toBe('again')
    expect(await peers.web.echo('machine')).toBe('again')
  })

  it('goes on through a port that is still mapped, and to the same port of the container itself', async () => {
    const port = { protocol: 'tcp' as const, hostPort: 80, containerPort: 80 }
    await setPolicy({}, [port])
    expect(await peers.machine.tcp({ address: '10.1.0.2', port: 80, keep: 'direct' })).toContain('web')
    expect(await peers.outside.tcp({ address: '192.0.2.1', port: 80, keep: 'mapped' })).toContain('web')
    await setPolicy({}, [{ ...port, hostAddress: '192.0.2.1' }])
    expect(await peers.outside.echo('mapped')).toBe('again')
    await setPolicy({}, [port])
    expect(await peers.outside.echo('mapped')).toBe('again')
    await setPolicy({})
    expect(await peers.machine.echo('direct')).toBe('again')
    expect(await peers.outside.echo('mapped')).toBe('failed: closed')
  })

  it('is cut where the other end sends, and the network is routed', async () => {
    const subnets = [{ subnet: '10.8.0.0/16', gateway: '10.8.0.1' }]
    const net = await fixture.create(network('routed', { subnets, config: { masquerade: false } }))
    const params = await fixture.join(net, 'routed', { addresses: ['10.8.0.2/16'] })
    await using peer = new TrafficPeer('routed', fixture.namespaces.path('routed'))
    await peers.outside.flood(93)
    await setPolicy({ net_out: [] }, [], params)
    const received = peer.receive({ address: '192.0.2.2', port: 93, forMs: 10_000 })
    const counter = `/sys/class/net/${bridgeNameOf(net)}/statistics/tx_packets`
    await eventually(() => Number(readFileSync(counter, 'utf8')) > 500)
    await setPolicy({ net_out: [{ action: 'deny' }] }, [], params)
    expect(await received).toBe(Number.NaN)
  })

  it('is nothing that a former container with its address had begun', async () => {
    const params = await fixture.join(strict, 'former', { addresses: ['10.2.0.9/16'] })
    await setPolicy({ net_out: [{ protocol: 'udp' }] }, [], params)
    const far = { address: '192.0.2.2', port: 53, from: 5001 }
    await using former = new TrafficPeer('former', fixture.namespaces.path('former'))
    expect(await former.udp(far)).toContain('outside')
    const { endpointId } = params
    await fixture.driver.deleteEndpoint({ networkId: strict.id, endpointId }, fixture.call())
    await fixture.join(strict, 'latter', { addresses: ['10.2.0.9/16'] })
    await using latter = new TrafficPeer('latter', fixture.namespaces.path('latter'))
    expect(await latter.udp(far)).toBe('failed: ECONNREFUSED')
  })

  it('is nothing that it had begun without a policy, whether it has left meanwhile or not', async () => {
    const params = await fixture.join(blue, 'again', { addresses: ['10.1.0.9/16'] })
    await using peer = new TrafficPeer('again', fixture.namespaces.path('again'))
    const far = { address: '192.0.2.2', port: 53 }
    const policy = { net_out: [{ protocol: 'udp', action: 'deny' }] }
    expect(await peer.udp({ ...far, from: 5005 })).toContain('outside')
    await fixture.plug({ ...params, policy })
    expect(await peer.udp({ ...far, from: 5005 })).toBe('failed: ECONNREFUSED')
    await fixture.plug(params)
    expect(await peer.udp({ ...far, from: 5006 })).toContain('outside')
    await fixture.driver.unplug({ networkId: blue.id, endpointId: params.endpointId }, fixture.call())
    await fixture.plug({ ...params, policy })
    expect(await peer.udp({ ...far, from: 5006 })).toBe('failed: ECONNREFUSED')
  })

  it('ends with a reset where the socket is bound to an interface, too', async () => {
    const program = `import socket, sys; s = socket.socket(); s.setsockopt(1, 25, b"eth0"); s.connect(("192.0.2.2", 81))
print("connected", flush=True); s.recv(99); s.recv(99)`
    await setPolicy({})
    const path = fixture.namespaces.path('web')
    const child = spawn('nsenter', [`--net=${path}`, 'python3', '-c', program], { timeout: 10_000 })
    let words = ''
    for (const output of [child.stdout, child.stderr]) output.on('data', (data) => (words += data))
    const closed = once(child, 'close')
    await eventually(() => words.includes('connected'))
    await setPolicy({ net_out: [{ action: 'deny' }] })
    await closed
    expect(words).toContain('ConnectionAbortedError')
    await setPolicy({})
  })

  it('ends with a reset at both ends when a policy forbids it, or a port is unmapped, though nobody sends', async () => {
    const subnets = [{ subnet: '10.9.0.0/16', gateway: '10.9.0.1' }]
    const net = await fixture.create(network('elsewhere', { subnets }))
    const params = await fixture.join(net, 'guest', { addresses: ['10.9.0.2/16'] })
    await using guest = new TrafficPeer('guest', fixture.namespaces.path('guest'))
    const ports: PortMapping[] = [{ protocol: 'tcp', hostPort: 8080, containerPort: 80 }]
    const count = () =>
      ['web', 'outside', 'guest'].map((name) => fixture.exec(name, 'ss -Htn').split('ESTAB').length)
    await setPolicy({}, ports)
    // Connections of the tests before this one may still be closing.
    const before = await settled(count)
    const ends = () =>
      count()
        .map((now, at) => now - (before[at] ?? 0))
        .join(' ')
    await peers.outside.tcp({ address: '192.0.2.1', port: 8080, keep: 'mapped' })
    await peers.web.tcp({ ...outside, port: 81, keep: 'sent' })
    await peers.web.tcp({ address: '2001:db8::2', port: 81, keep: 'sent by IPv6' })
    await peers.web.tcp({ address: '192.0.2.1', port: 8080, keep: 'to itself' })
    await guest.tcp({ address: '192.0.2.1', port: 8080, keep: 'guest' })
    await eventually(() => expect(ends()).toBe('6 3 1'))
    await setPolicy({ net_out: [{ networks: ['10.1.0.0/16'], action: 'deny' }] }, [], params)
    await eventually(() => expect(ends()).toBe('5 3 0'))
    await setPolicy({ net_out: [{ protocol: 'tcp', ports: [{ start: 81 }], action: 'deny' }] }, ports)
    await eventually(() => expect(ends()).toBe('3 1 0'))
    await setPolicy({})
    await eventually(() => expect(ends()).toBe('0 0 0'))
    // Nobody but they were meant.
    await setPolicy({}, ports)
    expect(await peers.outside.tcp({ address: '192.0.2.1', port: 8080 })).toBe('web sees 192.0.2.2')
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

  it('[F18] is within reach of such a network at the ports that it names, which are compared and mended as all is', async () => {
    const host_services = [
      { protocol: 'tcp', port: 9000, address: '10.7.0.1' },
      { protocol: 'tcp', port: 9000, address: 'FD00:7:0::1' },
      { protocol: 'udp', port: 9053, address: '10.7.0.1' },
      { protocol: 'tcp', port: 9001 },
    ]
    const subnets = [
      { subnet: '10.7.0.0/16', gateway: '10.7.0.1' },
      { subnet: 'fd00:7::/64', gateway: 'fd00:7::1' },
    ]
    const config = { host_access: false, host_services }
    const net = await fixture.create(network('served', { subnets, config }))
    await fixture.join(net, 'served', { addresses: ['10.7.0.2/16', 'fd00:7::2/64'] })
    await using peer = new TrafficPeer('served', fixture.namespaces.path('served'))
    await Promise.all([peers.machine.listen('udp', 9053), peers.machine.listen('tcp', 9001)])
    const isServed = async () => {
      for (const address of ['10.7.0.1', 'fd00:7::1'])
        expect(await peer.tcp({ address, port: 9000 }), address).toContain('machine')
      for (const address of ['10.7.0.1', '192.0.2.1', 'fd00:7::1'])
        expect(await peer.tcp({ address, port: 9001 }), address).toContain('machine')
      expect(await peer.udp({ address: '10.7.0.1', port: 9053 })).toContain('machine')
      expect(await peer.tcp({ address: '192.0.2.1', port: 9000 })).toMatch(/^failed: E/)
      expect(await peer.tcp({ address: '10.7.0.1', port: 9053 })).toMatch(/^failed: E/)
    }
    await isServed()
    await fixture.restartDriver()
    await fixture.create(net)
    await isServed()
    for (const set of ['services', 'services4']) {
      fixture.logged.length = 0
      sh(`nft flush set inet conet_bridge ${set}`)
      await eventually(() => fixture.logged.some((line) => /written anew/.test(line)), { timeoutMs: 10_000 })
      await isServed()
    }
  })
})
