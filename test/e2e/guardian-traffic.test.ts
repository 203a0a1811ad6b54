// Garden's ports and rules, with the traffic that they are about: through Guardian's plugin into the bridge driver.
import { execFileSync } from 'node:child_process'
import { Rollback } from '@conet/sdk'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { ContainerInit, Guardian } from '../support/shims.ts'
import { TrafficPeer } from '../support/traffic-peer.ts'

const sh = (command: string) => execFileSync('sh', ['-c', command], { encoding: 'utf8' })

let fixture: ConetdFixture
let guardian: Guardian
let init: ContainerInit
let elsewhere: ContainerInit
let peers: Record<'app' | 'outside', TrafficPeer>

beforeAll(async () => {
  elsewhere = await ContainerInit.start()
  const there = `nsenter --net=/proc/${elsewhere.pid}/ns/net`
  sh(`ip link add out0 type veth peer name eth0 netns ${elsewhere.pid}`)
  sh(`ip address add 192.0.2.1/24 dev out0 && ip link set out0 addrgenmode none up`)
  sh(`${there} ip address add 192.0.2.2/24 dev eth0 && ${there} ip link set eth0 up`)
  // What conet sets stays, and gives each interface an address more.
  sh('echo 1 >/proc/sys/net/ipv6/conf/all/forwarding')
  sh(`ip address add 2001:db8::1/64 dev out0 nodad && ${there} ip address add 2001:db8::2/64 dev eth0 nodad`)
  // The kernel is behind with the link: what it adds later would look as if conet had left it.
  await eventually(() => {
    expect(sh('ip route show dev out0')).not.toContain('linkdown')
    expect(sh('ip -6 route show table local dev out0')).toContain('multicast')
  })
  fixture = await ConetdFixture.start({
    drivers: ['bridge'],
    config: {
      default_attachment: {
        name: 'garden',
        type: 'bridge',
        subnets: [{ subnet: '10.95.0.0/24' }],
        config: { egress: 'deny' },
      },
    },
  })
  guardian = new Guardian(fixture.conetd.socket)
  init = await ContainerInit.start()
  peers = {
    app: new TrafficPeer('app', `/proc/${init.pid}/ns/net`),
    outside: new TrafficPeer('outside', `/proc/${elsewhere.pid}/ns/net`),
  }
  await peers.outside.listen('tcp', 80)
  await peers.outside.listen('tcp', 81)
  await peers.outside.listen('udp', 53)
  await peers.app.listen('tcp', 8080)
  await peers.app.listen('udp', 5353)
})
afterAll(async () => {
  for (const peer of Object.values(peers ?? {})) await peer[Symbol.asyncDispose]()
  await init?.end()
  await fixture?.[Symbol.asyncDispose]()
  await elsewhere?.end()
  sh('ip link delete out0 2>/dev/null || true')
})

const outside = { address: '192.0.2.2', timeoutMs: 500 }
const rangeOf = (port: number) => ({
  networks: [{ start: '192.0.2.0', end: '192.0.2.255' }],
  ports: [{ start: port, end: port }],
})

it('[B19] [B20] [B22] a container is reached at its ports, and reaches what its rules allow: at once, and no more', async () => {
  const properties = await guardian.up('h1', {
    Pid: init.pid,
    Properties: {},
    netin: [{ host_port: 0, container_port: 8080 }],
    netout_rules: [{ protocol: 1, ...rangeOf(80) }],
  })
  const [{ HostPort: port }] = JSON.parse(properties['garden.network.mapped-ports'] ?? '[{}]')
  expect(await peers.outside.tcp({ address: '192.0.2.1', port })).toBe('app sees 192.0.2.2')
  expect(await peers.app.tcp({ ...outside, port: 80 })).toMatch(/^outside sees/)
  expect(await peers.app.tcp({ ...outside, port: 81 })).toMatch(/^failed/)
  expect(await peers.app.udp({ ...outside, port: 53 })).toMatch(/^failed/)

  const ip = { container_ip: properties['garden.network.container-ip'] }
  await guardian.run('net-out', 'h1', { ...ip, netout_rule: { protocol: 1, ...rangeOf(81) } })
  expect(await peers.app.tcp({ ...outside, port: 81 })).toMatch(/^outside sees/)
  await guardian.run('bulk-net-out', 'h1', { ...ip, netout_rules: [{ protocol: 2, ...rangeOf(53) }] })
  expect(await peers.app.udp({ ...outside, port: 53 })).toMatch(/^outside sees/)
  const wanted = { HostIP: '192.0.2.1', HostPort: 61777, ContainerIP: ip.container_ip, ContainerPort: 8080 }
  expect((await guardian.run('net-in', 'h1', wanted)).out).toBe('{"host_port":61777,"container_port":8080}\n')
  expect(await peers.outside.tcp({ address: '192.0.2.1', port: 61777 })).toBe('app sees 192.0.2.2')
  expect(await peers.outside.tcp({ address: '192.0.2.1', port })).toBe('app sees 192.0.2.2')

  const udp = { protocol: 'udp', host_port: 61778, container_port: 5353 }
  await fixture.client.putContainerPolicy('h1', { networks: { garden: { net_in: [udp] } } })
  expect(await peers.outside.udp({ address: '192.0.2.1', port: 61778 })).toBe('app sees 192.0.2.2')
  for (const gone of [port, 61777])
    expect(await peers.outside.tcp({ address: '192.0.2.1', port: gone, timeoutMs: 500 })).toMatch(/^failed/)
  expect(await peers.app.tcp({ ...outside, port: 80 })).toMatch(/^failed/)
  await guardian.down('h1')
})

