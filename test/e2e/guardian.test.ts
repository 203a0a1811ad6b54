// conet-guardian as Guardian runs it: exact argv, exact standard input. The documents are written by hand from the
// contract of Guardian's external networker.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConetError } from '@conet/sdk'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { ContainerInit, Guardian, guardianProgram, runWith } from '../support/shims.ts'

let fixture: ConetdFixture
let guardian: Guardian
let init: ContainerInit

beforeAll(async () => {
  fixture = await ConetdFixture.start({
    drivers: ['bridge', 'null'],
    config: {
      default_attachment: { name: 'garden', type: 'bridge', subnets: [{ subnet: '10.95.0.0/24' }] },
      dns: { servers: ['10.95.0.53'], search: ['apps.internal'] },
      external_address: '192.0.2.10',
    },
  })
  guardian = new Guardian(fixture.conetd.socket)
  init = await ContainerInit.start()
})
afterAll(async () => {
  await init?.end()
  await fixture?.[Symbol.asyncDispose]()
})
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

it('properties of a container that is found down after a start of conetd are gone', async () => {
  await fixture.client.putContainerConfig('q', { attach_to: [] })
  await guardian.up('q', { Pid: init.pid, Properties: { first: 'up' } })
  const { sandbox, config } = await fixture.client.getContainer('q')
  expect(config).toEqual({ properties: { first: 'up' } })
  await fixture.kill()
  execFileSync('umount', [sandbox?.path ?? ''])
  await fixture.start()
  const found = await fixture.client.getContainer('q')
  expect([found.state, found.config]).toEqual(['down', {}])
})

it('down takes null, unknown handles, a second time, and a container whose process is gone', async () => {
  const gone = await ContainerInit.start()
  await guardian.up('h1', { Pid: gone.pid, Properties: {} })
  await gone.end()
  for (const handle of ['h1', 'h1', 'never']) {
    const { code, out } = await guardian.run('down', handle, null)
    expect([code, out]).toEqual([0, '{}\n'])
  }
  expect((await fixture.client.listContainers()).containers).toEqual([])
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

it('without conetd an up fails within two seconds; a down is kept and done when conetd is back, before an up of the same handle', async () => {
  await guardian.up('h1', { Pid: init.pid, Properties: {} })
  await fixture.kill()
  const refused = await guardian.run('up', 'h2', { Pid: init.pid, Properties: {} })
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('conetd does not run')])
  expect(refused.ms).toBeLessThan(2_000)
  expect((await guardian.run('down', 'h1', null)).code).toBe(0)
  const spool = join(fixture.directory, 'run/conetd.spool')
  expect(readdirSync(spool)).toHaveLength(1)
  await fixture.start()
  await eventually(() => expect(readdirSync(spool)).toEqual([]))
  await fixture.settled()
  expect((await fixture.client.listContainers()).containers).toEqual([])
  expect((await guardian.up('h1', { Pid: init.pid, Properties: {} }))['garden.network.interface']).toBe(
    'eth0',
  )
})

it('an up right after a down that was kept has the address that its former life had', async () => {
  await fixture.client.createNetwork({ name: 'blue', type: 'bridge', subnets: [{ subnet: '10.96.0.0/24' }] })
  await fixture.client.putContainerConfig('h1', {
    attach_to: [{ network: 'blue', addresses: ['10.96.0.77'] }],
  })
  await fixture.client.up('h1', { pid: init.pid })
  await fixture.kill()
  expect((await guardian.run('down', 'h1', null)).code).toBe(0)
  // As soon as somebody hears it, which may be before conetd is connected to its drivers.
  const up = async () => {
    const answer = await fixture.client.up('h1', { pid: init.pid }).catch((error: unknown) => error)
    return ConetError.is(answer, 'hostUnavailable') ? false : answer
  }
  const [, container] = await Promise.all([
    fixture.start(),
    eventually(up, { timeoutMs: 15_000, everyMs: 1 }),
  ])
  expect(container).toMatchObject({
    endpoints: [{ state: 'plugged', interfaces: [{ addresses: ['10.96.0.77/24'] }] }],
  })
})

it('a conetd that is stopped is given up soon: its up leaves nothing, and its down is kept and done', async () => {
  await guardian.up('h1', { Pid: init.pid, Properties: {} })
  await using other = await ContainerInit.start()
  process.kill(fixture.conetd.pid, 'SIGSTOP')
  try {
    const asked = guardian.run('up', 'h2', { Pid: other.pid, Properties: {} })
    const [up, down] = await Promise.all([asked, guardian.run('down', 'h1', null)])
    expect([up.code, up.err]).toEqual([1, expect.stringContaining('gave no sign of life within 5 s')])
    expect([down.code, down.out]).toEqual([0, '{}\n'])
    expect(readdirSync(join(fixture.directory, 'run/conetd.spool'))).toHaveLength(1)
  } finally {
    process.kill(fixture.conetd.pid, 'SIGCONT')
  }
  await eventually(async () => expect((await fixture.client.listContainers()).containers).toEqual([]))
  await eventually(() => expect(readdirSync(join(fixture.directory, 'run/conetd.spool'))).toEqual([]))
  await fixture.settled()
  // Its up may be read only now, and is undone since nobody waits for it.
  await eventually(() => expect(readdirSync(fixture.namespaceDirectory)).toEqual([]))
})

