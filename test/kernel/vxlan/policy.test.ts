// Policies of a network that spans hosts: each host judges what its own containers send, and has ports of its own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { PlugParams, PortMapping } from '@conet/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { RunningPing } from '../../support/running-ping.ts'
import { TrafficPeer } from '../../support/traffic-peer.ts'
import { network, VxlanCluster } from './vxlan-cluster.ts'

type Policy = Record<string, unknown>

let cluster: VxlanCluster
let web: PlugParams
let far: PlugParams
let peers: Record<'web' | 'near' | 'far' | 'host1' | 'host2', TrafficPeer>

const blue = network('blue')

beforeAll(async () => {
  cluster = await VxlanCluster.start({ hosts: 2 })
  await cluster.create(blue)
  web = await cluster.join(1, blue, 'web', 11)
  await cluster.join(1, blue, 'near', 12)
  far = await cluster.join(2, blue, 'far', 13)
  await cluster.tell(blue)
  const peer = (name: string) => new TrafficPeer(name, cluster.namespaces.path(name))
  peers = {
    web: peer('web'),
    near: peer('near'),
    far: peer('far'),
    host1: peer('host1'),
    host2: peer('host2'),
  }
  await Promise.all([
    peers.web.listen('tcp', 80),
    peers.web.listen('udp', 53),
    peers.far.listen('tcp', 80),
    peers.far.flood(5000),
    peers.host1.listen('tcp', 9000),
    peers.host2.listen('tcp', 80),
    peers.host2.listen('tcp', 81),
    peers.host2.listen('udp', 53),
    peers.host2.flood(5000),
  ])
})

afterAll(async () => {
  for (const peer of Object.values(peers ?? {})) await peer[Symbol.asyncDispose]()
  await cluster?.[Symbol.asyncDispose]()
})

/** On the host that has the container: 1, but for `far`. */
async function setPolicy(policy: Policy, portMappings: PortMapping[] = [], of = web): Promise<void> {
  const host = cluster.host(of === far ? 2 : 1)
  await host.client.call('endpoint/policy', { ...of, policy, portMappings })
  host.endpoints.set(of.endpointId, { ...of, policy, portMappings })
}

const outside = { address: '192.0.2.2', port: 80 }

describe('ports of one host', () => {
  const mappings: PortMapping[] = [
    { protocol: 'tcp', hostPort: 8080, containerPort: 80 },
    { protocol: 'udp', hostPort: 8053, containerPort: 53 },
  ]

  it('[A10] lead to its member from other hosts, from itself, and from members on every host', async () => {
    await setPolicy({ net_in: [] }, mappings)
    const port = 8080
    expect(await peers.host2.tcp({ address: '192.0.2.1', port })).toBe('web sees 192.0.2.2')
    expect(await peers.host2.tcp({ address: '2001:db8::1', port })).toBe('web sees 2001:db8::2')
    expect(await peers.host2.udp({ address: '192.0.2.1', port: 8053 })).toBe('web sees 192.0.2.2')
    expect(await peers.host1.tcp({ address: '127.0.0.1', port })).toBe('web sees 10.1.0.1')
    expect(await peers.host1.tcp({ address: '192.0.2.1', port })).toBe('web sees 192.0.2.1')
    expect(await peers.near.tcp({ address: '192.0.2.1', port })).toMatch(/^web sees/)
    expect(await peers.near.tcp({ address: '2001:db8::1', port })).toMatch(/^web sees/)
    expect(await peers.web.tcp({ address: '192.0.2.1', port })).toBe('web sees 10.1.0.1')
    expect(await peers.far.tcp({ address: '192.0.2.1', port })).toBe('web sees 192.0.2.2')
    // The other host has no such port, and nothing else has become reachable.
    expect(await peers.host1.tcp({ address: '192.0.2.2', port })).toBe('failed: ECONNREFUSED')
    expect(await peers.host2.tcp({ address: '192.0.2.1', port: 80 })).toBe('failed: ECONNREFUSED')
  })

  it('end with the policy, and with them the flows through them', async () => {
    await setPolicy({ net_in: [] }, mappings)
    const target = { address: '192.0.2.1', port: 8053, from: 5353 }
    expect(await peers.host2.udp(target)).toBe('web sees 192.0.2.2')
    expect(await peers.host2.tcp({ address: '192.0.2.1', port: 8080, keep: 'one' })).toContain('web')
    await setPolicy({})
    expect(await peers.host2.udp({ ...target, timeoutMs: 300 })).toMatch(/^failed/)
    expect(await peers.host2.tcp({ address: '192.0.2.1', port: 8080 })).toBe('failed: ECONNREFUSED')
    expect(await peers.host2.echo('one', 1000)).toMatch(/^failed/)
  })
})

