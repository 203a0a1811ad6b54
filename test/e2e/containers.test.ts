import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import type { FakeDriver } from '../support/fake-driver.ts'
import { readsOf } from '../support/process-usage.ts'
import { temporaryNamespace } from '../support/temporary-namespace.ts'

let fixture: ConetdFixture
let fake: FakeDriver

beforeAll(async () => {
  fixture = await ConetdFixture.start({ drivers: ['bridge'] })
  fake = await fixture.startFakeDriver()
})
afterAll(() => fixture?.[Symbol.asyncDispose]())

beforeEach(async () => {
  await fixture.client.createNetwork({ name: 'blue', type: 'bridge', subnets: [{ subnet: '10.93.0.0/24' }] })
  await fixture.client.createNetwork({ name: 'odd', type: 'fake', subnets: [{ subnet: '10.94.0.0/24' }] })
})
afterEach(async () => {
  fake.plan({})
  await fixture.removeEverything()
})

async function start(handle: string, ...networks: string[]): Promise<(command: string) => string> {
  await fixture.client.putContainerConfig(handle, { attach_to: networks })
  const { sandbox } = await fixture.client.up(handle)
  return inside(sandbox?.path ?? '')
}

const inside = (path: string) => (command: string) =>
  execFileSync('nsenter', [`--net=${path}`, 'sh', '-c', command], { encoding: 'utf8' })

it('[C3] [C19] two endpoints of a container in one network have the right source and device each', async () => {
  const one = await start('one', 'blue')
  const other = await start('other', 'blue')
  const rules = one('ip rule')
  const second = await fixture.client.plug('one', { network: 'blue' })
  const { endpoints } = await fixture.client.getContainer('one')
  const peer = '10.93.0.3'
  expect(other('ip -o -4 address show eth0')).toContain(peer)
  for (const { interfaces } of endpoints) {
    const { name, mac_address: mac, addresses } = interfaces[0] ?? {}
    const [address = ''] = (addresses?.[0] ?? '').split('/')
    expect(one(`ip route get ${peer} from ${address}`)).toContain(`dev ${name}`)
    one(`ping -c 1 -W 2 -I ${name} ${peer}`)
    one(`ping -c 1 -W 2 -I ${address} ${peer}`)
    expect(other(`ip neighbour show ${address}`)).toContain(mac)
  }
  await fixture.client.unplug({ handle: 'one', endpoint: second.id })
  expect(one('ip rule')).toBe(rules)
  one(`ping -c 1 -W 2 -I eth0 ${peer}`)
})

it('[C3] among three endpoints in one network each has its own way, and the last alone has that of its gateway', async () => {
  const one = await start('one', 'blue')
  const rules = one('ip rule')
  const [second, third] = [
    await fixture.client.plug('one', { network: 'blue' }),
    await fixture.client.plug('one', { network: 'blue' }),
  ]
  const { endpoints } = await fixture.client.getContainer('one')
  for (const { interfaces } of endpoints) {
    const { name, addresses } = interfaces[0] ?? {}
    const [address = ''] = (addresses?.[0] ?? '').split('/')
    expect(one(`ip route get 10.93.0.99 from ${address}`)).toContain(`dev ${name}`)
  }
  const first = endpoints.find(({ id }) => id !== second.id && id !== third.id)?.id ?? ''
  await fixture.client.unplug({ handle: 'one', endpoint: first })
  expect(one('ip rule').trim().split('\n')).toHaveLength(rules.trim().split('\n').length + 2)
  await fixture.client.unplug({ handle: 'one', endpoint: third.id })
  expect(one('ip rule').trim().split('\n')).toHaveLength(rules.trim().split('\n').length + 1)
  await fixture.client.plug('one', { network: 'blue' })
  expect(one('ip rule').trim().split('\n')).toHaveLength(rules.trim().split('\n').length + 2)
})

it('a driver that comes back costs conetd no more for each endpoint, the more of them a container has', async () => {
  await start('many', 'blue')
  const readsForEach = async (endpoints: number) => {
    for (let n = (await fixture.client.getContainer('many')).endpoints.length; n < endpoints; n++)
      await fixture.client.plug('many', { network: 'blue' })
    const before = readsOf(fixture.conetd.pid)
    await fixture.startDriver('bridge')
    return (readsOf(fixture.conetd.pid) - before) / endpoints
  }
  const amongFew = await readsForEach(6)
  expect(await readsForEach(36)).toBeLessThan(2 * amongFew)
})

