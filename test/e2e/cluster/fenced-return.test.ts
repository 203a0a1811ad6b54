// A host that was cut off, fenced, and comes back with its containers still running: what the kernels of all three say then.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { addressOf } from '../../support/cluster-fixture.ts'
import { eventually } from '../../support/eventually.ts'
import { expectTablesLikeDirectory } from '../../support/partition-story.ts'
import { type UnderlayHost, UnderlayHosts } from '../../support/underlay-hosts.ts'

let machines: UnderlayHosts
const patience = { timeoutMs: 45_000, everyMs: 200 }

beforeAll(async () => {
  machines = await UnderlayHosts.start(3)
})
afterAll(() => machines?.[Symbol.asyncDispose](), 60_000)

function host(number: number): UnderlayHost {
  const found = machines.hosts[number - 1]
  if (found === undefined) throw new Error(`there is no host ${number}`)
  return found
}

/** Without prefix. Of a container that has one interface. */
async function addressesOf(on: UnderlayHost, handle: string): Promise<string[]> {
  const { endpoints } = await on.client.getContainer(handle)
  const [addresses = []] = endpoints.map(({ interfaces: [first] }) => first?.addresses ?? [])
  return addresses.map((address) => address.split('/')[0] ?? '')
}

type End = { on: UnderlayHost; handle: string }

async function expectToReachEachOther(one: End, other: End): Promise<void> {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const addresses = await addressesOf(to.on, to.handle)
    expect(addresses.map((address) => address.includes(':'))).toEqual([false, true])
    for (const address of addresses)
      await eventually(() => from.on.inside(from.handle, `ping -q -c1 -W1 ${address}`), patience)
  }
}

it.each([
  ['has its addresses again where nobody has them', { isTaken: false, subnet: 11 }],
  ['has others where one is another host’s now', { isTaken: true, subnet: 12 }],
])('the container of a host that was fenced %s, and all reach each other', async (_, { isTaken, subnet }) => {
  const [one, two, three] = [host(1), host(2), host(3)]
  const subnets = [{ subnet: `10.${subnet}.0.0/24` }, { subnet: `fd00:${subnet}::/64` }]
  const network = { name: `blue${subnet}`, type: 'vxlan', subnets }
  const { id, name } = await one.client.createNetwork(network)
  const first = await one.plug('c1', name)
  await two.plug('c2', name)
  const third = await three.plug('c3', name)
  const far = { on: three, handle: 'c3' }
  await expectToReachEachOther({ on: one, handle: 'c1' }, far)
  const before = await addressesOf(three, 'c3')

  machines.cut(three)
  await eventually(() => one.client.fenceNode(three.name), patience)
  const tables = (on: UnderlayHost) => machines.on(on, `bridge fdb show dev cnt${id.slice(0, 12)}`)
  const mac = third.interfaces[0]?.mac_address ?? ''
  for (const on of [one, two]) await eventually(() => expect(tables(on)).not.toContain(mac), patience)
  // First, since a host claims a block ahead when it plugs: it might be the one with this address.
  const addresses = isTaken ? [addressOf(third)] : []
  await two.client.putContainerConfig('c4', { attach_to: [] })
  await two.client.up('c4')
  await two.client.plug('c4', { network: name, addresses })
  // What happens without it, on either side: members come and go.
  await one.client.unplug({ handle: 'c1', endpoint: first.id })
  await one.client.plug('c1', { network: name })

  machines.heal(three)
  await eventually(async () => {
    const { endpoints } = await three.client.getContainer('c3')
    expect(endpoints).toMatchObject([{ state: 'plugged' }])
    expect(endpoints[0]?.id).not.toBe(third.id)
  }, patience)
  const after = await addressesOf(three, 'c3')
  if (isTaken) expect(after[0]).not.toBe(before[0])
  else expect(after).toEqual(before)
  for (const near of [
    { on: one, handle: 'c1' },
    { on: two, handle: 'c2' },
    { on: two, handle: 'c4' },
  ])
    await expectToReachEachOther(near, far)
  await eventually(() => expectTablesLikeDirectory(machines, id), patience)
  for (const { client } of machines.hosts) {
    const codes = (await client.status()).findings.map(({ code }) => code)
    expect(codes.filter((code) => code.endsWith('-in-trouble') || code === 'container-unplugged')).toEqual([])
  }

  for (const { client } of machines.hosts) {
    const { containers } = await client.listContainers()
    for (const { handle } of containers) await client.deleteContainer(handle)
  }
  await eventually(() => one.client.deleteNetwork(name), patience)
})
