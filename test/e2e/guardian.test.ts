// conet-guardian as Guardian runs it, by exact argv and standard input: what containers are attached to, and what is told of it.
// The documents are written by hand from the contract of Guardian's external networker.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { ConetdFixture } from '../support/conetd-fixture.ts'
import { GuardianScene } from '../support/guardian-scene.ts'
import { ContainerInit, type Guardian } from '../support/shims.ts'

let scene: GuardianScene
let fixture: ConetdFixture
let guardian: Guardian
let init: ContainerInit

beforeAll(async () => {
  scene = await GuardianScene.start()
  ;({ fixture, guardian, init } = scene)
})
afterAll(() => scene?.[Symbol.asyncDispose]())
afterEach(() => fixture.removeEverything())

const names = async () => (await fixture.client.listNetworks()).networks.map(({ name }) => name)

it('[B11] [B12] [B13] [A20] up of a container that nobody configured attaches it to the default network and says what it has', async () => {
  const input = { Pid: init.pid, Properties: { app_id: 'a1', log_config: '{"guid":"g"}' } }
  const { code, out, err } = await guardian.run('up', 'h1', input)
  expect([code, err]).toEqual([0, ''])
  const { garden: own } = (await fixture.client.getContainer('h1')).networks
  const common = {
    'container-ip': '10.95.0.2',
    'host-ip': '10.95.0.1',
    interface: 'eth0',
    'mapped-ports': '[]',
  }
  const further = {
    'external-ip': '192.0.2.10',
    'mac-address': '02:42:0a:5f:00:02',
    'network-id': own?.network_id,
    'network-name': 'garden',
    'endpoint-id': own?.endpoint_id,
    type: 'bridge',
  }
  const prefixed = (prefix: string, texts: Record<string, string | undefined>) =>
    Object.fromEntries(Object.entries(texts).map(([key, text]) => [prefix + key, text]))
  expect(JSON.parse(out)).toEqual({
    properties: {
      ...prefixed('garden.network.', common),
      ...prefixed('conet.networks.garden.', { ...common, ...further }),
    },
    dns_servers: ['10.95.0.53'],
    search_domains: ['apps.internal'],
  })
  expect((await guardian.run('up', 'h1', input)).out).toBe(out)
  await guardian.down('h1')
})

it('[A8] [A9] [A11] [A12] [A14] [A16] NetworkSpecs among the properties are attached to in order; a network of its own ends with the container', async () => {
  await fixture.client.createNetwork({
    name: 'shared',
    type: 'bridge',
    subnets: [{ subnet: '10.96.0.0/24' }],
  })
  const specs = [
    { Name: 'private', Type: 'bridge', Config: null },
    { Name: 'shared', Type: 'bridge' },
  ]
  const upWith = (handle: string, list: unknown) =>
    guardian.run('up', handle, { Pid: init.pid, Properties: { specs: JSON.stringify(list) } })
  const { properties } = JSON.parse((await upWith('h1', specs)).out)
  expect(properties).toMatchObject({
    'conet.networks.private.interface': 'eth0',
    'conet.networks.shared.interface': 'eth1',
    'conet.networks.shared.container-ip': '10.96.0.2',
    'garden.network.container-ip': properties['conet.networks.private.container-ip'],
  })
  expect(await names()).toEqual(['shared', expect.stringMatching(/^private-[0-9a-f]{12}$/)])
  await guardian.down('h1')
  expect(await names()).toEqual(['shared'])
  const wrong = [
    [[...specs, ...specs], 'a second attachment is named private'],
    [[{ Name: 'shared', Type: 'null' }], 'network shared is of type bridge, not null'],
    [[{ Name: 'x', Type: 'calico' }], 'bridge'],
    [[{ Name: 'x' }], 'properties.specs[0].type is required'],
    [[{ Type: 'null' }], 'properties.specs[0].name is required'],
    [
      [{ Name: 'x', Type: 'null', Mtu: 9 }],
      'properties.specs[0].mtu is not known here; known are name, type',
    ],
    ['none', 'must be a JSON list of NetworkSpecs'],
  ] as const
  for (const [list, reason] of wrong) {
    const { code, err } = await upWith('h2', list)
    expect([code, err]).toEqual([1, expect.stringContaining(reason)])
  }
  expect(await names()).toEqual(['shared'])
  expect((await fixture.client.listContainers()).containers).toEqual([])
})

it('[B8] [B10] a client’s configuration stands, its network’s name servers too, and outlives the container', async () => {
  const dns = { servers: ['10.97.0.53', 'fd00::53'], options: ['ndots:2'] }
  const blue = { name: 'blue', type: 'null', subnets: [{ subnet: '10.97.0.0/24' }], dns }
  expect((await fixture.client.createNetwork(blue)).dns).toEqual({ search: [], ...dns })
  await fixture.client.putContainerConfig('h1', { attach_to: ['blue'] })
  const { out } = await guardian.run('up', 'h1', { Pid: init.pid, Properties: {} })
  expect(JSON.parse(out)).toMatchObject({
    properties: { 'garden.network.container-ip': '10.97.0.2' },
    dns_servers: dns.servers,
    search_domains: ['apps.internal'],
  })
  const twice = { Pid: init.pid, Properties: { specs: '[{"Name":"x","Type":"null"}]' } }
  await guardian.down('h1')
  expect((await guardian.run('up', 'h1', twice)).err).toContain('is said twice')
  expect((await fixture.client.getContainer('h1')).state).toBe('down')
})

