// The three stages of the migration from Garden's calls to conet's API, and both side by side. The null driver takes any
// policy and gets real ports of the machine's pool.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { ContainerInit, Guardian } from '../support/shims.ts'
import { httpCall } from '../support/unix-http.ts'

const attachment = { name: 'garden', type: 'null', subnets: [{ subnet: '10.95.0.0/24' }] }
const rule = {
  protocol: 1,
  networks: [{ start: '10.0.0.1', end: '10.0.0.9' }],
  ports: [{ start: 80, end: 80 }],
}
const other = { protocol: 2, networks: [{ start: '8.8.8.8', end: '8.8.8.8' }] }

let fixture: ConetdFixture
let guardian: Guardian
let init: ContainerInit

beforeAll(async () => {
  fixture = await ConetdFixture.start({ drivers: ['null'], config: { default_attachment: attachment } })
  guardian = new Guardian(fixture.conetd.socket)
  init = await ContainerInit.start()
})
afterAll(async () => {
  await init?.end()
  await fixture?.[Symbol.asyncDispose]()
})
afterEach(() => fixture.removeEverything())

const documentOf = async (handle: string) => (await fixture.client.getContainerPolicy(handle)).networks.garden

it('[B19] [B20] [B25] old clients need nothing new: ports and rules come with up, and as the other three actions', async () => {
  const input = {
    Pid: init.pid,
    Properties: {},
    netin: [{ host_port: 0, container_port: 8080 }],
    netout_rules: [rule],
  }
  const properties = await guardian.up('h1', input)
  const [first] = JSON.parse(properties['garden.network.mapped-ports'] ?? '')
  expect(first).toEqual({ HostPort: expect.any(Number), ContainerPort: 8080 })
  expect(first.HostPort).toBeGreaterThanOrEqual(61001)

  const netIn = { HostIP: '192.0.2.1', HostPort: 0, ContainerIP: '10.95.0.2', ContainerPort: 9090 }
  const mapped = await guardian.run('net-in', 'h1', netIn)
  expect([mapped.code, mapped.out]).toEqual([
    0,
    expect.stringMatching(/^\{"host_port":\d+,"container_port":9090\}\n$/),
  ])
  const taken = await guardian.run('net-in', 'h1', { ...netIn, HostPort: 61500, ContainerPort: 0 })
  expect(taken.out).toBe('{"host_port":61500,"container_port":61500}\n')
  const ip = { container_ip: '10.95.0.2' }
  expect((await guardian.run('net-out', 'h1', { ...ip, netout_rule: other })).code).toBe(0)
  const bulk = { ...ip, netout_rules: [other, rule] }
  expect((await guardian.run('bulk-net-out', 'h1', bulk)).code).toBe(0)
  expect(await documentOf('h1')).toEqual({
    net_in: [
      { host_port: 0, container_port: 8080 },
      { host_port: 61500, container_port: 0 },
      { host_port: 0, container_port: 9090 },
    ],
    net_out: [rule, other, other, rule],
  })
  const ports = (await fixture.client.getContainer('h1')).networks.garden?.mapped_ports ?? []
  expect(ports.map(({ host_port: port }) => port)).toEqual([
    first.HostPort,
    61500,
    JSON.parse(mapped.out).host_port,
  ])
  const refused = await guardian.run('net-in', 'never', netIn)
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('unknown handle: never')])
})

it('[B19] [B20] a container that a client has defined and Garden has not created is one that Garden does not know', async () => {
  await fixture.client.putContainerConfig('planned', { attach_to: [] })
  await fixture.client.putContainerConfig('over', { attach_to: [] })
  await fixture.client.up('over')
  await fixture.client.down('over')
  for (const handle of ['planned', 'over'])
    for (const call of ['in', 'out', 'out/bulk']) {
      const { status, text } = await httpCall(fixture.conetd.runtimeSocket, {
        method: 'POST',
        path: `/garden/containers/${handle}/net/${call}`,
        body: call === 'out/bulk' ? [{}] : {},
      })
      const body = { Type: 'ContainerNotFoundError', Message: `unknown handle: ${handle}`, Handle: handle }
      expect([status, JSON.parse(text)]).toEqual([404, expect.objectContaining(body)])
    }
})

it('[B14] [B25] a new client and old calls work on one document', async () => {
  await guardian.up('h1', { Pid: init.pid, Properties: {}, netout_rules: [rule] })
  await fixture.client.putContainerPolicy('h1', { networks: { garden: { net_out: [other] } } })
  const { status, text } = await httpCall(fixture.conetd.runtimeSocket, {
    method: 'POST',
    path: '/garden/containers/h1/net/out/bulk',
    body: [rule],
  })
  expect([status, text]).toEqual([200, '{}\n'])
  expect(await documentOf('h1')).toEqual({ net_out: [other, rule] })
  await fixture.client.putContainerPolicy('h1', { networks: { garden: null } })
  expect(await documentOf('h1')).toBeNull()
})

it('[B10] [B25] a new client’s policy before the container is there meets what Garden brings', async () => {
  await fixture.client.createNetwork(attachment)
  await fixture.client.putContainerConfig('h1', { attach_to: ['garden'] })
  await fixture.client.putContainerPolicy('h1', { networks: { garden: { net_out: [other] } } })
  const input = { Pid: init.pid, Properties: {}, netout_rules: [rule, other] }
  for (let times = 0; times < 2; times += 1) {
    await guardian.up('h1', input)
    // In Garden's order: what it brings counts first. It ends with the container.
    expect(await documentOf('h1')).toEqual({ net_out: [other, rule, other] })
    await guardian.down('h1')
    expect(await documentOf('h1')).toEqual({ net_out: [other] })
  }
})

it('[B21] [B25] with the old calls switched off, up, down and policies go on', async () => {
  await using modern = await ConetdFixture.start({
    drivers: ['null'],
    config: { default_attachment: attachment, legacy_api: false },
    hasNeighbours: true,
  })
  const plugin = new Guardian(modern.conetd.socket)
  await plugin.up('h1', { Pid: init.pid, Properties: {}, netin: [{ host_port: 0, container_port: 8080 }] })
  const inputs = {
    'net-in': { HostPort: 0, ContainerPort: 8080 },
    'net-out': { netout_rule: {} },
    'bulk-net-out': { netout_rules: [] },
  }
  for (const [action, input] of Object.entries(inputs)) {
    const { code, err } = await plugin.run(action, 'h1', input)
    expect([code, err]).toEqual([1, expect.stringContaining('switched off')])
  }
  await modern.client.putContainerPolicy('h1', { networks: { garden: { net_out: [rule] } } })
  expect((await modern.client.getContainer('h1')).networks.garden?.mapped_ports).toEqual([])
  await plugin.down('h1')
})

it('a container whose ports cannot be had does not come up, and nothing is left', async () => {
  const input = { Pid: init.pid, Properties: {}, netin: [{ host_port: 61700 }] }
  await guardian.up('h1', input)
  await using second = await ContainerInit.start()
  const refused = await guardian.run('up', 'h2', { ...input, Pid: second.pid })
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('61700')])
  expect((await fixture.client.listContainers()).containers.map(({ handle }) => handle)).toEqual(['h1'])
  await guardian.down('h1')
  await guardian.up('h2', { ...input, Pid: second.pid })
})
