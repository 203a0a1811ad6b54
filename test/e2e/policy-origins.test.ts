// Who has said what of a policy, and for how long it holds: a network's default, a client, the spec of a network, and a
// container's runtime.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import type { FakeDriver } from '../support/fake-driver.ts'
import type { FakePlan } from '../support/fake-driver-plan.ts'
import { lastTold, refused, told } from './policy-scene.ts'

const plan: FakePlan = { offers: ['endpoint/policy'], schemas: { ports: { policyMember: 'net_in' } } }

let fixture: ConetdFixture
let driver: FakeDriver

beforeAll(async () => {
  fixture = await ConetdFixture.start({ drivers: [], config: { ports: { start: 64_000, size: 8 } } })
  driver = await fixture.startFakeDriver({ name: 'first', plan })
})
afterAll(() => fixture?.[Symbol.asyncDispose]())
afterEach(async () => {
  driver.plan(plan)
  await fixture.removeEverything()
})

const rule = { protocol: 1, networks: [{ start: '198.51.100.1', end: '198.51.100.1' }] }
const other = { protocol: 1, networks: [{ start: '198.51.100.2', end: '198.51.100.2' }] }
const denial = { action: 'deny' }
const port = (container_port: number) => ({ host_port: 0, container_port })

const blue = (default_policy?: Record<string, unknown>) =>
  fixture.client.createNetwork({ name: 'blue', type: 'first', ...(default_policy && { default_policy }) })
const configured = (handle: string) => fixture.client.putContainerConfig(handle, { attach_to: ['blue'] })
const netIn = async (body: object) => await fixture.client.call('netIn', { params: { handle: 'web' }, body })
const mappedOf = async (handle: string) => (await effective(handle))?.mapped_ports ?? []
const effective = async (handle: string) => (await fixture.client.getContainerPolicy(handle)).effective.blue

