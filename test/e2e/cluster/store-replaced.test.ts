// Days on which etcd comes back with less than it had: the hosts find out, say so, and put back what they have.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { addressOf, ClusterFixture, type ClusterHost } from '../../support/cluster-fixture.ts'
import { eventually } from '../../support/eventually.ts'

let cluster: ClusterFixture
let one: ClusterHost
let two: ClusterHost

beforeAll(async () => {
  ;({ cluster, one, two } = await ClusterFixture.ofTwo())
})
afterEach(() => cluster.removeEverything(), 60_000)
afterAll(() => cluster?.[Symbol.asyncDispose]())

const patience = { timeoutMs: 30_000 }
const subnets = [{ subnet: '10.7.0.0/24' }]

/** Everything that hosts have in the store, with who has it. */
async function held(): Promise<string[]> {
  const text = await cluster.etcd.control('get', '--prefix', '/conet/v1/', '--print-value-only=false')
  const lines = text.split('\n')
  const pairs = lines.flatMap((key, n) => (n % 2 === 0 && key !== '' ? [`${key} ${lines[n + 1]}`] : []))
  return pairs
    .filter((pair) => /^\/conet\/v1\/(networks|names|segments|blocks|macs|members|holders|held)\//.test(pair))
    .sort()
}

describe('a store that was lost', () => {
  it('has again what the hosts have, networks without endpoints too, and nobody has lost an address', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span', subnets })
    const idle = await two.client.createNetwork({ name: 'idle', type: 'span' })
    await two.knows('blue')
    await one.knows('idle')
    await one.run('a')
    const a = await one.client.plug('a', { network: 'blue', mac_address: '06:00:00:00:00:0a' })
    const z = await two.plug('z', 'blue')
    await eventually(() => expect(two.peers()).toHaveLength(1))
    const before = await held()
    const told = two.driver.records().length
    await cluster.etcd.lose()
    await eventually(async () => expect(withoutMakers(await held())).toEqual(withoutMakers(before)), patience)
    await eventually(() => expect(two.peers()).toEqual([[a.id, addressOf(a), '192.0.2.1']]), patience)
    await eventually(() => expect(one.peers()).toEqual([[z.id, addressOf(z), '192.0.2.2']]), patience)
    for (const host of [one, two]) {
      await eventually(
        async () => expect(await host.findings()).toContain('cluster-store-replaced'),
        patience,
      )
      expect((await host.client.getNetwork('idle')).id).toBe(idle.id)
    }
    // Whoever talks to a container on another host goes on: it was never said to be gone.
    const batches = two.served<{ remove: string[] }>('network/peers', told)
    expect(batches.flatMap(({ remove }) => remove)).toEqual([])
    await two.run('y')
    await expect(
      two.client.plug('y', { network: 'blue', mac_address: '06:00:00:00:00:0a' }),
    ).rejects.toMatchObject({ kind: 'addressInUse', details: { node: 'one' } })
    const late = await eventually(() => two.client.createNetwork({ name: 'late', type: 'span' }), patience)
    expect((await one.knows('late')).id).toBe(late.id)
  })
})

describe('a store that was restored from an older copy', () => {
  it('learns what was since: networks, addresses that have changed hands, containers', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span', subnets })
    await two.knows('blue')
    await one.run('a')
    await one.client.plug('a', { network: 'blue', addresses: ['10.7.0.77'] })
    const z = await two.plug('z', 'blue')
    await cluster.etcd.backUp()
    await eventually(() => one.client.deleteContainer('a'), patience)
    await two.run('y')
    const asked = { network: 'blue', addresses: ['10.7.0.78'] }
    const y = await eventually(() => two.client.plug('y', asked), patience)
    const late = await eventually(() => two.client.createNetwork({ name: 'late', type: 'span' }), patience)
    await one.knows('late')
    await eventually(
      async () => expect((await two.client.getContainer('y')).endpoints).toMatchObject([{ published: true }]),
      patience,
    )
    const before = await held()
    await cluster.etcd.restore()
    await eventually(async () => expect(withoutMakers(await held())).toEqual(withoutMakers(before)), patience)
    for (const host of [one, two])
      await eventually(async () => {
        const { findings } = await host.client.status()
        expect(findings).toContainEqual(
          expect.objectContaining({ code: 'cluster-store-replaced', severity: 'warning' }),
        )
      }, patience)
    const b = await eventually(() => one.plug('b', 'blue'), patience)
    expect(new Set([addressOf(b), addressOf(y), addressOf(z)]).size).toBe(3)
    expect(Number(addressOf(b).split('.')[3]) >> 4).not.toBe(78 >> 4)
    expect((await one.client.getNetwork('late')).id).toBe(late.id)
  })
})

describe('a store that was restored from an older copy while no host was there', () => {
  it('is found out also when others have written so much since that it counts further than before', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span', subnets })
    await two.knows('blue')
    await one.plug('a', 'blue')
    await cluster.etcd.backUp()
    const late = await eventually(() => two.client.createNetwork({ name: 'late', type: 'span' }), patience)
    await one.knows('late')
    await eventually(() => two.plug('z', 'late'), patience)
    const isPublished = async () => (await two.client.getContainer('z')).endpoints[0]?.published
    await eventually(async () => expect(await isPublished()).toBe(true), patience)
    const before = await held()
    for (const host of [one, two]) await host.fixture.conetd.stop()
    await cluster.etcd.restore()
    await cluster.etcd.writeOtherThings(500)
    for (const host of [one, two]) await host.fixture.start()
    await eventually(async () => expect(withoutMakers(await held())).toEqual(withoutMakers(before)), patience)
    expect((await one.knows('late')).id).toBe(late.id)
    await eventually(async () => expect(await one.findings()).toContain('cluster-store-replaced'), patience)
  })
})

/** Who has put a network back is another host than its maker, maybe. */
function withoutMakers(pairs: readonly string[]): string[] {
  return pairs.map((pair) => pair.replace(/"createdBy":"\w+"/, ''))
}
