// A host is cut off from the others and from the store, both sides go on, and the cut heals: what must be true then.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { addressOf } from './cluster-fixture.ts'
import { eventually } from './eventually.ts'
import type { UnderlayHost, UnderlayHosts } from './underlay-hosts.ts'

type Member = { macAddress: string; addresses: string[]; tunnelAddress: string; node: string }

/** Three hosts, and a network of theirs that nobody is in. Nobody is in it afterwards. */
export async function partition(
  machines: UnderlayHosts,
  { network, seconds }: { network: { id: string; name: string }; seconds: number },
): Promise<void> {
  const [one, two, three] = machines.hosts
  if (one === undefined || two === undefined || three === undefined) throw new Error('three hosts are needed')
  const { name } = network
  for (const host of [one, two, three]) for (const n of [1, 2]) await host.plug(`${host.name}-${n}`, name)
  await eventually(() => expectTablesLikeDirectory(machines, network.id), patience)
  machines.cut(three)
  const ends = performance.now() + seconds * 1_000
  let turns = 0
  do {
    for (const host of [one, three]) {
      await host.plug(`${host.name}-new${turns}`, name)
      if (turns === 0) await host.client.deleteContainer(`${host.name}-1`)
      else await host.client.deleteContainer(`${host.name}-new${turns - 1}`)
    }
    turns += 1
    // What the host that is cut off has seen is not kept any more.
    const { header } = JSON.parse(await machines.etcd.control('get', '/', '-w', 'json'))
    await machines.etcd.control('compact', String(header.revision))
    if (seconds > 10) await sleep(2_000)
  } while (performance.now() < ends)
  machines.heal(three)
  await eventually(() => expectTablesLikeDirectory(machines, network.id), patience)
  await expectNoAddressTwice(machines.hosts)
  const newest = `new${turns - 1}`
  const far = addressOf(await endpointOf(one, `${one.name}-${newest}`))
  await eventually(() => three.inside(`${three.name}-${newest}`, `ping -q -c1 -W1 ${far}`), patience)
  await machines.removeContainers()
}

const patience = { timeoutMs: 45_000, everyMs: 200 }

/** The kernel of each host has the directory’s entries for all other hosts, and none beside them; so has the directory. */
export async function expectTablesLikeDirectory(machines: UnderlayHosts, networkId: string): Promise<void> {
  const members = await directoryOf(machines, networkId)
  for (const host of machines.hosts) {
    const own = await ownMembers(host, networkId)
    const said = members.filter(({ node }) => node === host.name)
    expect(said.map(({ macAddress }) => macAddress).sort()).toEqual(own.sort())
    const others = members.filter(({ node }) => node !== host.name)
    const tunnel = `cnt${networkId.slice(0, 12)}`
    const entries: { mac: string; dst?: string }[] = json(
      machines.on(host, `bridge -j fdb show dev ${tunnel}`),
    )
    const forwarding = entries.flatMap(({ mac, dst }) => (dst === undefined ? [] : [`${mac} ${dst}`]))
    expect(forwarding.sort()).toEqual(others.map((peer) => `${peer.macAddress} ${peer.tunnelAddress}`).sort())
    const bridge = `cnx${networkId.slice(0, 12)}`
    const known: { dst: string; lladdr: string }[] = json(
      machines.on(host, `ip -j neigh show dev ${bridge} nud permanent`),
    )
    expect(known.map(({ dst, lladdr }) => `${dst} ${lladdr}`).sort()).toEqual(
      others.flatMap(({ macAddress, addresses }) => addresses.map((ip) => `${ip} ${macAddress}`)).sort(),
    )
  }
}

async function directoryOf(machines: UnderlayHosts, networkId: string): Promise<Member[]> {
  const prefix = `/conet/v1/members/${networkId}/`
  const lines = (await machines.etcd.control('get', '--prefix', prefix)).split('\n')
  return lines.flatMap((key, at) =>
    key.startsWith(prefix)
      ? [{ ...json<Member>(lines[at + 1] ?? ''), node: key.slice(prefix.length).split('/')[0] ?? '' }]
      : [],
  )
}

async function ownMembers(host: UnderlayHost, networkId: string): Promise<string[]> {
  const { containers } = await host.client.listContainers()
  const endpoints = await Promise.all(
    containers.map(async ({ handle }) => (await host.client.getContainer(handle)).endpoints),
  )
  const own = endpoints.flat().filter((endpoint) => endpoint.network_id === networkId)
  return own.map(({ interfaces: [first] }) => first?.mac_address ?? '')
}

async function expectNoAddressTwice(hosts: readonly UnderlayHost[]): Promise<void> {
  const all: string[] = []
  for (const { client } of hosts) {
    const { containers } = await client.listContainers()
    for (const { handle } of containers) {
      const { endpoints } = await client.getContainer(handle)
      all.push(...endpoints.flatMap(({ interfaces: [first] }) => first?.addresses ?? []))
    }
  }
  expect(new Set(all).size).toBe(all.length)
}

async function endpointOf({ client }: UnderlayHost, handle: string) {
  const [endpoint] = (await client.getContainer(handle)).endpoints
  if (endpoint === undefined) throw new Error(`container ${handle} has no endpoint`)
  return endpoint
}

function json<T>(text: string): T {
  return JSON.parse(text === '' ? '[]' : text)
}
