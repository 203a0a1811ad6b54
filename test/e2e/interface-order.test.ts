// Which interface an attachment becomes, and which has the default route: the same at each `up`, whenever it was plugged.
import { execFileSync } from 'node:child_process'
import type { AttachmentRequest } from '@conet/sdk/api'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { type TemporaryNamespace, temporaryNamespace } from '../support/temporary-namespace.ts'

let fixture: ConetdFixture

beforeAll(async () => {
  fixture = await ConetdFixture.start({ drivers: ['bridge'] })
})
afterAll(() => fixture?.[Symbol.asyncDispose]())

beforeEach(async () => {
  for (const [n, name] of ['blue', 'red', 'green'].entries())
    await fixture.client.createNetwork({ name, type: 'bridge', subnets: [{ subnet: `10.9${n}.0.0/24` }] })
})
afterEach(() => fixture.removeEverything())

type Wish = string | AttachmentRequest

const define = (...attachments: Wish[]) => fixture.client.putContainerConfig('c', { attach_to: attachments })
const plug = (network: string, wish: Omit<AttachmentRequest, 'network'> = {}) =>
  fixture.client.plug('c', { network, ...wish })

/** By attachment, as conet and the kernel say. */
async function interfacesAtUp({ path }: TemporaryNamespace): Promise<Record<string, string>> {
  const { endpoints } = await fixture.client.up('c', { netns: path })
  const inKernel = execFileSync('nsenter', [`--net=${path}`, 'ip', '-4', '-o', 'address'], {
    encoding: 'utf8',
  })
  const routes = execFileSync('nsenter', [`--net=${path}`, 'ip', '-4', 'route', 'show', 'default'], {
    encoding: 'utf8',
  })
  const entries = endpoints.map(({ attachment, interfaces: [made] }) => {
    expect(inKernel).toContain(` ${made?.name}    inet ${made?.addresses[0]} `)
    expect(routes.includes(` dev ${made?.name} `)).toBe(made?.default_route)
    return [attachment, made?.default_route ? `${made.name}, default route` : (made?.name ?? '')]
  })
  return Object.fromEntries(entries)
}

/** At the first `up`, after a restart of conetd while it is down, and after one while it is up. */
async function atEachUp(sandbox: TemporaryNamespace, expected: Record<string, string>): Promise<void> {
  expect(await interfacesAtUp(sandbox)).toEqual(expected)
  await fixture.client.down('c')
  await fixture.restart()
  expect(await interfacesAtUp(sandbox)).toEqual(expected)
  await fixture.restart()
  expect(await interfacesAtUp(sandbox)).toEqual(expected)
}

it('the configuration comes first: what is plugged before the first `up` stands behind it', async () => {
  using sandbox = temporaryNamespace()
  await define('blue')
  expect(await plug('red')).toMatchObject({ interfaces: [{ name: 'eth1', default_route: false }] })
  expect(await plug('green')).toMatchObject({ interfaces: [{ name: 'eth2', default_route: false }] })
  await fixture.restart()
  await atEachUp(sandbox, { blue: 'eth0, default route', red: 'eth1', green: 'eth2' })
})

it('without a configured network with a way out the first that is plugged has the default route', async () => {
  using sandbox = temporaryNamespace()
  await fixture.client.createNetwork({ name: 'inner', type: 'bridge', internal: true })
  await define('inner')
  expect(await plug('red')).toMatchObject({ interfaces: [{ name: 'eth1', default_route: true }] })
  await plug('green')
  await atEachUp(sandbox, { inner: 'eth0', red: 'eth1, default route', green: 'eth2' })
})

it('what a plug asks for is its, and the configured networks take what is left', async () => {
  using sandbox = temporaryNamespace()
  await define('blue')
  await plug('red')
  expect(await plug('green', { interface: 'eth0', default_route: true })).toMatchObject({
    interfaces: [{ name: 'eth0', default_route: true }],
  })
  await atEachUp(sandbox, { blue: 'eth1', red: 'eth2', green: 'eth0, default route' })
  const { endpoints } = await fixture.client.getContainer('c')
  expect(endpoints.map(({ attachment }) => attachment)).toEqual(['green', 'blue', 'red'])
})

