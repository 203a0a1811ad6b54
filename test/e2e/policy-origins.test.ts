// Who has said what of a policy, and for how long it holds: a network's default, a client, the spec of a network, and a
// container's runtime.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import type { FakeDriver } from '../support/fake-driver.ts'
import { lastTold, told } from './policy-scene.ts'

let fixture: ConetdFixture
let driver: FakeDriver

beforeAll(async () => {
  fixture = await ConetdFixture.start({ drivers: [], config: { ports: { start: 64_000, size: 8 } } })
  const ports = { policyMember: 'net_in' }
  driver = await fixture.startFakeDriver({
    name: 'first',
    plan: { offers: ['endpoint/policy'], schemas: { ports } },
  })
})
afterAll(() => fixture?.[Symbol.asyncDispose]())
afterEach(() => fixture.removeEverything())

const rule = { protocol: 1, networks: [{ start: '198.51.100.1', end: '198.51.100.1' }] }
const other = { protocol: 1, networks: [{ start: '198.51.100.2', end: '198.51.100.2' }] }
const denial = { action: 'deny' }
const port = (container_port: number) => ({ host_port: 0, container_port })

const blue = (default_policy?: Record<string, unknown>) =>
  fixture.client.createNetwork({ name: 'blue', type: 'first', ...(default_policy && { default_policy }) })
const configured = (handle: string) => fixture.client.putContainerConfig(handle, { attach_to: ['blue'] })
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
    expect(await effective('web')).toMatchObject({ policy: asked, added: asked, source: 'container' })
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