it('a pid of 0 means the namespace at descriptor 3', async () => {
  const own = `${process.execPath} ${guardianProgram} --socket ${fixture.conetd.socket} --action up --handle h1`
  const script = `exec ${own} 3</proc/${init.pid}/ns/net`
  const { code, out } = await runWith(['sh', '-c', script], '{"Pid":0,"Properties":{}}')
  expect(code).toBe(0)
  expect(JSON.parse(out).properties['garden.network.interface']).toBe('eth0')
  await guardian.down('h1')
})

it('what went wrong says the action and the handle once, and where the document has it', async () => {
  const said = async (action: string, input: unknown) => {
    const { code, err } = await guardian.run(action, 'h3', input)
    expect(code).toBe(1)
    return err
  }
  const up = { Pid: init.pid, Properties: {} }
  expect(await said('up', { ...up, Properties: { a: 7 } })).toMatch(
    /^conet-guardian: up h3: properties\.a must be/,
  )
  const without = { ...up, Properties: { specs: '[]' } }
  expect(await said('up', { ...without, netin: [{ host_port: 0, container_port: 1 }] })).toMatch(
    /^conet-guardian: up h3: it has no network for its ports/,
  )
  await fixture.client.createNetwork({ name: 'other', type: 'null' })
  const another = { ...up, Properties: { specs: '[{"Name":"other","Type":"bridge"}]' } }
  expect(await said('up', another)).toContain('properties.specs[0].type: network other is of type null')
  await guardian.up('h3', without)
  expect(Object.keys((await fixture.client.getContainer('h3')).networks)).toEqual([])
  expect(await said('net-in', { HostPort: 0, ContainerPort: 1 })).toMatch(
    /^conet-guardian: net-in h3: the container has no network/,
  )
  await guardian.down('h3')
})

it('a handle that is no UTF-8 is refused: it would be the same as others', async () => {
  const ask = (handle: string, action: string) => {
    const words = `--socket=${fixture.conetd.socket} --action ${action} --handle`
    return runWith(
      ['sh', '-c', `exec ${process.execPath} ${guardianProgram} ${words} "$(printf '${handle}')"`],
      '{"Pid":1}',
    )
  }
  for (const [handle, action] of [
    ['\\377', 'up'],
    ['a\\376', 'down'],
    ['\\303', 'net-in'],
  ] as const)
    expect(await ask(handle, action)).toMatchObject({
      code: 2,
      err: expect.stringContaining('must be UTF-8'),
    })
  expect(await ask('\\357\\277\\275', 'down')).toMatchObject({ code: 0, err: '' })
})

it('a rule that is wrong is named by its place among those that were sent', async () => {
  const rule = { protocol: 1, networks: [{ start: '10.0.0.1', end: '10.0.0.9' }] }
  await guardian.up('h1', { Pid: init.pid, Properties: {}, netout_rules: [rule] })
  const wrong = { protocol: 1, ports: [{ start: 9, end: 1 }] }
  const { code, err } = await guardian.run('bulk-net-out', 'h1', { netout_rules: [rule, wrong] })
  expect([code, err]).toEqual([1, expect.stringContaining('netout_rules[1].ports')])
  expect(err).not.toContain('net_out[')
  const one = await guardian.run('net-out', 'h1', { netout_rule: wrong })
  expect([one.code, one.err]).toEqual([1, expect.stringContaining('netout_rule.ports')])
  const atUp = { Pid: init.pid, Properties: {}, netout_rules: [rule, rule, wrong] }
  expect((await guardian.run('up', 'h2', atUp)).err).toContain('netout_rules[2].ports')
  await guardian.down('h1')
})

it('where Guardian counts processes otherwise, the container’s namespace is found by what it is', async () => {
  const through = ['unshare', '--pid', '--fork', '--mount-proc']
  const script = `
    unshare -n sleep 3600 & sleep 0.2
    echo "{\\"Pid\\":$!,\\"Properties\\":{}}" | ${process.execPath} ${guardianProgram} --socket ${fixture.conetd.runtimeSocket} --action up --handle h1
    readlink /proc/$!/ns/net >&2`
  const { code, out, err } = await runWith([...through, 'sh', '-c', script], '')
  expect(code).toBe(0)
  expect(JSON.parse(out).properties['garden.network.interface']).toBe('eth0')
  const { sandbox } = await fixture.client.getContainer('h1')
  expect(existsSync(sandbox?.path ?? '')).toBe(true)
  expect(err).toMatch(/net:\[\d+\]/)
})

it('the handles of Guardian go through, of any length and with any characters; none at all does not', async () => {
  const handles = ['h'.repeat(200), 'a/b c', 'ü', '-x', '..', 'exec-1.2:3@4+5']
  for (const handle of handles) {
    await guardian.up(handle, { Pid: init.pid, Properties: {} })
    const { containers } = await fixture.client.listContainers()
    expect(containers.map((container) => container.handle)).toEqual([handle])
    await guardian.down(handle)
  }
  expect((await guardian.run('up', '', null)).code).toBe(2)
  const tooLong = 'h'.repeat(1025)
  const refused = await guardian.run('up', tooLong, { Pid: init.pid, Properties: {} })
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('at most 1024 bytes; it has 1025')])
  expect(refused.err.length).toBeLessThan(300)
  expect((await guardian.run('down', tooLong, null)).code).toBe(0)
  expect(await runWith([process.execPath, guardianProgram, '--help'], '')).toMatchObject({ code: 0, err: '' })
  expect((await guardian.run('check', 'h', null)).err).toContain('unrecognized action: check')
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
