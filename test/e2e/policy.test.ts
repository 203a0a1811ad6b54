// Policies of containers and networks, the ports that they ask for, and counters: with drivers that take them, that fail,
// and that know nothing of them.
import { createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import type { FakeDriver } from '../support/fake-driver.ts'
import type { FakeBehaviour, FakePlan } from '../support/fake-driver-plan.ts'

const some = { some: 'bridge-policy' }
const policies = { policies: [{ source: 'frontend', destination: 'backend' }] }
const schemas = {
  policySchema: {
    type: 'object',
    properties: { rate: { type: 'integer' }, net_in: { type: 'array' } },
    additionalProperties: false,
  },
  ports: { policyMember: 'net_in' },
}
const offers = ['endpoint/policy'] as const

let fixture: ConetdFixture
let first: FakeDriver
let second: FakeDriver
let plain: FakeDriver

const planOf = (methods: FakePlan['methods'] = {}): FakePlan => ({ schemas, offers, methods })

beforeAll(async () => {
  fixture = await ConetdFixture.start({ drivers: ['null'], config: { ports: { start: 64_000, size: 8 } } })
  first = await fixture.startFakeDriver({ name: 'first', plan: planOf() })
  second = await fixture.startFakeDriver({ name: 'second', plan: planOf() })
  plain = await fixture.startFakeDriver({ name: 'plain' })
})
afterAll(() => fixture?.[Symbol.asyncDispose]())
afterEach(async () => {
  first.plan(planOf())
  second.plan(planOf())
  await fixture.removeEverything()
})

const network = (name: string, type: string, default_policy?: Record<string, unknown>) =>
  fixture.client.createNetwork({ name, type, internal: true, ...(default_policy && { default_policy }) })

/** A container in networks of that name, which is up. */
async function running(handle: string, ...networks: string[]) {
  await fixture.client.putContainerConfig(handle, { attach_to: networks })
  return fixture.client.up(handle)
}

const put = (handle: string, networks: Record<string, Record<string, unknown> | null>) =>
  fixture.client.putContainerPolicy(handle, { networks })

const failing = (behaviour: FakeBehaviour): FakePlan => planOf({ 'endpoint/policy': behaviour })
const refused: FakeBehaviour = {
  error: { kind: 'kernelRefused', message: 'no', operationState: 'not-started' },
}

/** The policies that a driver was told by `endpoint/policy`, from that record on. */
function told(driver: FakeDriver, from = 0): unknown[] {
  return driver
    .records()
    .slice(from)
    .filter(({ event, method }) => event === 'begin' && method === 'endpoint/policy')
    .map(({ params }) => (params as { policy?: unknown }).policy)
}

/** What a driver was told last of a container, by whatever call. */
function lastTold(driver: FakeDriver, handle: string) {
  type Told = { container?: { handle: string }; policy?: unknown; portMappings?: unknown; sandbox?: unknown }
  const all = driver.records().flatMap(({ event, params }) => (event === 'begin' ? [params as Told] : []))
  return all.filter(({ container }) => container?.handle === handle).at(-1)
}

it('[B14] [B15] documents of any form that the driver takes change while the container runs', async () => {
  await network('my-bridge', 'null')
  await network('ducati', 'null')
  await running('c', 'my-bridge', 'ducati')
  const view = await put('c', { 'my-bridge': some, ducati: policies })
  expect(view.networks).toEqual({ 'my-bridge': some, ducati: policies })
  expect(view.effective.ducati).toMatchObject({ source: 'container', policy: policies, state: 'in_force' })
  expect(await fixture.client.getContainerPolicy('c')).toEqual(view)
})

it('a policy that the driver refuses at up names the container, the attachment, the network and whose policy it is', async () => {
  const at = (path: string): FakeBehaviour => ({
    error: { kind: 'invalidArgument', message: `${path} is wrong`, fields: [{ path, message: 'is wrong' }] },
  })
  await network('one', 'first', { rate: 1 })
  await fixture.client.putContainerConfig('c', { attach_to: [{ network: 'one', name: 'uplink' }] })
  first.plan(planOf({ 'endpoint/create': at('policy.rate') }))
  const place = { container: 'c', attachment: 'uplink', network: 'one' }
  await expect(fixture.client.up('c')).rejects.toMatchObject({
    kind: 'invalidArgument',
    message: expect.stringMatching(/container c: attachment uplink in network one: the default policy/),
    fields: [{ path: 'default_policy.rate' }],
    details: place,
    help: expect.stringContaining('conet net default-policy one'),
  })
  await put('c', { uplink: { rate: 2 } })
  await expect(fixture.client.up('c')).rejects.toMatchObject({
    message: expect.stringMatching(/container c: attachment uplink in network one: its own policy/),
    fields: [{ path: 'networks.uplink.rate' }],
    details: place,
    help: expect.stringContaining('conet container policy c'),
  })
  first.plan(planOf({ 'endpoint/create': at('options') }))
  await expect(fixture.client.up('c')).rejects.toMatchObject({ fields: [{ path: 'options' }] })
})

it('a fixed port in a default policy of several containers is refused with a word on why', async () => {
  await network('one', 'first')
  await running('a', 'one')
  await running('b', 'one')
  const refusal = { kind: 'portInUse', help: expect.stringContaining('cannot serve several containers') }
  const fixed = { net_in: [{ host_port: 64_700 }] }
  await expect(fixture.client.putDefaultPolicy('one', fixed)).rejects.toMatchObject(refusal)
  await fixture.client.down('b')
  await fixture.client.putDefaultPolicy('one', fixed)
  await expect(fixture.client.up('b')).rejects.toMatchObject(refusal)
})

it('[B16] a name that is no attachment is 422, and nothing is applied', async () => {
  await network('one', 'first')
  await running('c', 'one')
  const before = first.records().length
  await expect(put('c', { one: { rate: 1 }, 'my-bridge-network': { rate: 2 } })).rejects.toMatchObject({
    kind: 'notAttached',
    fields: [{ path: 'networks.my-bridge-network' }],
  })
  expect(told(first, before)).toEqual([])
  expect((await fixture.client.getContainerPolicy('c')).networks).toEqual({ one: null })
})

it('[B17] who is absent keeps theirs, null resets to the default, and a policy before up is put in force by it', async () => {
  await network('one', 'first', { rate: 1 })
  await network('two', 'second')
  await fixture.client.putContainerConfig('c', { attach_to: ['one', 'two'] })
  const pending = await put('c', { one: { rate: 11 }, two: { rate: 22 } })
  expect(pending.effective.one).toMatchObject({ policy: { rate: 11 }, state: 'pending' })
  await fixture.client.up('c')
  expect([lastTold(first, 'c')?.policy, lastTold(second, 'c')?.policy]).toEqual([{ rate: 11 }, { rate: 22 }])
  await put('c', { two: { rate: 23 } })
  const view = await put('c', { one: null })
  expect(view.effective).toMatchObject({
    one: { source: 'default', policy: { rate: 1 }, state: 'in_force' },
    two: { source: 'container', policy: { rate: 23 }, state: 'in_force' },
  })
  expect(lastTold(first, 'c')).toMatchObject({ policy: { rate: 1 }, sandbox: { path: expect.any(String) } })
  await put('c', { two: null })
  expect(lastTold(second, 'c')).not.toHaveProperty('policy')
  await fixture.client.down('c')
  await put('c', { one: { rate: 12 } })
  await fixture.client.putContainerConfig('c', { attach_to: ['one'] })
  await fixture.client.up('c')
  expect(lastTold(first, 'c')).toMatchObject({ policy: { rate: 12 } })
})

it('a driver that takes no policies is named, and one whose schema refuses the document says which field', async () => {
  await network('one', 'first')
  await network('bare', 'plain')
  await running('c', 'one', 'bare')
  await expect(put('c', { one: { rate: 1 }, bare: some })).rejects.toMatchObject({
    kind: 'unsupported',
    fields: [{ path: 'networks.bare', message: expect.stringContaining('driver plain') }],
  })
  await expect(put('c', { one: { rate: 'fast' } })).rejects.toMatchObject({
    kind: 'invalidArgument',
    fields: [{ path: 'networks.one.rate' }],
  })
  await expect(fixture.client.putDefaultPolicy('bare', some)).rejects.toMatchObject({ kind: 'unsupported' })
  expect(told(first)).not.toContainEqual({ rate: 'fast' })
  expect(lastTold(plain, 'c')).not.toHaveProperty('policy')
})

it('[B16] all or none: where the second driver fails the first one gets its former policy back', async () => {
  await network('one', 'first')
  await network('two', 'second', { rate: 2 })
  await running('c', 'one', 'two')
  await put('c', { one: { rate: 1 } })
  const before = first.records().length
  second.plan(failing(refused))
  await expect(put('c', { one: { rate: 10 }, two: { rate: 20 } })).rejects.toMatchObject({
    kind: 'kernelRefused',
    operationState: 'not-started',
    message: expect.stringContaining('networks.two'),
  })
  expect(told(first, before)).toEqual([{ rate: 10 }, { rate: 1 }])
  const { networks, effective } = await fixture.client.getContainerPolicy('c')
  expect(networks).toEqual({ one: { rate: 1 }, two: null })
  expect([effective.one?.state, effective.two?.state]).toEqual(['in_force', 'in_force'])
})

it('what cannot be put back is shown as diverged, and repaired', async () => {
  await network('one', 'first')
  await network('two', 'second')
  await running('c', 'one', 'two')
  await put('c', { one: { rate: 1 } })
  first.plan(failing({ ...refused, only: '"rate":1}' }))
  second.plan(failing(refused))
  await expect(put('c', { one: { rate: 10 }, two: { rate: 20 } })).rejects.toMatchObject({
    operationState: 'partial',
    details: { diverged: ['one'] },
  })
  const { effective } = await fixture.client.getContainerPolicy('c')
  expect(effective.one).toMatchObject({
    state: 'diverged',
    policy: { rate: 1 },
    last_error: expect.any(String),
  })
  const { endpoints } = await fixture.client.getContainer('c')
  expect(endpoints[0]).toMatchObject({ diverged: { reason: expect.any(String) } })
  await eventually(
    async () => {
      const { effective: mended } = await fixture.client.getContainerPolicy('c')
      expect(mended.one).toMatchObject({ state: 'in_force', policy: { rate: 1 } })
    },
    { timeoutMs: 10_000 },
  )
  expect(lastTold(first, 'c')).toMatchObject({ policy: { rate: 1 } })
})

it('[B18] a changed default reaches the containers that run and have none of their own', async () => {
  await network('one', 'first', { rate: 1 })
  const handles = ['a', 'b', 'own']
  for (const handle of handles) await running(handle, 'one')
  await put('own', { one: { rate: 99 } })
  const view = await fixture.client.putDefaultPolicy('one', { rate: 5 })
  expect(view.default_policy).toEqual({ rate: 5 })
  expect(handles.map((handle) => lastTold(first, handle)?.policy)).toEqual([
    { rate: 5 },
    { rate: 5 },
    { rate: 99 },
  ])
  const before = first.records().length
  await fixture.client.putDefaultPolicy('one', { rate: 5 })
  expect(told(first, before)).toEqual([])
  expect((await put('own', { one: null })).effective.one).toMatchObject({ policy: { rate: 5 } })
  first.plan(failing({ ...refused, only: '"handle":"b"' }))
  await expect(fixture.client.putDefaultPolicy('one', { rate: 6 })).rejects.toMatchObject({
    kind: 'kernelRefused',
  })
  expect(handles.map((handle) => lastTold(first, handle)?.policy)).toEqual([
    { rate: 5 },
    { rate: 6 },
    { rate: 5 },
  ])
  expect((await fixture.client.getNetwork('one')).default_policy).toEqual({ rate: 5 })
  first.plan(planOf())
  expect(await fixture.client.putDefaultPolicy('one', null)).not.toHaveProperty('default_policy')
  expect(lastTold(first, 'a')).not.toHaveProperty('policy')
})

it('[A18] ports come from the pool in turn, stay over changes and a restart of conetd, and rest when they are free', async () => {
  await network('one', 'first')
  await running('c', 'one')
  const web = { container_port: 8080 }
  await put('c', { one: { net_in: [web] } })
  expect(lastTold(first, 'c')).toMatchObject({
    portMappings: [{ protocol: 'tcp', hostPort: 64_000, containerPort: 8080 }],
  })
  const asked = [{ protocol: 'udp', count: 2 }, web, { host_port: 64_500, container_port: 443 }]
  const view = await put('c', { one: { net_in: asked } })
  const mapped = [
    { protocol: 'udp', host_port: 64_001, container_port: 64_001, count: 2 },
    { protocol: 'tcp', host_port: 64_000, container_port: 8080 },
    { protocol: 'tcp', host_port: 64_500, container_port: 443 },
  ]
  expect(view.effective.one?.mapped_ports).toEqual(mapped)
  expect((await fixture.client.getContainer('c')).networks.one?.mapped_ports).toEqual(mapped)
  await fixture.restart()
  expect((await fixture.client.getContainerPolicy('c')).effective.one?.mapped_ports).toEqual(mapped)
  expect(lastTold(first, 'c')).toMatchObject({ policy: { net_in: asked } })
  await put('c', { one: { net_in: [] } })
  const next = await put('c', { one: { net_in: [web] } })
  expect(next.effective.one?.mapped_ports[0]?.host_port).toBe(64_003)
})

it('[B6] what only the driver can know of a document is refused when it is written, not when the container comes up', async () => {
  const checking: FakePlan = { schemas, offers: [...offers, 'policy/check'] }
  const driver = await fixture.startFakeDriver({ name: 'checking', plan: checking })
  const fields = [{ path: 'policy.rate', message: 'makes no sense' }]
  const error = { kind: 'invalidArgument', message: 'policy.rate makes no sense', fields }
  await network('three', 'checking')
  await fixture.client.putContainerConfig('c', { attach_to: ['three'] })
  await put('c', { three: { rate: 1 } })
  driver.plan({ ...checking, methods: { 'policy/check': { error } } })
  await expect(put('c', { three: { rate: 2 } })).rejects.toMatchObject({
    kind: 'invalidArgument',
    fields: [{ path: 'networks.three.rate', message: 'makes no sense' }],
  })
  const aboutDefault = { fields: [{ path: 'default_policy.rate' }] }
  await expect(fixture.client.putDefaultPolicy('three', { rate: 2 })).rejects.toMatchObject(aboutDefault)
  await expect(network('four', 'checking', { rate: 2 })).rejects.toMatchObject(aboutDefault)
  expect((await fixture.client.getContainerPolicy('c')).networks).toEqual({ three: { rate: 1 } })
  await fixture.removeEverything()
  await driver.program.end()
})

it('a port moves from one attachment to another in one change, and stays where it was when that fails', async () => {
  await network('one', 'first')
  await network('two', 'second')
  await running('c', 'one', 'two')
  const port = { host_port: 64_650, container_port: 80 }
  const portsOf = async () => {
    const { one, two } = (await fixture.client.getContainerPolicy('c')).effective
    return [one, two].map((shown) => shown?.mapped_ports.map(({ host_port: mapped }) => mapped))
  }
  await put('c', { one: { net_in: [] }, two: { net_in: [port] } })
  // Who takes it is named first, and told last.
  await put('c', { one: { net_in: [port] }, two: { net_in: [] } })
  expect(await portsOf()).toEqual([[64_650], []])
  first.plan(planOf({ 'endpoint/policy': { error: { kind: 'invalidArgument', message: 'not so' } } }))
  await put('c', { two: { net_in: [{ host_port: 64_651 }] } })
  await expect(put('c', { one: { net_in: [{ host_port: 64_651 }] }, two: {} })).rejects.toMatchObject({
    kind: 'invalidArgument',
  })
  first.plan(planOf())
  expect(await portsOf()).toEqual([[64_650], [64_651]])
  expect(lastTold(second, 'c')).toMatchObject({ portMappings: [{ hostPort: 64_651 }] })
  await expect(
    put('c', { one: { net_in: [{ host_port: 64_651 }] }, two: { net_in: [port] } }),
  ).rejects.toMatchObject({ kind: 'portInUse' })
  expect(await portsOf()).toEqual([[64_650], [64_651]])
})

it('a port that another endpoint or a process has is refused, and an empty pool says who uses it', async () => {
  await network('one', 'first')
  await network('two', 'null')
  await running('a', 'one')
  await running('b', 'two')
  await put('a', { one: { net_in: [{ host_port: 64_600 }] } })
  await expect(put('b', { two: { net_in: [{ host_port: 64_600 }] } })).rejects.toMatchObject({
    kind: 'portInUse',
    fields: [
      { path: 'networks.two.net_in[0].host_port', message: expect.stringContaining('of container a (one)') },
    ],
  })
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(64_001, '127.0.0.1', resolve))
  await expect(put('b', { two: { net_in: [{ host_port: 64_001 }] } })).rejects.toMatchObject({
    kind: 'portInUse',
    message: expect.stringContaining('a process of the machine'),
  })
  await expect(put('b', { two: { net_in: [{ count: 8 }] } })).rejects.toMatchObject({
    kind: 'portsExhausted',
    details: { size: 8, used: 0, listening: 1, first: 64_000, last: 64_007 },
  })
  await new Promise((resolve) => server.close(resolve))
  await put('b', { two: { net_in: [{ count: 8 }] } })
  await expect(put('a', { one: { net_in: [{}] } })).rejects.toMatchObject({ kind: 'portsExhausted' })
  expect((await fixture.client.getContainerPolicy('a')).effective.one?.mapped_ports).toHaveLength(1)
  await expect(put('a', { one: { net_in: [{ host_prot: 1 }] } })).rejects.toMatchObject({
    kind: 'invalidArgument',
    fields: [{ path: 'networks.one.net_in[0].host_prot' }],
  })
})