it('[A8] [A10] ports and rules of a NetworkSpec stand for its network', async () => {
  const specs = [
    {
      Name: 'edge',
      Type: 'bridge',
      Config: {
        NetIn: [{ HostPort: 61888, ContainerPort: 8080 }],
        NetOut: [
          {
            Protocol: 1,
            Networks: [{ Start: '192.0.2.2', End: '192.0.2.2' }],
            Ports: [{ Start: 80, End: 80 }],
          },
        ],
        Limits: { rate: 10_000_000, burst: 1_000_000 },
      },
    },
  ]
  const properties = await guardian.up('h2', { Pid: init.pid, Properties: { specs: JSON.stringify(specs) } })
  const mapped = JSON.parse(properties['conet.networks.edge.mapped-ports'] ?? '')
  expect(mapped).toEqual([{ HostPort: 61888, ContainerPort: 8080, Protocol: 'tcp' }])
  expect(await peers.outside.tcp({ address: '192.0.2.1', port: 61888 })).toBe('app sees 192.0.2.2')
  await guardian.down('h2')
})

it('[A10] a NetworkSpec whose Go fields nobody filled in is taken, by the property and by the API', async () => {
  const nothing = { NetIn: null, NetOut: null, Limits: { rate: 0, burst: 0 } }
  const rule = { Protocol: 1, Networks: null, Ports: [{ Start: 80, End: 80 }], ICMPs: null, Log: false }
  const specs = [
    { Name: 'plain', Type: 'bridge', Config: nothing },
    { Name: 'ruled', Type: 'bridge', Config: { ...nothing, NetOut: [rule] } },
    { Name: 'bare', Type: 'bridge', Config: null },
  ]
  await guardian.up('h7', { Pid: init.pid, Properties: { specs: JSON.stringify(specs) } })
  const { networks } = await fixture.client.getContainerPolicy('h7')
  await guardian.down('h7')
  const lower = specs.map(({ Name: name, Type: type, Config: config }) => ({ name, type, config }))
  await fixture.client.putContainerConfig('h8', { network_specs: lower })
  expect((await fixture.client.getContainerPolicy('h8')).networks).toEqual(networks)
  const ruled = { net_out: [{ protocol: 1, ports: [{ start: 80, end: 80 }], log: false }] }
  expect(networks).toEqual({ plain: null, ruled, bare: null })
  const fields = { RateInBytesPerSecond: 1000, BurstRateInBytesPerSecond: 1000 }
  const wrong = [{ name: 'x', type: 'bridge', config: { Limits: fields } }]
  await expect(fixture.client.putContainerConfig('h8', { network_specs: wrong })).rejects.toMatchObject({
    kind: 'invalidArgument',
    message: expect.stringContaining('known are rate, burst'),
  })
})

it('[A18] [B19] [B20] a network with IPv6 alone, or with both, has ports and rules as one with IPv4', async () => {
  const six = { start: '2001:db8::', end: '2001:db8::ff' }
  for (const subnets of [
    [{ subnet: 'fd00:96::/64' }],
    [{ subnet: '10.96.0.0/24' }, { subnet: 'fd00:96::/64' }],
  ]) {
    await fixture.client.createNetwork({ name: 'six', type: 'bridge', subnets, config: { egress: 'deny' } })
    const specs = [{ Name: 'six', Type: 'bridge' }]
    const properties = await guardian.up('h6', {
      Pid: init.pid,
      Properties: { specs: JSON.stringify(specs) },
      netin: [{ host_port: 0, container_port: 8080 }],
      netout_rules: [{ protocol: 1, networks: [six], ports: [{ start: 80, end: 80 }] }],
    })
    const [{ HostPort: port }] = JSON.parse(properties['garden.network.mapped-ports'] ?? '[{}]')
    const ip = properties['garden.network.container-ip']
    expect(ip).toMatch(subnets.length === 1 ? /^fd00:96::/ : /^10\.96\./)
    expect(await peers.outside.tcp({ address: '2001:db8::1', port })).toBe('app sees 2001:db8::2')
    const there = { address: '2001:db8::2', timeoutMs: 500 }
    expect(await peers.app.tcp({ ...there, port: 80 })).toBe('outside sees 2001:db8::1')
    expect(await peers.app.tcp({ ...there, port: 81 })).toMatch(/^failed/)
    const rule = { protocol: 1, networks: [six], ports: [{ start: 81, end: 81 }] }
    await guardian.run('net-out', 'h6', { container_ip: ip, netout_rule: rule })
    expect(await peers.app.tcp({ ...there, port: 81 })).toBe('outside sees 2001:db8::1')
    const wanted = { HostIP: '2001:db8::1', HostPort: 61778, ContainerIP: ip, ContainerPort: 8080 }
    const { out } = await guardian.run('net-in', 'h6', wanted)
    expect(out).toBe('{"host_port":61778,"container_port":8080}\n')
    expect(await peers.outside.tcp({ address: '2001:db8::1', port: 61778 })).toBe('app sees 2001:db8::2')
    await guardian.down('h6')
    await fixture.client.deleteNetwork('six')
  }
})

