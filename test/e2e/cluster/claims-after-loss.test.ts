// Days on which etcd comes back with less than it had, and somebody plugs at once: whoever is back first takes no block of
// addresses in which a container of another host runs.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { addressOf, ClusterFixture, type ClusterHost } from '../../support/cluster-fixture.ts'
import { eventually } from '../../support/eventually.ts'

let cluster: ClusterFixture
let one: ClusterHost
let two: ClusterHost
let three: ClusterHost

beforeAll(async () => {
  cluster = await ClusterFixture.start(['one', 'two', 'three'])
  ;[one, two, three] = cluster.hosts as [ClusterHost, ClusterHost, ClusterHost]
})
afterEach(() => cluster.removeEverything(), 60_000)
afterAll(() => cluster?.[Symbol.asyncDispose]())

const patience = { timeoutMs: 60_000 }
/** Eight blocks of eight addresses. */
const subnets = [{ subnet: '10.7.0.0/26' }]

/** A container of the host with each of the addresses. */
async function plugAt(host: ClusterHost, addresses: readonly string[]): Promise<void> {
  for (const [n, address] of addresses.entries()) {
    const handle = `${host.name}-${n}`
    await host.run(handle)
    await host.client.plug(handle, { network: 'blue', addresses: [address] })
  }
}

/** All addresses that containers of the hosts have. */
async function addressesOf(hosts: readonly ClusterHost[]): Promise<string[]> {
  const all: string[] = []
  for (const { client } of hosts)
    for (const { handle } of (await client.listContainers()).containers)
      all.push(...(await client.getContainer(handle)).endpoints.map(addressOf))
  return all
}

/** A conetd that hears and does nothing until this is disposed. */
async function standingStill(host: ClusterHost): Promise<Disposable> {
  const { pid } = await host.client.status()
  process.kill(pid, 'SIGSTOP')
  return { [Symbol.dispose]: () => void process.kill(pid, 'SIGCONT') }
}

describe('a store that was lost', () => {
  it('gives a host that was fenced, and is the first that comes back, no block of the others', async () => {
    await one.client.createNetwork({ name: 'blue', type: 'span', subnets })
    for (const host of [two, three]) await host.knows('blue')
    await plugAt(one, ['10.7.0.9', '10.7.0.17'])
    await plugAt(three, ['10.7.0.33', '10.7.0.41'])
    await two.fixture.conetd.stop()
    await eventually(() => one.client.fenceNode('two'), patience)
    await two.fixture.start()
    await eventually(async () => expect((await one.client.getNode('two')).state).toBe('alive'), patience)
    const handles = Array.from({ length: 24 }, (_, n) => `two-${n}`)
    await Promise.all(handles.map((handle) => two.run(handle)))
    const plugAll = () =>
      Promise.all(
        handles.map((handle) => eventually(() => two.client.plug(handle, { network: 'blue' }), patience)),
      )
    let plugs: Promise<unknown> | undefined
    {
      using _one = await standingStill(one)
      using _three = await standingStill(three)
      await cluster.etcd.lose()
      plugs = plugAll()
      await eventually(async () => expect(await cluster.keys('networks/')).toHaveLength(1), patience)
    }
    await plugs
    const all = await addressesOf(cluster.hosts)
    expect(all).toHaveLength(28)
    expect(new Set(all).size).toBe(28)
  }, 150_000)
})
