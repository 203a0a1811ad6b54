// Two hosts of a cluster and its store, each a real process: networks that all know, addresses that no two hand out.
import type { NetworkView } from '@conet/sdk/client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ConetdFixture } from '../../support/conetd-fixture.ts'
import { EtcdProcess } from '../../support/etcd-process.ts'
import { eventually } from '../../support/eventually.ts'
import type { FakeDriver } from '../../support/fake-driver.ts'

let etcd: EtcdProcess
let one: ConetdFixture
let two: ConetdFixture
let drivers: FakeDriver[]

const clusterOf = (node: string, index: number) => ({
  store: `etcd://${etcd.endpoint}`,
  node,
  underlay_address: `192.0.2.${index}`,
  block_bits: 4,
})

async function host(node: string, index: number): Promise<ConetdFixture> {
  const fixture = await ConetdFixture.start({ config: { cluster: clusterOf(node, index) } })
  drivers.push(
    await fixture.startFakeDriver({
      name: 'span',
      plan: { schemas: { scope: 'global', segments: { minimum: 1, maximum: 99, configMember: 'vni' } } },
    }),
  )
  return fixture
}

beforeAll(async () => {
  etcd = await EtcdProcess.start()
  drivers = []
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

const addressesOf = (endpoint: { interfaces: { addresses: string[] }[] }) =>
  endpoint.interfaces.flatMap(({ addresses }) => addresses)

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
})

describe('addresses in a network of a cluster', () => {
  it('are handed out by each host from blocks of its own', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span', subnets: [{ subnet: '10.7.0.0/24' }] })
    await named(two, 'blue')
    const all: string[] = []
    for (const [index, fixture] of [one, two].entries())
      for (let n = 0; n < 20; n++) {
        await container(fixture, `c${index}-${n}`)
        const endpoint = await fixture.client.plug(`c${index}-${n}`, { network: 'blue' })
        expect(endpoint.published).toBe(true)
        all.push(...addressesOf(endpoint))
      }
    expect(new Set(all).size).toBe(40)
    const blockOf = (address: string) => Number(address.split('.')[3]?.split('/')[0]) >> 4
    const [mine, others] = [all.slice(0, 20), all.slice(20)].map((some) => new Set(some.map(blockOf)))
    expect([...(mine ?? [])].filter((block) => others?.has(block))).toEqual([])
    await expect(one.client.deleteNetwork('blue')).rejects.toMatchObject({ kind: 'inUse' })
  })
})