it('[B13] specs that are null are a slice of Go that nobody made: as if they were absent', async () => {
  const nothing = { Pid: init.pid, Properties: { specs: ' null\n' } }
  await guardian.up('h1', nothing)
  expect(Object.keys((await fixture.client.getContainer('h1')).networks)).toEqual(['garden'])
  await guardian.down('h1')
  await fixture.client.putContainerConfig('h1', { attach_to: [] })
  await guardian.up('h1', nothing)
  expect((await fixture.client.getContainer('h1')).networks).toEqual({})
})

it('[B8] properties of an up stand beside those that a client has configured, and end with its down', async () => {
  const fake = await fixture.startFakeDriver()
  await fixture.client.createNetwork({ name: 'odd', type: 'fake' })
  const ofClient = { mine: '1', both: 'client', deep: { a: [1] } }
  const configured = { extra: true, properties: ofClient }
  const body: object = { attach_to: ['odd'], ...configured }
  await fixture.client.putContainerConfig('q', body)
  const told = () =>
    fake.records().filter(({ event, method }) => event === 'begin' && method === 'endpoint/plug')
  const shown = async () => (await fixture.client.getContainer('q')).config
  const lives = [
    [
      { first: 'up', both: 'runtime' },
      { ...ofClient, first: 'up', both: 'runtime' },
    ],
    [{}, ofClient],
    [{ second: 'up' }, { ...ofClient, second: 'up' }],
  ] as const
  for (const [Properties, properties] of lives) {
    await guardian.up('q', { Pid: init.pid, Properties })
    expect(told().at(-1)?.params).toMatchObject({ container: { config: { extra: true } } })
    expect(told().at(-1)?.params).toHaveProperty('container.config.properties', properties)
    expect(await shown()).toEqual({ extra: true, properties })
    await guardian.down('q')
    expect(await shown()).toEqual(configured)
  }
  await guardian.up('q', { Pid: init.pid, Properties: { third: 'up' } })
  await using other = await ContainerInit.start()
  await guardian.up('q', { Pid: other.pid, Properties: {} })
  expect(await shown()).toEqual(configured)
})

it('an up that fails leaves nothing and says why', async () => {
  const nobody = await guardian.run('up', 'h1', { Pid: 4_000_000, Properties: {} })
  expect([nobody.code, nobody.err]).toEqual([
    1,
    expect.stringContaining('there is no process with the pid 4000000'),
  ])
  expect(JSON.parse(nobody.out).error).toContain('4000000')
  await fixture.client.createNetwork({ name: 'tiny', type: 'null', subnets: [{ subnet: '10.98.0.0/30' }] })
  const specs = JSON.stringify(['own', 'tiny'].map((name) => ({ name, type: 'null' })))
  await guardian.up('first', { Pid: init.pid, Properties: { specs } })
  await using other = await ContainerInit.start()
  const full = await guardian.run('up', 'second', { Pid: other.pid, Properties: { specs } })
  expect([full.code, full.err]).toEqual([1, expect.stringContaining('10.98.0.0/30')])
  expect((await fixture.client.listContainers()).containers.map(({ handle }) => handle)).toEqual(['first'])
  expect((await names()).filter((name) => name.startsWith('own-'))).toHaveLength(1)
  expect(readdirSync(fixture.namespaceDirectory)).toHaveLength(1)
})

it('[B25] twenty containers with ports and rules come and go at once, in any order, and nothing is left', async () => {
  const inits = await Promise.all(Array.from({ length: 20 }, () => ContainerInit.start()))
  const started = await Promise.all(
    inits.map(({ pid }, n) =>
      guardian.up(`h${n}`, {
        Pid: pid,
        Properties: {},
        netin: [{ host_port: 0, container_port: 8080 }],
        netout_rules: [{ protocol: 1, networks: [{ start: `10.0.0.${n % 3}`, end: '10.0.0.9' }] }],
      }),
    ),
  )
  const distinct = (name: string) =>
    new Set(started.map((properties) => properties[`garden.network.${name}`])).size
  expect([distinct('container-ip'), distinct('mapped-ports')]).toEqual([20, 20])
  const order = inits.map((_, n) => n).sort((a, b) => ((a * 7) % 20) - ((b * 7) % 20))
  await Promise.all(order.map((n) => guardian.down(`h${n}`)))
  await Promise.all(inits.map((each) => each.end()))
  await fixture.settled()
  expect((await fixture.client.listContainers()).containers).toEqual([])
  expect(readdirSync(join(fixture.directory, 'run/resolver'))).toEqual([])
})

it('[C6] files for the resolver say the servers, and follow what is plugged', async () => {
  await guardian.up('web/1', { Pid: init.pid, Properties: {} })
  const { containers } = await fixture.client.listContainers()
  const { resolver_files: files } = containers[0] ?? {}
  expect(readFileSync(files?.resolv_conf ?? '', 'utf8')).toBe('nameserver 10.95.0.53\nsearch apps.internal\n')
  expect(readFileSync(files?.hosts ?? '', 'utf8')).toMatch(/^10\.95\.0\.\d+\tweb-1$/m)
  await guardian.down('web/1')
  expect(existsSync(files?.hosts ?? '')).toBe(false)
})
