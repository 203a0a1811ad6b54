// Two hosts of a cluster and its store, each a real process: networks that all know, addresses that no two hand out.
import type { EndpointView, NetworkView } from '@conet/sdk/client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ConetdFixture } from '../../support/conetd-fixture.ts'
import { EtcdProcess } from '../../support/etcd-process.ts'
import { eventually } from '../../support/eventually.ts'
import type { FakeDriver } from '../../support/fake-driver.ts'

let etcd: EtcdProcess
let one: ConetdFixture
let two: ConetdFixture
const drivers = new Map<ConetdFixture, FakeDriver>()

const clusterOf = (node: string, index: number) => ({
  store: `etcd://${etcd.endpoint}`,
  node,
  underlay_address: `192.0.2.${index}`,
  block_bits: 4,
})

async function host(node: string, index: number): Promise<ConetdFixture> {
  const fixture = await ConetdFixture.start({
    config: { cluster: clusterOf(node, index) },
    hasNeighbours: true,
  })
  drivers.set(
    fixture,
    await fixture.startFakeDriver({
      name: 'span',
      plan: { schemas: { scope: 'global', segments: { minimum: 1, maximum: 99, configMember: 'vni' } } },
    }),
  )
  return fixture
}

beforeAll(async () => {
  etcd = await EtcdProcess.start()
  one = await host('one', 1)
  two = await host('two', 2)
}, 60_000)
afterEach(async () => {
  for (const fixture of [one, two]) {
    const { containers } = await fixture.client.listContainers()
    for (const { handle } of containers) await fixture.client.deleteContainer(handle)
    await fixture.settled()
  }
  await one.removeEverything()
  await eventually(async () => expect((await two.client.listNetworks()).networks).toEqual([]))
  await eventually(async () => {
    const keys = await etcd.control('get', '--prefix', '/conet/v1/', '--keys-only')
    expect(keys.split('\n').filter((key) => key !== '' && !/\/(nodes|alive)\//.test(key))).toEqual([])
  })
})
afterAll(async () => {
  await two?.[Symbol.asyncDispose]()
  await one?.[Symbol.asyncDispose]()
  await etcd?.[Symbol.asyncDispose]()
})

const named = (fixture: ConetdFixture, name: string): Promise<NetworkView> =>
  eventually(() => fixture.client.getNetwork(name))

async function container(fixture: ConetdFixture, handle: string): Promise<void> {
  await fixture.client.putContainerConfig(handle, { attach_to: [] })
  await fixture.client.up(handle)
}

const addressOf = ({ interfaces: [first] }: EndpointView) => first?.addresses[0]?.split('/')[0] ?? ''

function driver(fixture: ConetdFixture): FakeDriver {
  const found = drivers.get(fixture)
  if (found === undefined) throw new Error('the host has no driver')
  return found
}

type Told = { network: { id: string; segmentId: number } }
type Batch = {
  beginsSnapshot: boolean
  remove: string[]
  set: { endpointId: string; addresses: string[]; tunnelAddress: string }[]
}

function paramsOf<T>(of: FakeDriver, method: string, from = 0): T[] {
  const ended = of
    .records()
    .slice(from)
    .filter((record) => record.event === 'end' && record.method === method)
  return ended.map(({ params }) => JSON.parse(JSON.stringify(params)))
}

/** The numbers of the networks that the driver of a host was told to make. */
function segmentsOf(fixture: ConetdFixture): Map<string, number> {
  const told = paramsOf<Told>(driver(fixture), 'network/create')
  return new Map(told.map(({ network: { id, segmentId } }) => [id, segmentId]))
}

/** What a driver that heard all batches from then on knows. */
function heldBy(of: FakeDriver, from = 0): string[][] {
  const held = new Map<string, string[]>()
  for (const { beginsSnapshot, remove, set } of paramsOf<Batch>(of, 'network/peers', from)) {
    if (beginsSnapshot) held.clear()
    for (const id of remove) held.delete(id)
    for (const { endpointId, addresses, tunnelAddress } of set)
      held.set(endpointId, [endpointId, addresses[0] ?? '', tunnelAddress])
  }
  return [...held.values()]
}

describe('a network of a cluster', () => {
  it('is known to all hosts by the same id, and gone for all when one deletes it', async () => {
    const made = await one.client.createNetwork({ name: 'blue', type: 'span' })
    const seen = await named(two, 'blue')
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
    const all = await Promise.all([named(one, 'blue'), named(one, 'red'), named(one, 'green')])
    expect(new Set(all.map(({ subnets }) => subnets[0]?.subnet)).size).toBe(3)
    const numbers = new Map([...segmentsOf(one), ...segmentsOf(two)])
    expect(new Set(all.map(({ id }) => numbers.get(id))).size).toBe(3)
    expect(numbers.get(all[2]?.id ?? '')).toBe(7)
    expect(all[2]?.id).toBe(others[1]?.id)
    const again = { name: 'pink', type: 'span', config: { vni: 7 } }
    await expect(one.client.createNetwork(again)).rejects.toMatchObject({
      kind: 'conflict',
      fields: [{ path: 'config.vni' }],
    })
    await expect(one.client.createNetwork({ ...again, config: { vni: 100 } })).rejects.toMatchObject({
      kind: 'invalidArgument',
      fields: [{ path: 'config.vni' }],
    })
    expect((await one.client.listNetworks()).networks).toHaveLength(3)
  })

  it('is refused by the driver before any other host hears of it', async () => {
    driver(one).plan({ methods: { 'network/create': { error: { kind: 'invalidArgument', message: 'no' } } } })
    await expect(one.client.createNetwork({ name: 'blue', type: 'span' })).rejects.toMatchObject({
      kind: 'invalidArgument',
    })
    driver(one).plan({})
    expect((await one.client.listNetworks()).networks).toEqual([])
    expect(await etcd.control('get', '--prefix', '/conet/v1/networks/', '--keys-only')).toBe('')
  })

  it('is at a driver only while the host has endpoints in it', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span' })
    await named(two, 'blue')
    const before = driver(two).records().length
    const about = () =>
      driver(two)
        .records()
        .slice(before)
        .filter(({ event, method }) => event === 'end' && /^network\/(create|delete)/.test(method))
        .map(({ method }) => method)
    await container(two, 'c1')
    await container(two, 'c2')
    const plugged = await Promise.all(
      ['c1', 'c2'].map((handle) => two.client.plug(handle, { network: 'blue' })),
    )
    expect(about()).toEqual(['network/create'])
    for (const { id: endpoint, container: handle } of plugged) await two.client.unplug({ handle, endpoint })
    await eventually(() => expect(about()).toEqual(['network/create', 'network/delete']))
  })
})

describe('addresses in a network of a cluster', () => {
  it('are handed out by each host from blocks of its own', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span', subnets: [{ subnet: '10.7.0.0/24' }] })
    await named(two, 'blue')
    const [mine = [], others = []] = await Promise.all(
      [one, two].map(async (fixture, index) => {
        const handles = Array.from({ length: 20 }, (_, n) => `c${index}-${n}`)
        return Promise.all(
          handles.map(async (handle) => {
            await container(fixture, handle)
            const endpoint = await fixture.client.plug(handle, { network: 'blue' })
            expect(endpoint.published).toBe(true)
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
  })

  it('are refused to a host that asks for one of another host’s, by its name', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span', subnets: [{ subnet: '10.7.0.0/24' }] })
    await named(two, 'blue')
    await container(one, 'c1')
    await container(two, 'c2')
    const asked = { network: 'blue', addresses: ['10.7.0.77'], mac_address: '02:00:00:00:00:77' }
    expect(addressOf(await one.client.plug('c1', asked))).toBe('10.7.0.77')
    await expect(
      two.client.plug('c2', { network: 'blue', addresses: asked.addresses }),
    ).rejects.toMatchObject({
      kind: 'addressInUse',
      details: { node: 'one' },
      fields: [{ path: 'addresses[0]' }],
    })
    const other = addressOf(await two.client.plug('c2', { network: 'blue' }))
    expect(other).not.toMatch(/^10\.7\.0\.(6[4-9]|7\d)$/)
    await eventually(() =>
      expect(
        two.client.plug('c2', { network: 'blue', name: 'b', mac_address: '02:00:00:00:00:77' }),
      ).rejects.toMatchObject({ kind: 'addressInUse', details: { node: 'one', container: 'c1' } }),
    )
    const refused = two.client.deleteNetwork('blue')
    await expect(refused).rejects.toMatchObject({ kind: 'inUse' })
    await two.client.deleteContainer('c2')
    await expect(two.client.deleteNetwork('blue')).rejects.toMatchObject({
      kind: 'inUse',
      details: { nodes: ['one'], containers: { one: ['c1'] } },
    })
  })

  it('are exhausted when no block is left, and free again when a host has given its blocks back', async () => {
    await one.client.createNetwork({ name: 'tiny', type: 'span', subnets: [{ subnet: '10.7.0.0/29' }] })
    await named(two, 'tiny')
    for (const [index, handle] of ['a', 'b', 'c', 'd', 'e'].entries()) {
      const fixture = index % 2 === 0 ? one : two
      await container(fixture, handle)
      await fixture.client.plug(handle, { network: 'tiny' })
    }
    await container(two, 'f')
    await expect(two.client.plug('f', { network: 'tiny' })).rejects.toMatchObject({
      kind: 'addressesExhausted',
      details: { blocks: { one: 2, two: 1 } },
    })
    for (const handle of ['a', 'c', 'e']) await one.client.deleteContainer(handle)
    await eventually(() => two.client.plug('f', { network: 'tiny' }))
  })
})

describe('the directory of a network’s endpoints', () => {
  it('is told to the driver of each host: the whole first, then what changes, after a restart the whole', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span' })
    await named(two, 'blue')
    for (const handle of ['a', 'b']) await container(one, handle)
    await container(two, 'z')
    const a = await one.client.plug('a', { network: 'blue' })
    await two.client.plug('z', { network: 'blue' })
    await eventually(() => expect(heldBy(driver(two))).toEqual([[a.id, addressOf(a), '192.0.2.1']]))
    const b = await one.client.plug('b', { network: 'blue' })
    await one.client.unplug({ handle: 'a', endpoint: a.id })
    await eventually(() => expect(heldBy(driver(two))).toEqual([[b.id, addressOf(b), '192.0.2.1']]))
    await driver(two).program.end('SIGKILL')
    const before = driver(two).records().length
    await driver(two).restart()
    await eventually(() => expect(heldBy(driver(two), before)).toEqual([[b.id, addressOf(b), '192.0.2.1']]))
    driver(two).plan({
      methods: { 'network/peers': { toCall: 1, error: { kind: 'internal', message: 'no' } } },
    })
    await one.client.unplug({ handle: 'b', endpoint: b.id })
    await eventually(() => expect(heldBy(driver(two), before)).toEqual([]), { timeoutMs: 10_000 })
    driver(two).plan({})
  })
})
