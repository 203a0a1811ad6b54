// Policies of containers and networks, and counters: with drivers that take them, that fail, and that know nothing of them.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import type { FakeDriver } from '../support/fake-driver.ts'
import type { FakeBehaviour } from '../support/fake-driver-plan.ts'
import { failing, lastTold, PolicyScene, planOf, refused, some, told } from './policy-scene.ts'

let scene: PolicyScene
let fixture: ConetdFixture
let first: FakeDriver
let second: FakeDriver
let plain: FakeDriver

beforeAll(async () => {
  scene = await PolicyScene.start()
  ;({ fixture, first, second, plain } = scene)
})
afterAll(() => scene?.[Symbol.asyncDispose]())
afterEach(() => scene.clear())

const network: PolicyScene['network'] = (...given) => scene.network(...given)
const running: PolicyScene['running'] = (...given) => scene.running(...given)
const put: PolicyScene['put'] = (...given) => scene.put(...given)
const policies = { policies: [{ source: 'frontend', destination: 'backend' }] }

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
  await expect(fixture.client.up('c')).rejects.toMatchObject({ fields: [{ path: 'attach_to[0].options' }] })
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

it('a driver that takes no policies is told to a runtime as the ports and rules that this asked for', async () => {
  await network('bare', 'plain')
  const asked = { netin: [{ host_port: 0, container_port: 80 }], netout_rules: [{ protocol: 1 as const }] }
  const message = 'driver plain takes no policies'
  await expect(fixture.client.up('c', { attach_to: ['bare'], ...asked })).rejects.toMatchObject({
    kind: 'unsupported',
    message: expect.stringMatching(/^netin\[0\]: driver plain takes no policies/),
    fields: [
      { path: 'netin[0]', message },
      { path: 'netout_rules[0]', message },
    ],
    help: expect.stringContaining('a network whose driver takes ports and rules'),
  })
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

it('[B18] the default policy of a network is read as it was put: the document, or null', async () => {
  await network('one', 'first', { rate: 1 })
  expect(await fixture.client.getDefaultPolicy('one')).toEqual({ rate: 1 })
  await fixture.client.putDefaultPolicy('one', { rate: 5 })
  const read = await fixture.client.getDefaultPolicy('one')
  expect(read).toEqual({ rate: 5 })
  await fixture.client.putDefaultPolicy('one', null)
  expect(await fixture.client.getDefaultPolicy('one')).toBeNull()
  expect((await fixture.client.putDefaultPolicy('one', read)).default_policy).toEqual(read)
  await expect(fixture.client.getDefaultPolicy('two')).rejects.toMatchObject({ kind: 'notFound' })
})

it('[B6] what only the driver can know of a document is refused when it is written, not when the container comes up', async () => {
  const checking = planOf({}, ['policy/check'])
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

it('[A4] [A19] [B24] counters of a container come by the names of its attachments, and of all containers in one call', async () => {
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
