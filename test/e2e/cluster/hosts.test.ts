// Two hosts of a cluster: networks that all know, addresses that no two hand out, a directory that all read.
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { addressOf, ClusterFixture, type ClusterHost } from '../../support/cluster-fixture.ts'
import { eventually } from '../../support/eventually.ts'
import { ScriptedDriver } from '../../support/scripted-driver.ts'

let cluster: ClusterFixture
let one: ClusterHost
let two: ClusterHost

beforeAll(async () => {
  ;({ cluster, one, two } = await ClusterFixture.ofTwo())
})
afterEach(() => cluster.removeEverything(), 30_000)
afterAll(() => cluster?.[Symbol.asyncDispose]())

type Told = { network: { id: string; segmentId: number } }

describe('a network of a cluster', () => {
  it('is known to all hosts by the same id, and gone for all when one deletes it', async () => {
    const made = await one.client.createNetwork({ name: 'blue', type: 'span' })
    const seen = await two.knows('blue')
    expect(seen).toMatchObject({ id: made.id, subnets: [{ subnet: made.subnets[0]?.subnet }] })
    expect((await two.client.createNetwork({ name: 'blue', type: 'span' })).id).toBe(made.id)
    await expect(
      two.client.createNetwork({ name: 'blue', type: 'span', internal: true }),
    ).rejects.toMatchObject({ kind: 'conflict' })
    await two.client.deleteNetwork('blue')
    await eventually(async () => expect((await one.client.listNetworks()).networks).toEqual([]))
  })

  it('is one, also when two hosts create it in the same instant; other networks have other numbers', async () => {
    const both = (name: string) =>
      Promise.all([one, two].map(({ client }) => client.createNetwork({ name, type: 'span' })))
    const [first, second] = await both('blue')
    expect(second?.id).toBe(first?.id)
    const others = await Promise.all([
      one.client.createNetwork({ name: 'red', type: 'span' }),
      two.client.createNetwork({ name: 'green', type: 'span', config: { vni: 7 } }),
    ])
    const all = await Promise.all([one.knows('blue'), one.knows('red'), one.knows('green')])
    expect(new Set(all.map(({ subnets }) => subnets[0]?.subnet)).size).toBe(3)
    const told = [one, two].flatMap((host) => host.served<Told>('network/create'))
    const numbers = new Map(told.map(({ network: { id, segmentId } }) => [id, segmentId]))
    expect(new Set(all.map(({ id }) => numbers.get(id))).size).toBe(3)
    expect(numbers.get(all[2]?.id ?? '')).toBe(7)
    expect(all[2]?.id).toBe(others[1]?.id)
    const again = { name: 'pink', type: 'span', config: { vni: 7 } }
    await expect(one.client.createNetwork(again)).rejects.toMatchObject({
      kind: 'conflict',
      fields: [{ path: 'config.vni' }],
    })
    await expect(one.client.createNetwork({ ...again, config: { vni: 100_000 } })).rejects.toMatchObject({
      kind: 'invalidArgument',
      fields: [{ path: 'config.vni' }],
    })
    expect((await one.client.listNetworks()).networks).toHaveLength(3)
  })

  it('is refused by the driver before any other host hears of it', async () => {
    one.plan({ 'network/create': { error: { kind: 'invalidArgument', message: 'no' } } })
    await expect(one.client.createNetwork({ name: 'blue', type: 'span' })).rejects.toMatchObject({
      kind: 'invalidArgument',
    })
    one.plan()
    expect((await one.client.listNetworks()).networks).toEqual([])
    expect(await cluster.keys('networks/')).toEqual([])
  })

  it('may meet one of a host’s own with its name: there the name is refused and the ids are told', async () => {
    const flat = await two.fixture.startFakeDriver({ name: 'flat' })
    const own = await two.client.createNetwork({ name: 'blue', type: 'flat' })
    const shared = await one.client.createNetwork({ name: 'blue', type: 'span' })
    await two.knows(shared.id)
    await two.run('c1')
    const byName = [() => two.client.plug('c1', { network: 'blue' }), () => two.client.deleteNetwork('blue')]
    for (const operation of byName)
      await expect(operation()).rejects.toMatchObject({
        kind: 'invalidArgument',
        message: expect.stringContaining(shared.id.slice(0, 12)),
      })
    expect(await two.findings()).toContain('network-name-ambiguous')
    await two.client.plug('c1', { network: shared.id })
    await two.client.deleteNetwork(own.id)
    await expect(two.client.createNetwork({ name: 'blue', type: 'flat' })).rejects.toMatchObject({
      kind: 'conflict',
    })
    expect((await two.client.getNetwork('blue')).id).toBe(shared.id)
    await flat.program.end('SIGTERM')
  })

  it('is refused on a host where a network of its own, or a route, has its addresses', async () => {
    const flat = await two.fixture.startFakeDriver({ name: 'flat' })
    const subnets = (subnet: string) => ({ subnets: [{ subnet }] })
    const own = await two.client.createNetwork({ name: 'own', type: 'flat', ...subnets('10.44.0.0/16') })
    await one.client.createNetwork({ name: 'met', type: 'span', ...subnets('10.44.7.0/24') })
    await one.client.createNetwork({ name: 'routed', type: 'span', ...subnets('10.45.7.0/24') })
    execFileSync('ip', ['route', 'add', 'blackhole', '10.45.0.0/16'])
    for (const [name, owner] of [
      ['met', 'network own'],
      ['routed', 'route to 10.45.0.0/16'],
    ] as const) {
      await two.knows(name)
      await expect(two.plug('c1', name)).rejects.toMatchObject({
        kind: 'subnetOverlap',
        message: expect.stringContaining(owner),
      })
      await two.removeContainers()
    }
    execFileSync('ip', ['route', 'delete', 'blackhole', '10.45.0.0/16'])
    await two.plug('c1', 'routed')
    await two.client.deleteNetwork(own.id)
    await flat.program.end('SIGTERM')
  })

  it('can be forgotten where its driver is gone for good, once it was deleted elsewhere', async () => {
    const { id } = await one.client.createNetwork({ name: 'blue', type: 'span' })
    await two.knows('blue')
    const { id: endpoint } = await two.plug('c1', 'blue')
    two.plan({ 'network/delete': { crashes: true } })
    await two.client.unplug({ handle: 'c1', endpoint })
    await two.driver.program.exited
    two.plan()
    await expect(two.client.forgetNetwork('blue')).rejects.toMatchObject({ kind: 'failedPrecondition' })
    await eventually(() => one.client.deleteNetwork('blue'), { timeoutMs: 15_000 })
    await eventually(async () => expect((await two.client.getNetwork(id)).state).toBe('deleting'))
    // Whether it listens is looked at now and then: for a moment it may be about to come.
    await eventually(() => two.client.forgetNetwork(id))
    expect((await two.client.listNetworks()).networks).toEqual([])
    await two.driver.restart()
    await two.fixture.driversReady()
  })

  it('is at a driver only while the host has endpoints in it', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span' })
    await two.knows('blue')
    const before = two.driver.records().length
    const about = () =>
      two.driver
        .records()
        .slice(before)
        .filter(({ event, method }) => event === 'end' && /^network\/(create|delete)/.test(method))
        .map(({ method }) => method)
    await two.run('c1')
    await two.run('c2')
    const plugged = await Promise.all(
      ['c1', 'c2'].map((handle) => two.client.plug(handle, { network: 'blue' })),
    )
    expect(about()).toEqual(['network/create'])
    for (const { id: endpoint, container: handle } of plugged) await two.client.unplug({ handle, endpoint })
    await eventually(() => expect(about()).toEqual(['network/create', 'network/delete']))
    // Who plugs while the driver takes it away has it made again.
    await two.client.plug('c1', { network: 'blue' })
    two.plan({ 'network/delete': { delayMs: 300 } })
    const [last] = (await two.client.getContainer('c1')).endpoints
    await two.client.unplug({ handle: 'c1', endpoint: last?.id ?? '' })
    const isGoing = ({ event, method }: { event: string; method: string }) =>
      event === 'begin' && method === 'network/delete'
    await eventually(() => expect(two.driver.records().slice(before).filter(isGoing)).toHaveLength(2))
    await two.client.plug('c2', { network: 'blue' })
    expect(about().slice(3)).toEqual(['network/delete', 'network/create'])
    two.plan()
  })
})