it('[A7] a port of a network that has not the default route of the container is answered the way it was asked', async () => {
  const { client } = fixture
  await client.createNetwork({ name: 'first', type: 'bridge', subnets: [{ subnet: '10.97.0.0/24' }] })
  const subnets = [{ subnet: '10.98.0.0/24' }, { subnet: 'fd00:98::/64' }]
  await client.createNetwork({ name: 'second', type: 'bridge', subnets })
  await client.putContainerConfig('both', { attach_to: ['first', 'second'] })
  const ports = [
    { host_port: 61901, container_port: 8080 },
    { host_port: 61902, container_port: 8080 },
  ]
  const [one, two] = ports.map((port) => ({ net_in: [port] }))
  await client.putContainerPolicy('both', { networks: { first: one ?? {}, second: two ?? {} } })
  await client.up('both', { pid: init.pid })
  // A machine that takes nothing from an interface by which it would not answer.
  sh('for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 1 >$f; done')
  try {
    for (const port of [61901, 61902])
      expect(await peers.outside.tcp({ address: '192.0.2.1', port })).toBe('app sees 192.0.2.2')
    expect(await peers.outside.tcp({ address: '2001:db8::1', port: 61902 })).toBe('app sees 2001:db8::2')
  } finally {
    sh('for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done')
  }
  const rules = () => sh(`nsenter --net=/proc/${init.pid}/ns/net sh -c 'ip rule; ip -6 rule'`)
  expect(rules()).toContain('from 10.98.0.2')
  await client.deleteContainer('both')
  expect(rules()).not.toMatch(/from (10|fd00)/)
})

it('[B22] a port of all addresses of IPv4 and the same of IPv6 are two: of one container, or of two', async () => {
  const { client } = fixture
  const second = await ContainerInit.start()
  await using undo = new Rollback()
  undo.defer('end the second container', () => second.end())
  await using peer = new TrafficPeer('second', `/proc/${second.pid}/ns/net`)
  await peer.listen('tcp', 8080)
  const subnets = [{ subnet: '10.99.0.0/24' }, { subnet: 'fd00:99::/64' }]
  await client.createNetwork({ name: 'dual', type: 'bridge', subnets })
  const at = (host_address: string, container_port = 8080) => ({
    host_port: 61903,
    container_port,
    host_address,
  })
  const put = (handle: string, ...net_in: object[]) =>
    client.putContainerPolicy(handle, { networks: { dual: { net_in } } })
  for (const [handle, { pid }] of Object.entries({ one: init, two: second })) {
    await client.putContainerConfig(handle, { attach_to: ['dual'] })
    await client.up(handle, { pid })
  }
  const four = { address: '192.0.2.1', port: 61903 }
  const six = { address: '2001:db8::1', port: 61903 }
  await put('one', at('0.0.0.0'), at('::', 8089))
  expect(await peers.outside.tcp(four)).toBe('app sees 192.0.2.2')
  expect(await peers.outside.tcp(six)).toMatch(/^failed/)
  await put('one', at('::'), at('0.0.0.0'))
  expect(await peers.outside.tcp(six)).toBe('app sees 2001:db8::2')
  await put('one', at('::'))
  await put('two', at('0.0.0.0'))
  expect(await peers.outside.tcp(four)).toBe('second sees 192.0.2.2')
  expect(await peers.outside.tcp(six)).toBe('app sees 2001:db8::2')
  const all = { host_port: 61903, container_port: 8080 }
  for (const taken of [at('::'), at('2001:db8::1'), all])
    await expect(put('two', taken)).rejects.toMatchObject({ kind: 'portInUse' })
  expect(await peers.outside.tcp(four)).toBe('second sees 192.0.2.2')
  for (const handle of ['one', 'two']) await client.deleteContainer(handle)
  await client.deleteNetwork('dual')
})
