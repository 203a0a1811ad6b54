// What a host says of itself to programs and people: metrics and pools, of a real conetd with work behind it.
import { execFile } from 'node:child_process'
import { hostname } from 'node:os'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { conetProgram } from '../support/conetd-process.ts'
import { httpCall } from '../support/unix-http.ts'

let fixture: ConetdFixture

beforeAll(async () => {
  const pools = { ipv4: [{ base: '10.64.0.0/10', size: 16 }], ipv6: [{ base: 'fd00:66::/32', size: 96 }] }
  fixture = await ConetdFixture.start({
    drivers: ['null'],
    config: { address_pools: pools, ports: { start: 61_001, size: 10 } },
  })
  await fixture.client.createNetwork({ name: 'blue', type: 'null', subnets: [{ subnet: '10.64.8.0/24' }] })
  await fixture.client.createNetwork({ name: 'next', type: 'null' })
  await fixture.client.putContainerConfig('c', { attach_to: ['blue'] })
  await fixture.client.up('c')
  await fixture.client.plug('c', { network: 'next' })
  await fixture.client.plug('c', { network: 'none' }).catch(() => undefined)
})
afterAll(() => fixture?.[Symbol.asyncDispose]())

const conet = async (...args: string[]) =>
  (await promisify(execFile)(process.execPath, [conetProgram, '--socket', fixture.conetd.socket, ...args]))
    .stdout

async function samples(): Promise<Map<string, number>> {
  const { status, headers, text } = await httpCall(fixture.conetd.socket, { path: '/metrics' })
  expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const [, name = '', value] = /^([a-z_][a-z0-9_]*(?:\{[^}]*\})?) (\S+)$/.exec(line) ?? []
      // Its mean has no value until it was measured once.
      const number = value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value)
      if (!name.startsWith('nodejs_eventloop_lag')) expect(number, line).not.toBeNaN()
      return [name, number]
    }),
  )
}

it('[B26] GET /metrics has operations by kind and outcome, drivers, objects, pools and the process', async () => {
  const found = await samples()
  const expected = {
    'conet_operation_duration_seconds_count{operation="endpoint.plug",outcome="ok"}': 1,
    'conet_operation_duration_seconds_count{operation="endpoint.plug",outcome="notFound"}': 1,
    'conet_operation_duration_seconds_bucket{le="+Inf",operation="container.up",outcome="ok"}': 1,
    'conet_driver_state{driver="null",state="ready"}': 1,
    'conet_driver_ready{driver="null"}': 1,
    'conet_driver_calls_total{driver="null",method="endpoint/plug",outcome="ok"}': 2,
    'conet_driver_calls_in_flight{driver="null"}': 0,
    'conet_networks{type="null",state="active"}': 2,
    'conet_containers{state="up"}': 1,
    'conet_endpoints{type="null",state="plugged"}': 2,
    conet_pending_removals: 0,
    conet_port_pool_ports: 10,
    conet_port_pool_ports_used: 0,
    'conet_address_pool_subnets{pool="10.64.0.0/10"}': 64,
    'conet_address_pool_subnets_used{pool="10.64.0.0/10"}': 2,
    'conet_subnet_addresses_used{network="blue",subnet="10.64.8.0/24"}': 1,
  }
  expect(Object.fromEntries(Object.keys(expected).map((name) => [name, found.get(name)]))).toEqual(expected)
  for (const name of [
    'nodejs_eventloop_lag_p99_seconds',
    'process_resident_memory_bytes',
    'process_start_time_seconds',
  ])
    expect(found.get(name), name).toBeGreaterThan(0)
})

it('what is more than a double can count is +Inf: the addresses of a /64, the subnets of a large pool', async () => {
  await fixture.client.createNetwork({ name: 'wide', type: 'null', subnets: [{ subnet: 'fd00:64::/64' }] })
  await fixture.client.createNetwork({ name: 'slim', type: 'null', subnets: [{ subnet: 'fd00:65::/116' }] })
  const found = await samples()
  const of = (name: string, labels: string) => found.get(`conet_${name}{${labels}}`)
  const wide = 'network="wide",subnet="fd00:64::/64"'
  expect(of('subnet_addresses', wide)).toBe(Number.POSITIVE_INFINITY)
  expect(of('subnet_addresses_used', wide)).toBe(0)
  expect(of('subnet_addresses', 'network="slim",subnet="fd00:65::/116"')).toBeLessThan(4096)
  expect(of('address_pool_subnets', 'pool="fd00:66::/32"')).toBe(Number.POSITIVE_INFINITY)
  const { text } = await httpCall(fixture.conetd.socket, { path: '/metrics' })
  expect(text).toContain(`conet_subnet_addresses{${wide}} +Inf\n`)
  for (const name of ['wide', 'slim']) await fixture.client.deleteNetwork(name)
})

it('a host in no cluster is the only node, alive, with what it has; there is none to remove, and it is said how one takes part', async () => {
  const name = hostname()
  const { nodes } = await fixture.client.listNodes()
  expect(nodes).toEqual([
    {
      name,
      state: 'alive',
      is_self: true,
      version: expect.any(String),
      since: expect.any(String),
      networks: 2,
      endpoints: 2,
    },
  ])
  const { holds } = await fixture.client.getNode(name)
  expect(holds.map(({ network_name, endpoints }) => [network_name, endpoints]).sort()).toEqual([
    ['blue', 1],
    ['next', 1],
  ])
  expect(await conet('node', 'list')).toMatch(new RegExp(`${name} +alive \\(this host\\) +- +2 +2 `))
  expect(await conet('node', 'inspect', name)).toContain('in no cluster')
  await expect(fixture.client.getNode('other')).rejects.toMatchObject({ kind: 'notFound' })
  for (const call of [fixture.client.removeNode(name), fixture.client.fenceNode(name)])
    await expect(call).rejects.toMatchObject({
      kind: 'failedPrecondition',
      help: expect.stringContaining('--cluster'),
    })
})

it('a scrape counts nothing twice, and a second one shows what has gone', async () => {
  await fixture.client.unplug({ handle: 'c', endpoint: await endpointIn('next') })
  const found = await samples()
  expect(found.get('conet_endpoints{type="null",state="plugged"}')).toBe(1)
  expect(found.get('conet_driver_calls_total{driver="null",method="endpoint/plug",outcome="ok"}')).toBe(2)
})

it('GET /pools and conet pool list show how much of each pool is taken', async () => {
  const pools = await fixture.client.listPools()
  expect(pools.address_pools[0]).toEqual({ family: 4, base: '10.64.0.0/10', size: 16, subnets: 64, used: 2 })
  expect(pools.subnets).toMatchObject([
    { network_name: 'blue', subnet: '10.64.8.0/24', addresses: 253, used: 1 },
    { network_name: 'next', subnet: '10.65.0.0/16', used: 0 },
  ])
  const page = await conet('pool', 'list')
  expect(page).toMatch(/^subnets +10\.64\.0\.0\/10 in \/16 +- +2 +64 +3\.1 %$/m)
  expect(page).toMatch(/^addresses +10\.64\.8\.0\/24 +blue +1 +253 +0\.4 %$/m)
  expect(page).toMatch(/^ports +61001-61010 +- +0 +10 +0\.0 %$/m)
  expect(JSON.parse(await conet('pool', 'list', '--json'))).toEqual(pools)
})

async function endpointIn(network: string): Promise<string> {
  const { networks } = await fixture.client.getContainer('c')
  return networks[network]?.endpoint_id ?? ''
}