it('what stands in the namespace already keeps its name, and the endpoint its id and its address', async () => {
  using sandbox = temporaryNamespace()
  sandbox.namespace.run(() =>
    execFileSync('ip', ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1']),
  )
  await define('blue')
  const made = await plug('red', { mac_address: '02:00:00:00:00:07' })
  expect(made.interfaces).toMatchObject([{ name: 'eth1' }])
  await atEachUp(sandbox, { blue: 'eth2, default route', red: 'eth3' })
  await fixture.client.down('c')
  await define('blue', { network: 'red', mac_address: '02:00:00:00:00:07' })
  const again = await plug('green')
  await interfacesAtUp(sandbox)
  const { endpoints } = await fixture.client.getContainer('c')
  const { id, interfaces } = endpoints.find(({ attachment }) => attachment === 'green') ?? {}
  expect(id).toBe(again.id)
  expect(interfaces).toMatchObject([
    {
      name: 'eth4',
      addresses: again.interfaces[0]?.addresses,
      mac_address: again.interfaces[0]?.mac_address,
    },
  ])
})

it('an endpoint that outlives a change of the configuration takes its place in the new one', async () => {
  using sandbox = temporaryNamespace()
  await define()
  const red = await plug('red')
  expect(red.interfaces).toMatchObject([{ name: 'eth0', default_route: true }])
  await define('blue', 'red', 'green')
  const { endpoints } = await fixture.client.getContainer('c')
  expect(endpoints).toMatchObject([{ id: red.id, interfaces: [{ name: 'eth1', default_route: false }] }])
  await atEachUp(sandbox, { blue: 'eth0, default route', red: 'eth1', green: 'eth2' })
})

it('an endpoint that is unplugged before the first `up` leaves its place to the next one', async () => {
  using sandbox = temporaryNamespace()
  await define()
  const { id } = await plug('red')
  await plug('green')
  await fixture.client.unplug({ handle: 'c', endpoint: id })
  await atEachUp(sandbox, { green: 'eth0, default route' })
})

it('what a plug asks for that another has by its own plug is refused, before and after the first `up`', async () => {
  using sandbox = temporaryNamespace()
  await define()
  await plug('red')
  const refusals = async () => {
    for (const [field, wish] of Object.entries({ interface: 'eth0', default_route: true }))
      await expect(plug('green', { [field]: wish })).rejects.toMatchObject({
        kind: 'conflict',
        fields: [{ path: field }],
      })
  }
  await refusals()
  await interfacesAtUp(sandbox)
  await refusals()
})

it('who asks for what another attachment has, or is to have, hears which one that is, in which network and behind which interface', async () => {
  using sandbox = temporaryNamespace()
  await define({ network: 'blue', name: 'first', default_route: true })
  const wish = { default_route: true }
  const refusal = (message: string) => ({ kind: 'conflict', message: expect.stringContaining(message) })
  await expect(plug('red', wish)).rejects.toMatchObject(
    refusal('attachment first (network blue) wants the default route'),
  )
  await fixture.client.up('c', { netns: sandbox.path })
  await expect(plug('red', wish)).rejects.toMatchObject(
    refusal('attachment first (network blue, interface eth0) wants the default route'),
  )
  await fixture.client.down('c')
  await define('green')
  await fixture.client.up('c', { netns: sandbox.path })
  await expect(plug('red', wish)).rejects.toMatchObject(
    refusal('attachment green (network green, interface eth0) has the default route of the container'),
  )
})

it('an endpoint that its driver could not make anew stays its client’s, and the next `up` has it', async () => {
  using sandbox = temporaryNamespace()
  const fake = await fixture.startFakeDriver()
  await fixture.client.createNetwork({ name: 'lab', type: 'fake' })
  await define()
  const { id } = await plug('lab')
  await define('blue', 'lab')
  const message = 'no room'
  fake.plan({ methods: { 'endpoint/create': { error: { kind: 'backendUnavailable', message }, only: id } } })
  const up = () => fixture.client.up('c', { netns: sandbox.path })
  await expect(up()).rejects.toThrow(message)
  expect(await fixture.client.getContainer('c')).toMatchObject({
    state: 'defined',
    endpoints: [{ id, state: 'created', last_error: expect.stringContaining(message) }],
  })
  fake.plan({})
  await eventually(async () => {
    const { endpoints } = await fixture.client.getContainer('c')
    expect(endpoints[0]).not.toHaveProperty('last_error')
  })
  const { endpoints } = await up()
  expect(endpoints.find((endpoint) => endpoint.id === id)?.interfaces).toMatchObject([{ name: 'eth1' }])
})