it('[A4] [A19] counters of a container come by the names of its attachments, and of all containers in one call', async () => {
  await network('one', 'null')
  await running('a', 'one')
  await running('b')
  await fixture.client.putContainerConfig('c', { attach_to: ['one'] })
  const { networks } = await fixture.client.getContainerMetrics('a')
  expect(networks.one).toMatchObject({ network_name: 'one', interface: 'eth0', rx_bytes: 0, tx_dropped: 0 })
  const { containers } = await fixture.client.listContainerMetrics()
  expect(Object.keys(containers).sort()).toEqual(['a', 'b', 'c'])
  expect([containers.b, containers.c]).toEqual([{ networks: {} }, { networks: {} }])
  expect(containers.a?.networks.one?.rx_packets).toBe(0)
})

it('[B26] twenty containers that come, change and go at once leave no port behind', async () => {
  await network('one', 'null', { rate: 1 })
  const handles = Array.from({ length: 20 }, (_, index) => `c${index}`)
  await Promise.all(
    handles.map(async (handle, index) => {
      await running(handle, 'one')
      await put(handle, { one: { net_in: [{ host_port: 65_000 + index }] } })
      await put(handle, { one: index % 2 === 0 ? null : some })
      if (index % 3 === 0) await fixture.client.down(handle)
      else await fixture.client.deleteContainer(handle)
    }),
  )
  await running('last', 'one')
  const all = { one: { net_in: [{ host_port: 65_000, count: 20 }, { count: 8 }] } }
  expect((await put('last', all)).effective.one?.mapped_ports).toHaveLength(2)
})
