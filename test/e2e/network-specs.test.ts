// Containers that say which networks they want by name and type, and what is shown of them, network by network.
import { execFileSync } from 'node:child_process'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import type { FakeDriver } from '../support/fake-driver.ts'
import type { FakePlan } from '../support/fake-driver-plan.ts'

const list = { type: 'array' }
const schemas: FakePlan['schemas'] = {
  configSchema: { type: 'object', properties: { color: { type: 'string' } }, additionalProperties: false },
  policySchema: { type: 'object', properties: { net_in: list, limits: {} }, additionalProperties: false },
  attachmentSchema: { type: 'object', properties: { zone: {} }, additionalProperties: false },
}

let fixture: ConetdFixture
let fake: FakeDriver

beforeAll(async () => {
  fixture = await ConetdFixture.start({ drivers: ['bridge', 'null'] })
  fake = await fixture.startFakeDriver({ plan: { schemas } })
})
afterAll(() => fixture?.[Symbol.asyncDispose]())
afterEach(async () => {
  fake.plan({ schemas })
  await fixture.removeEverything()
})

const put = (body: object) => fixture.client.putContainerConfig('c', body)
const refusal = async (body: object) => {
  const error: unknown = await put(body).catch((reason: unknown) => reason)
  return error
}
const inside = (path: string) => (command: string) =>
  execFileSync('nsenter', [`--net=${path}`, 'sh', '-c', command], { encoding: 'utf8' })
const networkNames = async () => (await fixture.client.listNetworks()).networks.map(({ name }) => name)
const begun = (method: string) =>
  fake.records().filter((record) => record.event === 'begin' && record.method === method)

it('[A2] [A8] [A9] [A14] networks are specified by name, type and config, made in order, and gone at down', async () => {
  await put({
    network_specs: [
      { name: 'underlay', type: 'bridge' },
      { name: 'private', type: 'fake', config: { color: 'red' } },
    ],
  })
  expect(await networkNames()).toEqual([])
  const { networks, endpoints } = await fixture.client.up('c')
  expect(endpoints.map(({ attachment, interfaces }) => [attachment, interfaces[0]?.name])).toEqual([
    ['underlay', 'eth0'],
    ['private', 'eth1'],
  ])
  expect(Object.keys(networks)).toEqual(['underlay', 'private'])
  const made = (await fixture.client.listNetworks()).networks
  expect(made.map(({ type, owner, config }) => [type, owner, config])).toEqual([
    ['bridge', 'c', {}],
    ['fake', 'c', { color: 'red' }],
  ])
  await fixture.client.down('c')
  expect(await networkNames()).toEqual([])
  const again = await fixture.client.up('c')
  expect(again.attachments.map(({ own_network }) => own_network)).toEqual([true, true])
  expect(again.networks.underlay?.network_id).toBe(networks.underlay?.network_id)
})

it('[A12] an existing network of that name and type is attached to, and one of another type refused', async () => {
  const blue = await fixture.client.createNetwork({
    name: 'blue',
    type: 'bridge',
    subnets: [{ subnet: '10.91.0.0/24' }],
  })
  await put({ attach_to: [], network_specs: [{ name: 'blue', type: 'bridge' }] })
  const { networks } = await fixture.client.up('c')
  expect(networks.blue).toMatchObject({
    network_id: blue.id,
    host_ip: '10.91.0.1',
    container_ip: '10.91.0.2',
  })
  await fixture.client.down('c')
  expect(await networkNames()).toEqual(['blue'])
  expect(await refusal({ network_specs: [{ name: 'blue', type: 'fake' }] })).toMatchObject({
    kind: 'conflict',
    fields: [{ path: 'network_specs[0].type' }],
  })
})

it('[A11] [A12] [A13] wrong specs are refused with their place, and nothing changes', async () => {
  const twice = { name: 'a', type: 'null' }
  const cases: [object, string, string][] = [
    [{ network_specs: [{ name: 'a', type: 'calico' }] }, 'unknownDriver', 'network_specs[0].type'],
    [{ network_specs: [twice, twice] }, 'invalidArgument', 'network_specs[1].name'],
    [{ network_specs: [{ name: 'a' }] }, 'invalidArgument', 'network_specs[0].type'],
    [
      { network_specs: [twice, { name: 'b', type: 'fake', config: { colour: 1 } }] },
      'invalidArgument',
      'network_specs[1].config.colour',
    ],
    [
      { network_specs: [{ name: 'b', type: 'fake', config: { net_in: 7 } }] },
      'invalidArgument',
      'network_specs[0].config.net_in',
    ],
    [
      { network_specs: [{ name: 'b', type: 'fake', config: { NetIn: { HostPort: 0 } } }] },
      'invalidArgument',
      'network_specs[0].config.net_in',
    ],
    [
      { network_specs: [{ name: 'b', type: 'bridge', config: { NetOut: {} } }] },
      'invalidArgument',
      'network_specs[0].config.net_out',
    ],
    [{ labels: {} }, 'invalidArgument', 'attach_to'],
  ]
  for (const [body, kind, path] of cases)
    expect(await refusal(body), JSON.stringify(body)).toMatchObject({ kind, fields: [{ path }] })
  expect(await refusal({ network_specs: [{ name: 'a', type: 'calico' }] })).toMatchObject({
    message: expect.stringMatching(/bridge.*fake.*null/),
  })
  expect(await refusal({ NetworkSpec: [twice] })).toMatchObject({
    help: 'is "NetworkSpec" meant to be network_specs?',
  })
  expect((await fixture.client.listContainers()).containers).toEqual([])
})