describe('addresses in a network of a cluster', () => {
  it('are handed out by each host from blocks of its own', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span', subnets: [{ subnet: '10.7.0.0/24' }] })
    await two.knows('blue')
    const [mine = [], others = []] = await Promise.all(
      [one, two].map(async (host, index) => {
        const handles = Array.from({ length: 20 }, (_, n) => `c${index}-${n}`)
        return Promise.all(
          handles.map(async (handle) => {
            await host.run(handle)
            const endpoint = await host.client.plug(handle, { network: 'blue' })
            return addressOf(endpoint)
          }),
        )
      }),
    )
    expect(new Set([...mine, ...others]).size).toBe(40)
    const blocksOf = (addresses: string[]) =>
      new Set(addresses.map((address) => Number(address.split('.')[3]) >> 4))
    expect([...blocksOf(mine)].filter((block) => blocksOf(others).has(block))).toEqual([])
    await expect(one.client.deleteNetwork('blue')).rejects.toMatchObject({ kind: 'inUse' })
    await expect(one.client.forgetNetwork('blue')).rejects.toMatchObject({
      kind: 'failedPrecondition',
      message: expect.stringContaining('a network of the cluster'),
    })
  })

  it('are refused to a host that asks for one of another host’s, by its name', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span', subnets: [{ subnet: '10.7.0.0/24' }] })
    await two.knows('blue')
    await one.run('c1')
    await two.run('c2')
    const asked = { network: 'blue', addresses: ['10.7.0.77'], mac_address: '02:00:00:00:00:77' }
    const held = await one.client.plug('c1', asked)
    expect(addressOf(held)).toBe('10.7.0.77')
    const message = `endpoint ${held.id.slice(0, 12)} of container c1 on node one has it`
    await one.run('c3')
    await expect(
      one.client.plug('c3', { network: 'blue', addresses: asked.addresses }),
    ).rejects.toMatchObject({
      kind: 'addressInUse',
      message: `reserve address 10.7.0.77: ${message}`,
      details: { holder: held.id, container: 'c1', node: 'one' },
      fields: [{ path: 'addresses[0]', message }],
    })
    await expect(
      two.client.plug('c2', { network: 'blue', addresses: asked.addresses }),
    ).rejects.toMatchObject({
      kind: 'addressInUse',
      details: { node: 'one' },
      fields: [{ path: 'addresses[0]' }],
    })
    const claimed = (await cluster.keys('blocks/')).length
    await expect(two.client.plug('c2', { network: 'blue', addresses: ['10.7.0.255'] })).rejects.toMatchObject(
      { kind: 'addressOutOfRange', fields: [{ path: 'addresses[0]' }] },
    )
    expect(await cluster.keys('blocks/')).toHaveLength(claimed)
    const other = addressOf(await two.client.plug('c2', { network: 'blue' }))
    expect(other).not.toMatch(/^10\.7\.0\.(6[4-9]|7\d)$/)
    await eventually(() =>
      expect(
        two.client.plug('c2', { network: 'blue', name: 'b', mac_address: '02:00:00:00:00:77' }),
      ).rejects.toMatchObject({ kind: 'addressInUse', details: { node: 'one', container: 'c1' } }),
    )
    const refused = two.client.deleteNetwork('blue')
    await expect(refused).rejects.toMatchObject({
      kind: 'inUse',
      message: expect.stringContaining('used by c2 and, on one, by c1'),
    })
    await two.client.deleteContainer('c2')
    await expect(two.client.deleteNetwork('blue')).rejects.toMatchObject({
      kind: 'inUse',
      details: { nodes: ['one'], containers: { one: ['c1'] } },
    })
  })

  it('are one host’s, a MAC too, also when two ask for it in the same instant', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span', subnets: [{ subnet: '10.7.0.0/24' }] })
    await two.knows('blue')
    await one.run('c1')
    await two.run('c2')
    const hosts = [
      { host: one, handle: 'c1' },
      { host: two, handle: 'c2' },
    ]
    const asked = { network: 'blue', mac_address: '06:00:00:00:00:01' }
    const results = await Promise.allSettled(hosts.map(({ host, handle }) => host.client.plug(handle, asked)))
    const winner = hosts[results.findIndex(({ status }) => status === 'fulfilled')]
    const loser = hosts.find((other) => other !== winner)
    expect(results.filter(({ status }) => status === 'rejected')).toMatchObject([
      {
        reason: {
          kind: 'addressInUse',
          details: { node: winner?.host.name },
          fields: [{ path: 'mac_address' }],
        },
      },
    ])
    expect((await loser?.host.client.getContainer(loser.handle))?.endpoints).toEqual([])
    await winner?.host.client.deleteContainer(winner.handle)
    await eventually(() => loser?.host.client.plug(loser.handle, asked))
    const ofAddress = { network: 'blue', name: 'b', mac_address: '02:42:0a:07:00:99' }
    await expect(loser?.host.client.plug(loser.handle, ofAddress)).rejects.toMatchObject({
      kind: 'addressInUse',
      details: { address: '10.7.0.153' },
    })
    await loser?.host.client.plug(loser.handle, { ...ofAddress, addresses: ['10.7.0.153'] })
    expect(await cluster.keys('macs/')).toHaveLength(1)
    await loser?.host.client.deleteContainer(loser.handle)
    await eventually(async () => expect(await cluster.keys('macs/')).toEqual([]))
  })

  it('are exhausted when no block is left, and free again when a host has an empty one, which it gives back', async () => {
    await one.client.createNetwork({ name: 'tiny', type: 'span', subnets: [{ subnet: '10.7.0.0/29' }] })
    await two.knows('tiny')
    const inBlocks = new Map<number, string[]>()
    for (const handle of ['a', 'b', 'c', 'd', 'e']) {
      const block = Math.floor(Number(addressOf(await one.plug(handle, 'tiny')).split('.')[3]) / 2)
      inBlocks.set(block, [...(inBlocks.get(block) ?? []), handle])
    }
    // Two addresses of each block, but one in the last.
    const [emptied = [], [unplugged = ''] = []] = [...inBlocks.values()].sort((a, b) => a.length - b.length)
    await one.client.deleteContainer(unplugged)
    await two.run('z')
    await eventually(() =>
      expect(two.client.plug('z', { network: 'tiny' })).rejects.toMatchObject({
        kind: 'addressesExhausted',
        message: expect.stringContaining('none is free: one has 3 (1 address free)'),
        details: { blocks: { one: 3 }, blockSize: 2, freeAddresses: { one: 1 } },
      }),
    )
    // One empty block is kept, as long as nobody needs it.
    for (const handle of emptied) await one.client.deleteContainer(handle)
    await two.client.plug('z', { network: 'tiny' })
    const { subnets } = await two.client.getNetwork('tiny')
    expect(subnets[0]?.blocks).toEqual({ one: 2, two: 1 })
    expect((await cluster.keys('blocks/')).filter((key) => key.includes('wanted'))).toEqual([])
  })
})