describe('[B22] what a runtime asks for', () => {
  it('ends with the life of its container, where a client has configured that', async () => {
    await blue()
    await configured('web')
    await fixture.client.up('web', { netin: [port(8080)], netout_rules: [rule] })
    const params = { handle: 'web' }
    await fixture.client.call('netIn', { params, body: { host_port: 28_000, container_port: 22 } })
    await fixture.client.call('netOut', { params, body: other })
    const asked = { net_in: [port(8080), { host_port: 28_000, container_port: 22 }], net_out: [rule, other] }
    expect(await effective('web')).toMatchObject({ policy: asked, added: asked, source: 'none' })
    await fixture.restart()
    expect(lastTold(driver, 'web')?.policy).toEqual(asked)
    await fixture.client.down('web')
    expect(await effective('web')).toMatchObject({ source: 'none' })
    await fixture.client.up('web', { netin: [port(9090)] })
    expect((await effective('web'))?.policy).toEqual({ net_in: [port(9090)] })
  })

  it('leaves what a client has put, before and after it, until the client says more', async () => {
    await blue()
    await configured('web')
    await fixture.client.putContainerPolicy('web', { networks: { blue: { net_out: [denial] } } })
    await fixture.client.up('web', { netout_rules: [rule] })
    expect(lastTold(driver, 'web')?.policy).toEqual({ net_out: [denial, rule] })
    await fixture.client.down('web')
    expect((await effective('web'))?.policy).toEqual({ net_out: [denial] })
    await fixture.client.up('web', { netout_rules: [rule] })
    await fixture.client.putContainerPolicy('web', { networks: { blue: { net_out: [] } } })
    expect((await effective('web'))?.policy).toEqual({ net_out: [] })
    await fixture.client.putContainerPolicy('web', { networks: { blue: null } })
    expect(await effective('web')).toMatchObject({ source: 'none' })
  })

  it('reaches an endpoint that a client plugged before the container came up, and leaves it with a failed up', async () => {
    await blue()
    await fixture.client.putContainerConfig('web', { attach_to: [] })
    await fixture.client.plug('web', { network: 'blue' })
    driver.plan({ ...plan, methods: { 'endpoint/plug': refused } })
    const asked = { netin: [port(8080)], netout_rules: [rule] }
    await expect(fixture.client.up('web', asked)).rejects.toThrow('no')
    expect(await effective('web')).toMatchObject({ source: 'none', mapped_ports: [] })
    driver.plan(plan)
    await fixture.client.up('web', asked)
    const policy = { net_in: [port(8080)], net_out: [rule] }
    expect(lastTold(driver, 'web')).toMatchObject({ policy, portMappings: [{ containerPort: 8080 }] })
    expect(await effective('web')).toMatchObject({ policy, mapped_ports: [{ container_port: 8080 }] })
    await fixture.client.down('web')
    expect(await effective('web')).toMatchObject({ source: 'none' })
  })

  it('wins over what stands before it, though the same rule stands there too', async () => {
    await blue({ net_out: [rule, denial] })
    await configured('web')
    await fixture.client.up('web', { netout_rules: [rule] })
    expect(lastTold(driver, 'web')?.policy).toEqual({ net_out: [rule, denial, rule] })
  })

  it('[B18] stands behind the default of its network, which goes on to reach the container', async () => {
    await blue({ limits: { rate: 1 } })
    await configured('web')
    await fixture.client.up('web', { netin: [port(8080)] })
    const from = driver.records().length
    await fixture.client.putDefaultPolicy('blue', { net_out: [denial] })
    const both = { net_out: [denial], net_in: [port(8080)] }
    expect(told(driver, from)).toEqual([both])
    expect(await effective('web')).toMatchObject({
      source: 'default',
      policy: both,
      added: { net_in: [port(8080)] },
    })
  })

  it('[B18] stays when the default that has said the same says it no more', async () => {
    const fixed = { host_port: 28_000, container_port: 22 }
    await blue({ net_in: [{ protocol: 'tcp', ...fixed }, port(8080)], net_out: [denial, rule] })
    await configured('web')
    await fixture.client.up('web', { netin: [fixed, port(8080)], netout_rules: [rule] })
    expect(await effective('web')).toMatchObject({
      source: 'default',
      policy: { net_in: [{ protocol: 'tcp', ...fixed }, port(8080)], net_out: [denial, rule] },
      added: { net_in: [fixed, port(8080)], net_out: [rule] },
    })
    const before = (await effective('web'))?.mapped_ports
    await fixture.client.putDefaultPolicy('blue', { net_out: [denial] })
    const now = { net_in: [fixed, port(8080)], net_out: [denial, rule] }
    expect(lastTold(driver, 'web')?.policy).toEqual(now)
    expect((await effective('web'))?.mapped_ports).toEqual(before)
  })

  it('[B19] stays where a call named a port that the default had mapped already', async () => {
    const fixed = { host_port: 28_000, container_port: 22 }
    await blue({ net_in: [fixed] })
    await configured('web')
    await fixture.client.up('web')
    for (let times = 0; times < 2; times += 1) expect(await netIn(fixed)).toEqual(fixed)
    expect((await effective('web'))?.policy).toEqual({ net_in: [fixed] })
    await fixture.client.putDefaultPolicy('blue', null)
    expect(await mappedOf('web')).toMatchObject([fixed])
  })

  it('[B18] [B19] leaves a port of the pool that the default alone asked for to go with it, and keeps that of each call', async () => {
    await blue({ net_in: [port(8080)] })
    await configured('web')
    await fixture.client.up('web', { netin: [port(9090)] })
    const [ofDefault, ofUp] = await mappedOf('web')
    const calls = [await netIn(port(8080)), await netIn({}), await netIn(port(8080))]
    expect(await netIn({ host_port: calls[0]?.host_port, container_port: 8080 })).toEqual(calls[0])
    const fixed = await netIn({ host_port: 28_000, container_port: 22 })
    expect(await mappedOf('web')).toMatchObject([ofDefault, ofUp, fixed, ...calls])
    const added = { net_in: [port(9090), fixed, port(8080), port(0), port(8080)] }
    expect(await effective('web')).toMatchObject({ added, policy: { net_in: [port(8080), ...added.net_in] } })
    await fixture.client.putDefaultPolicy('blue', null)
    expect(await mappedOf('web')).toMatchObject([ofUp, fixed, ...calls])
    await fixture.restart()
    await fixture.client.putDefaultPolicy('blue', { net_in: [port(9090), port(8080), port(8080)] })
    const mapped = await mappedOf('web')
    expect([mapped[0], ...mapped.slice(3)]).toMatchObject([ofUp, fixed, ...calls])
    expect(new Set(mapped.map(({ host_port }) => host_port)).size).toBe(7)
  })

  it('[B17] [B19] ends with a policy that a client puts: what it asks for alike keeps its port', async () => {
    await blue({ net_in: [port(8080)] })
    await configured('web')
    await fixture.client.up('web')
    await netIn(port(8080))
    await netIn(port(8080))
    const before = await mappedOf('web')
    const two = { net_in: [port(8080), port(8080)] }
    await fixture.client.putContainerPolicy('web', { networks: { blue: two } })
    expect(await effective('web')).toMatchObject({ policy: two, mapped_ports: before.slice(0, 2) })
    expect(await effective('web')).not.toHaveProperty('added')
    const more = await netIn(port(8080))
    expect(await mappedOf('web')).toMatchObject([...before.slice(0, 2), more])
    await fixture.client.down('web')
    expect(await effective('web')).toEqual(expect.objectContaining({ policy: two }))
    expect(await effective('web')).not.toHaveProperty('added')
  })

  it.each([
    ['a range with it', { host_port: 27_995, container_port: 17, count: 10 }],
    ['all addresses of IPv4', { host_port: 28_000, container_port: 22, host_address: '0.0.0.0' }],
    ['a free port, which it is', { host_port: 0, container_port: 22 }],
  ])('[B18] [B19] stays when %s was there already, whichever of the two came first', async (_, entry) => {
    await blue({ net_in: [entry] })
    await configured('web')
    await fixture.client.up('web')
    const [there] = (await effective('web'))?.mapped_ports ?? []
    const host_port = entry.host_port === 0 ? (there?.host_port ?? 0) : 28_000
    const fixed = { host_port, container_port: 22 }
    const mapped = () => mappedOf('web')
    for (let times = 0; times < 2; times += 1) expect(await netIn(fixed)).toEqual(fixed)
    expect((await effective('web'))?.policy).toEqual({ net_in: [entry] })
    await fixture.client.putDefaultPolicy('blue', null)
    expect(await mapped()).toMatchObject([fixed])
    await fixture.client.putDefaultPolicy('blue', { net_in: [entry] })
    expect(await mapped()).toEqual([there])
    await fixture.client.down('web')
    await fixture.client.putDefaultPolicy('blue', null)
    await fixture.client.up('web')
    expect(await mapped()).toEqual([])
  })

  it('[B19] may be what a range of the default maps already, and is refused where that leads elsewhere', async () => {
    await blue({ net_in: [{ host_port: 27_995, container_port: 17, count: 10 }] })
    await configured('web')
    const elsewhere = { host_port: 28_000, container_port: 23 }
    await expect(fixture.client.up('web', { netin: [port(80), elsewhere] })).rejects.toMatchObject({
      fields: [{ path: 'netin[1].host_port', message: 'default_policy.net_in[0] maps tcp 28000 already' }],
    })
    const same = { host_port: 28_000, container_port: 22 }
    await expect(fixture.client.up('web', { netin: [same, same, elsewhere] })).rejects.toMatchObject({
      fields: [{ path: 'netin[2].host_port', message: 'default_policy.net_in[0] maps tcp 28000 already' }],
    })
    await fixture.client.up('web', { netin: [same, { host_port: 28_004, container_port: 26 }] })
    await expect(netIn(elsewhere)).rejects.toThrow('status 500')
    await fixture.client.putDefaultPolicy('blue', null)
    expect((await effective('web'))?.mapped_ports).toMatchObject([same, { host_port: 28_004 }])
  })

  it('[B18] refuses a default that maps its port elsewhere, and says whose that port is', async () => {
    await blue()
    await configured('web')
    const fixed = { host_port: 28_000, container_port: 22 }
    await fixture.client.up('web', { netin: [fixed] })
    const elsewhere = { net_in: [port(80), { host_port: 28_000, container_port: 23 }] }
    const message = 'net_in[0].host_port: default_policy.net_in[1] maps tcp 28000 already'
    await expect(fixture.client.putDefaultPolicy('blue', elsewhere)).rejects.toMatchObject({
      kind: 'invalidArgument',
      message: expect.stringContaining(`container web, added by its runtime: ${message}`),
      fields: [
        { path: 'default_policy', message: expect.stringContaining(`added by its runtime: ${message}`) },
      ],
      details: { container: 'web' },
    })
    expect((await effective('web'))?.policy).toEqual({ net_in: [fixed] })
    await fixture.client.putDefaultPolicy('blue', { net_in: [{ protocol: 'tcp', ...fixed }] })
    expect((await effective('web'))?.mapped_ports).toMatchObject([fixed])
  })

  it('is not at fault for what is wrong with the default before it', async () => {
    await blue({ net_out: [denial] })
    await configured('web')
    const fields = [{ path: 'policy.net_out[0]', message: 'no' }]
    const error = { kind: 'invalidArgument', message: 'policy.net_out[0]: no', fields } as const
    driver.plan({ ...plan, methods: { 'endpoint/create': { error } } })
    const failure = fixture.client.up('web', { netout_rules: [rule] })
    await expect(failure).rejects.toMatchObject({
      message: expect.stringContaining('the default policy of that network'),
      fields: [{ path: 'default_policy.net_out[0]', message: 'no' }],
    })
  })

  it('is what is at fault where its network has no default', async () => {
    await blue()
    await configured('web')
    const fields = [{ path: 'policy', message: 'no' }]
    const error = { kind: 'invalidArgument', message: 'policy: no', fields } as const
    driver.plan({ ...plan, methods: { 'endpoint/create': { error } } })
    await expect(fixture.client.up('web', { netout_rules: [rule] })).rejects.toMatchObject({
      message: expect.stringContaining('what its runtime has added there'),
      fields: [{ path: 'networks.blue', message: 'no' }],
    })
  })

  it('is not at fault for a port of the default that another container has', async () => {
    await blue({ net_in: [{ host_port: 28_000 }] })
    await configured('web')
    await fixture.client.up('web')
    await configured('db')
    await expect(fixture.client.up('db', { netout_rules: [rule] })).rejects.toMatchObject({
      kind: 'portInUse',
      message: expect.stringContaining('the default policy of that network'),
      fields: [{ path: expect.stringMatching(/^default_policy\.net_in\[0\]/) }],
      help: expect.stringContaining('a fixed port cannot serve several containers'),
    })
  })

  it.each(['host:down:sandbox-released', 'host:down:after-outcome'])(
    'ends with a down that was cut off at %s',
    async (failpoint) => {
      await blue()
      await configured('web')
      await fixture.client.up('web', { netin: [port(8080)] })
      fixture.arm('conetd', failpoint)
      await expect(fixture.client.down('web')).rejects.toThrow()
      await fixture.conetd.ended()
      await fixture.start()
      expect(await effective('web')).toMatchObject({ source: 'none' })
    },
  )

  it('ends with a boot of the machine, which forgets that the container was up', async () => {
    await blue()
    await configured('web')
    await fixture.client.up('web', { netin: [port(8080)] })
    await fixture.kill()
    rmSync(join(fixture.directory, 'run/store'), { recursive: true })
    await fixture.start()
    expect((await fixture.client.getContainer('web')).state).toBe('defined')
    expect(await effective('web')).toMatchObject({ source: 'none' })
  })
})

it('[B8] what the spec of a network says of a policy goes with the configuration that had it', async () => {
  await blue()
  const spec = (config: Record<string, unknown>) => ({
    network_specs: [{ name: 'blue', type: 'first', config }],
  })
  const { client } = fixture
  await client.putContainerConfig('web', spec({ net_in: [port(8080)] }))
  expect((await effective('web'))?.policy).toEqual({ net_in: [port(8080)] })
  await client.putContainerConfig('web', spec({}))
  expect(await effective('web')).toMatchObject({ source: 'none' })
  await client.putContainerPolicy('web', { networks: { blue: { net_out: [denial] } } })
  await configured('web')
  expect((await effective('web'))?.policy).toEqual({ net_out: [denial] })
  await client.putContainerConfig('web', spec({ net_in: [port(9090)] }))
  expect((await effective('web'))?.policy).toEqual({ net_in: [port(9090)] })
  await client.putContainerPolicy('web', { networks: { blue: null } })
  expect(await effective('web')).toMatchObject({ source: 'none' })
})