it('options of an attachment are judged as they are put while the driver is there, else as it is plugged', async () => {
  const wish = { network: 'lab', options: { zon: 1 } }
  const refused = (path: string) => ({ kind: 'invalidArgument', fields: [{ path }] })
  const temporary = await fixture.startFakeDriver({ name: 'temporary', plan: { schemas } })
  await fixture.client.createNetwork({ name: 'lab', type: 'temporary' })
  expect(await refusal({ attach_to: [{ ...wish, name: 'b', options: { zone: 1 } }, wish] })).toMatchObject(
    refused('attach_to[1].options.zon'),
  )
  expect((await fixture.client.listContainers()).containers).toEqual([])
  await temporary.program.end()
  await eventually(async () => expect((await fixture.client.getDriver('temporary')).state).toBe('gone'))
  await put({ attach_to: [wish] })
  await temporary.restart()
  await fixture.driversReady()
  await expect(fixture.client.up('c')).rejects.toMatchObject(refused('attach_to[0].options.zon'))
  await fixture.removeEverything()
  await temporary.program.end()
})

it('[A8] lists that a Go client never made are as absent: those of its networks that it has count', async () => {
  await put({ attach_to: null, network_specs: [{ name: 'a', type: 'null', config: null }], labels: null })
  expect((await fixture.client.getContainer('c')).attachments).toMatchObject([{ name: 'a' }])
  await put({ attach_to: [], network_specs: null, further: null })
  expect(await fixture.client.getContainer('c')).toMatchObject({ attachments: [], config: { further: null } })
  expect(await refusal({ attach_to: null, network_specs: null })).toMatchObject({
    fields: [{ path: 'attach_to' }],
  })
})

it('[A10] a bridge network takes Go’s zero values in the rules of a spec', async () => {
  const rules = [
    null,
    { Protocol: 1, Networks: [{ Start: null, End: null }], Ports: [{ Start: 80, End: 0 }, { End: 90 }] },
    { Protocol: 2, Networks: [null] },
  ]
  const NetIn = [null, { Protocol: 'udp', Count: 0, HostAddress: '' }]
  const Limits = { Ingress: { Rate: 0, Burst: 0 }, Egress: { Rate: 1_000_000, Burst: 0 } }
  const specOf = (config: object) => ({ network_specs: [{ name: 'a', type: 'bridge', config }] })
  await put(specOf({ Version: 0, NetOut: rules, NetIn, Limits }))
  await fixture.client.up('c')
  expect((await fixture.client.getContainerPolicy('c')).effective.a).toMatchObject({
    state: 'in_force',
    policy: {
      net_out: [{}, { protocol: 1 }, { protocol: 2 }],
      net_in: [{}, { protocol: 'udp' }],
      limits: { egress: { rate: 1_000_000, burst: 0 } },
    },
  })
  await fixture.client.down('c')
  const noPort = specOf({ NetOut: [{ Protocol: 1, Ports: [null] }] })
  await expect(put(noPort)).rejects.toMatchObject({
    fields: [{ path: 'network_specs[0].config.net_out[0].ports[0]', message: 'must have a start or an end' }],
  })
})

it('[A14] a failed up leaves none of its networks', async () => {
  const specs = [
    { name: 'a', type: 'bridge' },
    { name: 'b', type: 'fake' },
  ]
  fake.plan({
    schemas,
    methods: { 'endpoint/plug': { error: { kind: 'backendUnavailable', message: 'no' } } },
  })
  await put({ network_specs: specs })
  await expect(fixture.client.up('c')).rejects.toMatchObject({ kind: 'backendUnavailable' })
  await fixture.settled()
  expect(await networkNames()).toEqual([])
  expect((await fixture.client.getContainer('c')).state).toBe('defined')
})

it('a network of a container’s own is nobody else’s, and goes when conetd finds the container gone', async () => {
  await put({ network_specs: [{ name: 'a', type: 'null' }] })
  const { networks } = await fixture.client.up('c')
  const { network_name: name = '', network_id: id = '' } = networks.a ?? {}
  const others = fixture.client.putContainerConfig('d', { attach_to: [name] })
  await expect(others).rejects.toMatchObject({
    kind: 'failedPrecondition',
    fields: [{ path: 'attach_to[0]' }],
  })
  await expect(fixture.client.plug('c', { network: name })).rejects.toMatchObject({
    kind: 'failedPrecondition',
  })
  await expect(fixture.client.deleteNetwork(id)).rejects.toMatchObject({ kind: 'inUse' })
  await fixture.client.deleteContainer('c')
  expect(await networkNames()).toEqual([])
})