describe('a driver of a host in a cluster', () => {
  it('learns the underlay address of its host, the same each time it is connected', async () => {
    const socket = join(two.fixture.driverDirectory, 'plain.sock')
    await using driver = await ScriptedDriver.listen(socket, 'plain')
    const told = () =>
      driver.heard.flatMap(({ method, params }) => (method === 'initialize' ? [params?.underlayAddress] : []))
    await eventually(() => expect(told()).toEqual(['192.0.2.2']))
    driver.cut()
    await eventually(() => expect(told()).toEqual(['192.0.2.2', '192.0.2.2']), { timeoutMs: 15_000 })
    rmSync(socket)
  })
})

describe('the directory of a network’s endpoints', () => {
  it('is told to the driver of each host: the whole first, then what changes, after a restart the whole', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span' })
    await two.knows('blue')
    for (const handle of ['a', 'b']) await one.run(handle)
    await two.run('z')
    const a = await one.client.plug('a', { network: 'blue' })
    await two.client.plug('z', { network: 'blue' })
    await eventually(() => expect(two.peers()).toEqual([[a.id, addressOf(a), '192.0.2.1']]))
    const b = await one.client.plug('b', { network: 'blue' })
    await one.client.unplug({ handle: 'a', endpoint: a.id })
    await eventually(() => expect(two.peers()).toEqual([[b.id, addressOf(b), '192.0.2.1']]))
    await two.driver.program.end('SIGKILL')
    const before = two.driver.records().length
    await two.driver.restart()
    await eventually(() => expect(two.peers(before)).toEqual([[b.id, addressOf(b), '192.0.2.1']]))
    two.plan({ 'network/peers': { error: { kind: 'internal', message: 'no' } } })
    await one.client.unplug({ handle: 'b', endpoint: b.id })
    await eventually(() => {
      const failed = two.driver
        .records()
        .filter(({ event, method }) => event === 'fail' && method === 'network/peers')
      expect(failed.length).toBeGreaterThan(0)
    })
    const trouble = async () => (await two.client.getNetwork('blue')).last_error
    await eventually(async () =>
      expect(await trouble()).toMatch(/does not take who is on other hosts: .*no$/),
    )
    expect(await two.findings()).toContain('network-in-trouble')
    two.plan()
    await eventually(() => expect(two.peers(before)).toEqual([]), { timeoutMs: 25_000 })
    await eventually(async () => expect(await trouble()).toBeUndefined())
  })

  it('is told to a driver too that could make the network only after its sync', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span' })
    await two.knows('blue')
    const a = await one.plug('a', 'blue')
    await two.plug('z', 'blue')
    await two.driver.program.end('SIGKILL')
    const before = two.driver.records().length
    two.plan({ 'network/create': { error: { kind: 'internal', message: 'not now' }, toCall: 1 } })
    await two.driver.restart()
    await eventually(() => expect(two.peers(before)).toEqual([[a.id, addressOf(a), '192.0.2.1']]))
    two.plan()
  })
})
