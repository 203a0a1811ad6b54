// A host that was cut off, fenced, and comes back with its containers still running: what the kernels of all three say then.
import type { EndpointView, NetworkView } from '@conet/sdk/client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { addressOf } from '../../support/cluster-fixture.ts'
import { eventually } from '../../support/eventually.ts'
import { expectTablesLikeDirectory } from '../../support/partition-story.ts'
import { type UnderlayHost, UnderlayHosts } from '../../support/underlay-hosts.ts'

/** A network with a container on each host. Its number is in its subnets, and in the handles. */
type Scene = {
  readonly network: NetworkView
  readonly first: EndpointView
  readonly third: EndpointView
  /** Of the container that is cut off. */
  readonly before: string[]
}

let machines: UnderlayHosts
const scenes = new Map<number, Scene>()
const patience = { timeoutMs: 45_000, everyMs: 200 }
const [untaken, taken] = [11, 12]

// One host is away once, for both networks: it takes a while until the others may fence it.
beforeAll(async () => {
  machines = await UnderlayHosts.start(3)
  const [one, three] = [machines.host(1), machines.host(3)]
  for (const number of [untaken, taken]) scenes.set(number, await sceneOf(number))
  machines.cut(three)
  await eventually(() => one.client.fenceNode(three.name), patience)
  for (const number of [untaken, taken]) await goOnWithoutThird(number)
  machines.heal(three)
}, 240_000)

afterAll(() => machines?.[Symbol.asyncDispose](), 60_000)

function sceneNumber(number: number): Scene {
  const found = scenes.get(number)
  if (found === undefined) throw new Error(`there is no network ${number}`)
  return found
}

const handleOf = (container: number, number: number) => `c${container}-${number}`

async function sceneOf(number: number): Promise<Scene> {
  const [one, two, three] = [machines.host(1), machines.host(2), machines.host(3)]
  const subnets = [{ subnet: `10.${number}.0.0/24` }, { subnet: `fd00:${number}::/64` }]
  const network = await one.client.createNetwork({ name: `blue${number}`, type: 'vxlan', subnets })
  const first = await one.plug(handleOf(1, number), network.name)
  await two.plug(handleOf(2, number), network.name)
  const third = await three.plug(handleOf(3, number), network.name)
  const far = { on: three, handle: handleOf(3, number) }
  await expectToReachEachOther({ on: one, handle: handleOf(1, number) }, far)
  return { network, first, third, before: await addressesOf(far) }
}

/** Members come and go on either side; one may get the address of the host that is fenced. */
async function goOnWithoutThird(number: number): Promise<void> {
  const [one, two] = [machines.host(1), machines.host(2)]
  const { network, first, third } = sceneNumber(number)
  const { id, name } = network
  const tables = (on: UnderlayHost) => machines.on(on, `bridge fdb show dev cnt${id.slice(0, 12)}`)
  const mac = third.interfaces[0]?.mac_address ?? ''
  for (const on of [one, two]) await eventually(() => expect(tables(on)).not.toContain(mac), patience)
  // First, since a host claims a block ahead when it plugs: it might be the one with this address.
  const addresses = number === taken ? [addressOf(third)] : []
  const fourth = handleOf(4, number)
  await two.client.putContainerConfig(fourth, { attach_to: [] })
  await two.client.up(fourth)
  await two.client.plug(fourth, { network: name, addresses })
  await one.client.unplug({ handle: handleOf(1, number), endpoint: first.id })
  await one.client.plug(handleOf(1, number), { network: name })
}

type End = { on: UnderlayHost; handle: string }

/** Without prefix. Of a container that has one interface. */
async function addressesOf({ on, handle }: End): Promise<string[]> {
  const { endpoints } = await on.client.getContainer(handle)
  const [addresses = []] = endpoints.map(({ interfaces: [first] }) => first?.addresses ?? [])
  return addresses.map((address) => address.split('/')[0] ?? '')
}

async function expectToReachEachOther(one: End, other: End): Promise<void> {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const addresses = await addressesOf(to)
    expect(addresses.map((address) => address.includes(':'))).toEqual([false, true])
    for (const address of addresses)
      await eventually(() => from.on.inside(from.handle, `ping -q -c1 -W1 ${address}`), patience)
  }
}

it.each([
  ['has its addresses again where nobody has them', untaken],
  ['has others where one is another host’s now', taken],
])('the container of a host that was fenced %s, and all reach each other', async (_, number) => {
  const [one, two, three] = [machines.host(1), machines.host(2), machines.host(3)]
  const { network, third, before } = sceneNumber(number)
  const far = { on: three, handle: handleOf(3, number) }
  await eventually(async () => {
    const { endpoints } = await three.client.getContainer(far.handle)
    expect(endpoints).toMatchObject([{ state: 'plugged' }])
    expect(endpoints[0]?.id).not.toBe(third.id)
  }, patience)
  const after = await addressesOf(far)
  if (number === taken) expect(after[0]).not.toBe(before[0])
  else expect(after).toEqual(before)
  for (const near of [
    { on: one, handle: handleOf(1, number) },
    { on: two, handle: handleOf(2, number) },
    { on: two, handle: handleOf(4, number) },
  ])
    await expectToReachEachOther(near, far)
  await eventually(() => expectTablesLikeDirectory(machines, network.id), patience)
})

it('no host finds anything amiss then, and both networks can be deleted', async () => {
  for (const { client } of machines.hosts) {
    const codes = (await client.status()).findings.map(({ code }) => code)
    expect(codes.filter((code) => code.endsWith('-in-trouble') || code === 'container-unplugged')).toEqual([])
  }
  await machines.removeContainers()
  for (const { network } of scenes.values())
    await eventually(() => machines.host(1).client.deleteNetwork(network.id), patience)
})