it('[D9] [D12] a sandbox that conet made ends at down, one that a runtime made goes on', async () => {
  const own = await start('own', 'blue')
  own('ip link show eth0')
  const { sandbox } = await fixture.client.getContainer('own')
  await fixture.client.unplug({ handle: 'own', endpoint: await endpointOf('own') })
  expect(existsSync(sandbox?.path ?? '')).toBe(true)
  await fixture.client.down('own')
  expect(existsSync(sandbox?.path ?? '')).toBe(false)

  using made = temporaryNamespace()
  await fixture.client.putContainerConfig('lent', { attach_to: ['blue'] })
  await fixture.client.up('lent', { netns: made.path })
  inside(made.path)('ip link show eth0')
  await fixture.client.down('lent')
  expect(inside(made.path)('ip -o link')).not.toContain('eth0')
})

it.each([
  ['an interface "eth0"', 'ip link add eth0 type veth peer name other'],
  [
    'a route to 0.0.0.0/0',
    'ip link add up0 type veth peer name up1; ip link set up0 up; ip link set up1 up; ip address add 10.95.0.2/24 dev up0; ip route add default via 10.95.0.1',
  ],
])(
  '[D12] a container that runs is not moved to a namespace that has %s: it stays where it is',
  async (what, command) => {
    const one = await start('one', 'blue')
    const before = await fixture.client.getContainer('one')
    using elsewhere = temporaryNamespace()
    inside(elsewhere.path)(command)
    const there = inside(elsewhere.path)('ip -o link')
    await expect(fixture.client.up('one', { netns: elsewhere.path })).rejects.toMatchObject({
      kind: 'conflict',
      message: expect.stringContaining(`the network namespace ${elsewhere.path} has ${what} already`),
      fields: [expect.objectContaining({ path: 'netns' })],
    })
    expect(await fixture.client.getContainer('one')).toEqual(before)
    one('ping -c 1 -W 2 10.93.0.1')
    expect(inside(elsewhere.path)('ip -o link')).toBe(there)
    // Once there is room it moves.
    inside(elsewhere.path)('ip link del eth0 2>/dev/null || ip route del default')
    await fixture.client.up('one', { netns: elsewhere.path })
    inside(elsewhere.path)('ping -c 1 -W 2 10.93.0.1')
  },
)

it('[D10] [D11] [D13] down unplugs and deletes every endpoint, also when an unplug fails, and no network', async () => {
  await start('c', 'odd')
  fake.plan({ methods: { 'endpoint/unplug': { error: { kind: 'backendUnavailable', message: 'not now' } } } })
  const before = fake.calls().length
  await expect(fixture.client.down('c')).rejects.toMatchObject({ kind: 'backendUnavailable' })
  expect(fake.calls().slice(before)).toEqual(['endpoint/unplug', 'endpoint/delete'])
  expect((await fixture.client.getNetwork('odd')).subnets[0]?.used).toBe(1)
  fake.plan({})
  await fixture.settled()
  expect(fake.calls().slice(-2)).toEqual(['endpoint/unplug', 'endpoint/delete'])
  const network = await fixture.client.getNetwork('odd')
  expect([network.state, network.subnets[0]?.used]).toEqual(['active', 0])
})

it('[C12] an endpoint has no name: it is shown, and unplugged, by its id', async () => {
  await start('c', 'odd')
  const id = await endpointOf('c')
  const { endpoints } = await fixture.client.getContainer('c')
  expect(Object.keys(endpoints[0] ?? {})).not.toContain('name')
  const refused = fixture.client.unplug({ handle: 'c', endpoint: 'odd' })
  await expect(refused).rejects.toMatchObject({ kind: 'invalidArgument', fields: [{ path: 'endpoint' }] })
  expect(id).toMatch(/^[0-9a-f]{64}$/)
  expect(await fixture.client.unplug({ handle: 'c', endpoint: id })).toEqual({ state: 'gone' })
})

async function endpointOf(handle: string): Promise<string> {
  const { endpoints } = await fixture.client.getContainer(handle)
  return endpoints[0]?.id ?? ''
}

it('a plug whose resolver files cannot be written leaves nothing, in the container or at the driver', async () => {
  const one = await start('one')
  const { resolver_files: files } = await fixture.client.getContainer('one')
  const hosts = files?.hosts ?? ''
  rmSync(hosts)
  mkdirSync(hosts)
  await expect(fixture.client.plug('one', { network: 'blue' })).rejects.toThrow()
  expect(one('ip -o link')).not.toContain('eth0')
  expect((await fixture.client.getContainer('one')).endpoints).toEqual([])
  rmSync(hosts, { recursive: true })
  await fixture.client.plug('one', { network: 'blue' })
  expect(readFileSync(hosts, 'utf8')).toContain('10.93.0.')
})
