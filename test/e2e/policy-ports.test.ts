// The ports of the machine that policies ask for: given or from the pool, moved, refused, and none left behind.
import { createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { ConetdFixture } from '../support/conetd-fixture.ts'
import type { FakeDriver } from '../support/fake-driver.ts'
import { failing, lastTold, PolicyScene, planOf, refused, some, told } from './policy-scene.ts'

let scene: PolicyScene
let fixture: ConetdFixture
let first: FakeDriver
let second: FakeDriver

beforeAll(async () => {
  scene = await PolicyScene.start()
  ;({ fixture, first, second } = scene)
})
afterAll(() => scene?.[Symbol.asyncDispose]())
afterEach(() => scene.clear())

const network: PolicyScene['network'] = (...given) => scene.network(...given)
const running: PolicyScene['running'] = (...given) => scene.running(...given)
const put: PolicyScene['put'] = (...given) => scene.put(...given)

it('a fixed port in a default policy of several containers is refused with a word on why', async () => {
  await network('one', 'first')
  await running('a', 'one')
  await running('b', 'one')
  const refusal = { kind: 'portInUse', help: expect.stringContaining('cannot serve several containers') }
  const fixed = { net_in: [{ host_port: 64_700 }] }
  // Either may have been first.
  await expect(fixture.client.putDefaultPolicy('one', fixed)).rejects.toMatchObject({
    ...refusal,
    message: expect.stringMatching(
      /^for container (a|b): give out port tcp 64700: endpoint \w+ of container (?!\1)[ab] \(one\) has it$/,
    ),
    details: { container: expect.stringMatching(/^[ab]$/) },
  })
  await fixture.client.down('b')
  await fixture.client.putDefaultPolicy('one', fixed)
  await expect(fixture.client.up('b')).rejects.toMatchObject(refusal)
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

it('a port twice, and any of an internal network, are refused by field when they are written', async () => {
  const wrong = (path: string) => ({ kind: 'invalidArgument', fields: [{ path }] })
  const twice = { net_in: [{ host_port: 64_600 }, { host_port: 64_600 }] }
  const inside = { name: 'inside', type: 'first', internal: true }
  const ports = { net_in: [{ container_port: 80 }] }
  const { client } = fixture
  await network('one', 'first')
  await client.putContainerConfig('c', { attach_to: ['one'] })
  await expect(put('c', { one: twice })).rejects.toMatchObject({
    ...wrong('networks.one.net_in[1].host_port'),
    message: expect.stringContaining('put container policy c: networks.one.net_in[1].host_port: '),
  })
  await expect(client.putDefaultPolicy('one', twice)).rejects.toMatchObject(
    wrong('default_policy.net_in[1].host_port'),
  )
  const withDefault = client.createNetwork({ ...inside, default_policy: ports })
  await expect(withDefault).rejects.toMatchObject(wrong('default_policy.net_in[0]'))
  await client.createNetwork({ ...inside, default_policy: { net_in: [] } })
  await expect(client.putDefaultPolicy('inside', ports)).rejects.toMatchObject(
    wrong('default_policy.net_in[0]'),
  )
  await client.putContainerConfig('d', { attach_to: ['inside'] })
  await expect(put('d', { inside: ports })).rejects.toMatchObject(wrong('networks.inside.net_in[0]'))
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
})

it('two attachments swap ports in one change, and have their own again when that fails half-way', async () => {
  await network('one', 'first')
  await network('two', 'second')
  await running('c', 'one', 'two')
  const [kept, left, right] = [64_660, 64_661, 64_662].map((host_port) => ({ host_port, container_port: 80 }))
  const shown = async () => {
    const { one, two } = (await fixture.client.getContainerPolicy('c')).effective
    return [one, two].map((it) => it?.mapped_ports.map(({ host_port: mapped }) => mapped))
  }
  await put('c', { one: { rate: 1, net_in: [left, kept] }, two: { net_in: [right] } })
  const swapped = { one: { rate: 2, net_in: [kept, right] }, two: { net_in: [left] } }
  const from = first.records().length
  second.plan(failing(refused))
  await expect(put('c', swapped)).rejects.toMatchObject({ kind: 'kernelRefused' })
  second.plan(planOf())
  expect(await shown()).toEqual([[64_661, 64_660], [64_662]])
  const released = { rate: 1, net_in: [kept] }
  expect(told(first, from)).toEqual([released, { rate: 1, net_in: [left, kept] }])

  const half = first.records().length
  const last = told(first).length + 2
  const broken = { kind: 'kernelRefused', message: 'no' }
  first.plan(failing({ error: broken, fromCall: last, toCall: last }))
  await expect(put('c', swapped)).rejects.toMatchObject({ kind: 'kernelRefused' })
  expect(told(first, half)).toEqual([released, swapped.one, released, { rate: 1, net_in: [left, kept] }])
  expect(lastTold(second, 'c')).toMatchObject({ portMappings: [{ hostPort: 64_662 }] })

  const later = first.records().length
  await put('c', swapped)
  expect(await shown()).toEqual([[64_660, 64_662], [64_661]])
  expect(told(first, later)).toEqual([released, swapped.one])
  expect(lastTold(first, 'c')).toMatchObject({ portMappings: [{ hostPort: 64_660 }, { hostPort: 64_662 }] })
  expect(lastTold(second, 'c')).toMatchObject({ portMappings: [{ hostPort: 64_661 }] })
  // What the other keeps is not to be had.
  await expect(
    put('c', { one: { net_in: [kept, left] }, two: { net_in: [left, kept] } }),
  ).rejects.toMatchObject({ kind: 'portInUse' })
  expect(await shown()).toEqual([[64_660, 64_662], [64_661]])
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