describe('what a member may send', () => {
  it('is judged by its own host, and members on all hosts reach each other', async () => {
    await setPolicy({
      net_out: [
        { networks: ['0.0.0.0/0', '::/0'], action: 'deny' },
        { protocol: 'tcp', networks: ['192.0.2.2'], ports: [{ start: 80 }] },
      ],
    })
    expect(await peers.web.tcp(outside)).toBe('host2 sees 192.0.2.1')
    expect(await peers.web.tcp({ ...outside, port: 81 })).toBe('failed: ECONNREFUSED')
    expect(await peers.web.tcp({ address: '2001:db8::2', port: 80 })).toBe('failed: ECONNREFUSED')
    expect(await peers.web.udp({ address: '192.0.2.2', port: 53 })).toBe('failed: ECONNREFUSED')
    expect(await peers.near.tcp({ ...outside, port: 81 })).toContain('host2')
    expect(await peers.web.tcp({ address: '10.1.0.13', port: 80 })).toBe('far sees 10.1.0.11')
    expect(await peers.web.tcp({ address: 'fd00:1::13', port: 80 })).toBe('far sees fd00:1::11')
  })

  it('is cut where a tighter policy does not allow it any more, and goes on where it does', async () => {
    await setPolicy({})
    expect(await peers.web.tcp({ ...outside, keep: 'forbidden', port: 81 })).toContain('host2')
    expect(await peers.web.tcp({ ...outside, keep: 'allowed' })).toContain('host2')
    expect(await peers.web.tcp({ address: '10.1.0.13', port: 80, keep: 'near' })).toContain('far')
    await setPolicy({ net_out: [{ protocol: 'tcp', ports: [{ start: 81 }], action: 'deny' }] })
    expect(await peers.web.echo('forbidden', 1500)).toMatch(/^failed/)
    expect(await peers.web.echo('allowed')).toBe('again')
    expect(await peers.web.echo('near')).toBe('again')
  })

  it('is only what a rule allows where the network denies; the host is out of reach where it says so', async () => {
    const subnets = [{ subnet: '10.2.0.0/16', gateway: '10.2.0.1' }]
    const config = { egress: 'deny', host_access: false }
    const strict = await cluster.create(network('strict', { subnets, config }))
    const caged = await cluster.join(1, strict, 'caged', 21)
    const free = await cluster.join(2, strict, 'free', 22)
    await cluster.tell(strict)
    await using inCage = new TrafficPeer('caged', cluster.namespaces.path('caged'))
    expect(await inCage.tcp(outside)).toBe('failed: ECONNREFUSED')
    expect(await inCage.tcp({ address: '10.2.0.1', port: 9000 })).toMatch(/^failed: E/)
    expect(cluster.ping('caged', '10.2.0.22')).toBe(true)
    await setPolicy({ net_out: [{ protocol: 'tcp', networks: ['192.0.2.2'] }] }, [], caged)
    expect(await inCage.tcp(outside)).toContain('host2')
    await cluster.host(1).remove(caged)
    await cluster.host(2).remove(free)
  })

  it('is logged with the handle, where a rule says so', async () => {
    const argv = [`--net=${cluster.namespaces.path('host1')}`, 'tcpdump', '-U', '-i', 'nflog:100', '-w', '-']
    const log = spawn('nsenter', argv, { stdio: ['ignore', 'pipe', 'pipe'] })
    const seen: Buffer[] = []
    log.stdout.on('data', (data) => seen.push(data))
    let words = ''
    log.stderr.on('data', (data) => (words += data))
    await eventually(() => words.includes('listening'), { timeoutMs: 10_000 })
    await setPolicy({ net_out: [{ protocol: 'tcp', ports: [{ start: 80 }], log: true }] })
    expect(await peers.web.tcp(outside)).toContain('host2')
    const prefix = `conet ${web.endpointId.slice(0, 12)} web `
    await eventually(() => expect(Buffer.concat(seen).toString('latin1')).toContain(prefix))
    log.kill('SIGINT')
    await once(log, 'close')
  })
})

describe('a policy', () => {
  it('limits what comes in, from other hosts too', { timeout: 60_000 }, async () => {
    const rate = 1_250_000
    await setPolicy({ limits: { ingress: { rate } } })
    await eventually(
      async () => {
        const from = { address: '10.1.0.13', port: 5000, forMs: 1_500 }
        expect(Math.abs((await peers.web.receive(from)) / rate - 1)).toBeLessThan(0.1)
      },
      { timeoutMs: 25_000 },
    )
    expect(cluster.host(1).exec('ip -br link')).not.toContain('cnj')
    await setPolicy({ limits: { egress: { rate } } })
    expect(cluster.host(1).exec('ip -br link')).toContain('cnj')
    await setPolicy({})
    expect(cluster.host(1).exec('ip -br link')).not.toContain('cnj')
  })

  it('is in force over a flushed ruleset, a killed driver and its sync, without a lost packet', async () => {
    const host = cluster.host(1)
    const policy = { net_out: [{ protocol: 'tcp', ports: [{ start: 81 }], action: 'deny' }] }
    const isInForce = async () => {
      expect(await peers.web.tcp({ ...outside, port: 81 })).toBe('failed: ECONNREFUSED')
      expect(await peers.host2.tcp({ address: '192.0.2.1', port: 8080 })).toContain('web')
    }
    await setPolicy(policy, [{ protocol: 'tcp', hostPort: 8080, containerPort: 80 }])
    await isInForce()
    host.exec('nft flush ruleset')
    await eventually(isInForce, { timeoutMs: 10_000 })
    const ping = new RunningPing({ namespacePath: cluster.namespaces.path('web'), address: '192.0.2.2' })
    await ping.goesOn()
    await host.stop('SIGKILL')
    await isInForce()
    await host.start()
    await isInForce()
    await host.sync()
    await isInForce()
    const { sent, received } = await ping.stop()
    expect(sent - received).toBeLessThanOrEqual(1)
    await cluster.tell(blue)
  })

  it('that cannot be is refused with the place in the document, and the former one stays', async () => {
    const refused = setPolicy({ net_out: [{ networks: ['nowhere'] }] })
    await expect(refused).rejects.toMatchObject({
      kind: 'invalidArgument',
      fields: [expect.objectContaining({ path: 'policy.net_out[0].networks[0]' })],
    })
    expect(await peers.web.tcp({ ...outside, port: 81 })).toBe('failed: ECONNREFUSED')
  })
})