it('[A1] while a container is up its configuration is refused; plug and policy change it', async () => {
  await fixture.client.createNetwork({ name: 'blue', type: 'bridge' })
  await fixture.client.createNetwork({ name: 'red', type: 'bridge' })
  await put({ attach_to: ['blue'] })
  await fixture.client.up('c')
  const late = { kind: 'failedPrecondition' }
  for (const attached of [[], ['red'], ['blue', 'red']])
    expect(await refusal({ attach_to: attached })).toMatchObject(late)
  const names = async () => (await fixture.client.getContainer('c')).attachments.map(({ name }) => name)
  expect(await names()).toEqual(['blue'])
  await fixture.client.plug('c', { network: 'red' })
  expect(await names()).toEqual(['blue', 'red'])
  await fixture.client.putContainerPolicy('c', { networks: { blue: { net_out: [] } } })
  await fixture.client.down('c')
  await put({ attach_to: ['red'] })
  expect(await names()).toEqual(['red'])
})

it('[A3] a container without networks has lo alone, which is up', async () => {
  await put({ attach_to: [] })
  const { sandbox, endpoints, networks } = await fixture.client.up('c')
  expect([endpoints, networks]).toEqual([[], {}])
  const links = inside(sandbox?.path ?? '')('ip -o link')
  expect(links.trim().split('\n')).toEqual([expect.stringMatching(/: lo: <LOOPBACK,UP,LOWER_UP>/)])
})

it('[A5] [B9] a container has an interface of each network, in the order in which attach_to names them', async () => {
  await fixture.client.createNetwork({ name: 'a', type: 'bridge', subnets: [{ subnet: '10.91.0.0/24' }] })
  await fixture.client.createNetwork({ name: 'b', type: 'bridge', subnets: [{ subnet: '10.92.0.0/24' }] })
  await fixture.client.createNetwork({ name: 'c', type: 'bridge', subnets: [{ subnet: '10.93.0.0/24' }] })
  await put({ attach_to: ['c', 'a', 'b'] })
  const { sandbox } = await fixture.client.up('c')
  const shown = inside(sandbox?.path ?? '')('ip -4 -o address show scope global')
  const addresses = [...shown.matchAll(/(eth\d+) +inet ([\d.]+)/g)].map(([, name, address]) => [
    name,
    address,
  ])
  expect(addresses).toEqual([
    ['eth0', '10.93.0.2'],
    ['eth1', '10.91.0.2'],
    ['eth2', '10.92.0.2'],
  ])
})

it('[B8] keys that conet does not know are kept, shown, and passed to the driver with each endpoint', async () => {
  await fixture.client.createNetwork({ name: 'odd', type: 'fake' })
  const app = { id: 'x', tags: [1, { deep: null }] }
  await put({ attach_to: ['odd'], app, snake_key: 1, camelKey: 2 })
  await put({ attach_to: ['odd'], app, camelKey: 3 })
  expect((await fixture.client.up('c')).config).toEqual({ app, camelKey: 3 })
  for (const method of ['endpoint/create', 'endpoint/plug'])
    expect(begun(method).at(-1)?.params).toMatchObject({
      container: { handle: 'c', config: { app, camelKey: 3 } },
    })
  expect(await refusal({ attach_to: [] })).toMatchObject({ kind: 'failedPrecondition' })
})

it('[A4] [A16] [A17] [A18] a container shows each of its networks by name, and which is the primary one', async () => {
  await fixture.client.createNetwork({ name: 'one', type: 'bridge', subnets: [{ subnet: '10.91.0.0/24' }] })
  await fixture.client.createNetwork({
    name: 'two',
    type: 'bridge',
    subnets: [{ subnet: '10.92.0.0/24' }, { subnet: 'fd00:92::/64' }],
  })
  const shown = await put({ attach_to: ['one', { network: 'two', name: 'alias', primary: true }] })
  expect(shown.networks.one).toMatchObject({
    state: 'none',
    primary: false,
    host_ip: '10.91.0.1',
    addresses: [],
  })
  const { networks } = await fixture.client.up('c')
  expect(networks.one).toMatchObject({ interface: 'eth0', primary: false, default_route: false })
  expect(networks.alias).toMatchObject({
    network_name: 'two',
    type: 'bridge',
    state: 'plugged',
    primary: true,
    default_route: true,
    interface: 'eth1',
    mtu: 1500,
    mac_address: '02:42:0a:5c:00:02',
    container_ip: '10.92.0.2',
    container_ipv6: 'fd00:92::2',
    host_ip: '10.92.0.1',
    host_ipv6: 'fd00:92::1',
    addresses: ['10.92.0.2/24', 'fd00:92::2/64'],
    mapped_ports: [],
  })
})

it('[A16] the default route goes where the client says, also when another network comes first', async () => {
  await fixture.client.createNetwork({ name: 'one', type: 'bridge' })
  await fixture.client.createNetwork({ name: 'two', type: 'bridge' })
  await put({ attach_to: ['one', { network: 'two', default_route: true }] })
  const { networks } = await fixture.client.up('c')
  expect([networks.one?.default_route, networks.two?.default_route]).toEqual([false, true])
  expect([networks.one?.primary, networks.two?.primary]).toEqual([true, false])
})
