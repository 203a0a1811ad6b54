// Policies from container to container as addresses: who of a network's members may send what to which others.
import type { ContainerPolicy } from './document.ts'
import { mergePorts, type PortRange } from './ranges.ts'
import { protocols } from './rules.ts'

/** A member as policies mean it. */
export type PairMember = {
  /** Any of them names it. */
  readonly ids: readonly string[]
  readonly addresses: readonly Buffer[]
}

/** What may be sent from one address to another of the same family. */
export type Pair = {
  readonly source: Buffer
  readonly destination: Buffer
  readonly protocol: number
  readonly ports: PortRange
}

/**
 * All that the entries allow between members that there are. Ranges that overlap or touch are one, so no two of the same addresses and
 * protocol have a port in common.
 */
export function pairsOf(entries: Iterable<ContainerPolicy>, members: Iterable<PairMember>): Pair[] {
  const byId = membersById(members)
  const pairs: Pair[] = []
  for (const { source, destination } of entries) {
    const { protocol, ports } = destination
    const destinations = byId.get(destination.id) ?? []
    if (destinations.length === 0) continue
    for (const from of byId.get(source.id) ?? []) {
      for (const to of destinations) {
        if (from !== to) pairs.push(...between(from, to, { protocol: protocols[protocol], ports }))
      }
    }
  }
  return mergedPairs(pairs)
}

/** The same in as few as possible. */
export function mergedPairs(pairs: Iterable<Pair>): Pair[] {
  const groups = new Map<string, { first: Pair; ranges: PortRange[] }>()
  for (const pair of pairs) {
    const key = pairKey(pair)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { first: pair, ranges: [pair.ports] })
    else group.ranges.push(pair.ports)
  }
  return [...groups.values()].flatMap(({ first, ranges }) =>
    ranges.length === 1 ? [first] : mergePorts(ranges).map((ports) => ({ ...first, ports })),
  )
}

/** What tells pairs apart, but for their ports. */
export function pairKey({ source, destination, protocol }: Omit<Pair, 'ports'>): string {
  return `${source.toString('latin1')}${destination.toString('latin1')}${protocol}`
}

function membersById(members: Iterable<PairMember>): ReadonlyMap<string, readonly PairMember[]> {
  const byId = new Map<string, PairMember[]>()
  for (const member of members) {
    for (const id of new Set(member.ids)) {
      const others = byId.get(id)
      if (others === undefined) byId.set(id, [member])
      else others.push(member)
    }
  }
  return byId
}

function between(from: PairMember, to: PairMember, what: Pick<Pair, 'protocol' | 'ports'>): Pair[] {
  return from.addresses.flatMap((source) =>
    to.addresses
      .filter(({ length }) => length === source.length)
      .map((destination) => ({ source, destination, ...what })),
  )
}
