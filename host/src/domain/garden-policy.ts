// Garden's ports and rules as members of a policy: `net_in` and `net_out`, in Garden's order.
import { isDeepStrictEqual } from 'node:util'
import type { GardenNetIn, GardenNetOutRule } from '@conet/sdk/api'
import { fixedPortsOf, LeadingPorts } from './fixed-ports.ts'

type Document = Record<string, unknown>

export function portRequest({ host_port: hostPort, container_port: containerPort }: GardenNetIn): Document {
  return { host_port: hostPort ?? 0, container_port: containerPort ?? 0 }
}

/**
 * Go leaves out what is zero, and Guardian takes a range with one end for that one address or port; one of addresses
 * without ends keeps nothing from the rule: anywhere.
 */
export function netOutRule({ protocol, networks, ports, icmps, log }: GardenNetOutRule): Document {
  return {
    protocol: protocol ?? 0,
    ...(networks &&
      networks.length > 0 &&
      networks.every(hasEnd) && { networks: networks.map(addressRange) }),
    ...(ports && ports.length > 0 && { ports: ports.map(portRange) }),
    ...(isIcmp(protocol) &&
      icmps && {
        icmps: { type: icmps.type ?? 0, ...(typeof icmps.code === 'number' && { code: icmps.code }) },
      }),
    ...(log === true && { log }),
  }
}

/** A document with ports and rules as Garden reads them: null is an empty entry, and a network without ends is anywhere. */
export function asGardenReads(policy: Document): Document {
  const lists = ['net_in', 'net_out'].flatMap((member) =>
    Array.isArray(policy[member]) ? [[member, entriesOf(policy, member).map(entryRead)]] : [],
  )
  return { ...policy, ...Object.fromEntries(lists) }
}

function entryRead(entry: unknown): unknown {
  if (typeof entry !== 'object' || Array.isArray(entry)) return entry
  const { networks, ports, ...others } = membersOf(entry)
  const leadsAnywhere = Array.isArray(networks) && networks.some(isEmpty)
  return {
    ...others,
    ...(networks !== undefined && !leadsAnywhere && { networks }),
    // A range without ends is left for the driver to refuse: it is port 0, and without it the rule might open all ports.
    ...(ports !== undefined && { ports: Array.isArray(ports) ? ports.map(rangeRead) : ports }),
  }
}

const rangeRead = (range: unknown) => (range === null ? {} : range)

function isEmpty(value: unknown): boolean {
  return value === null || (typeof value === 'object' && Object.keys(value).length === 0)
}

/** The name of the protocol where the rule has ports and its protocol has none. */
export function protocolWithoutPorts({ protocol, ports }: GardenNetOutRule): string | undefined {
  return ports && ports.length > 0 ? namesWithoutPorts.get(protocol ?? 0) : undefined
}

const namesWithoutPorts: ReadonlyMap<number, string> = new Map([
  [0, 'all'],
  [3, 'icmp'],
  [4, 'icmpv6'],
])

/** Garden does not look at `icmps` for others. */
const isIcmp = (protocol: GardenNetOutRule['protocol']) => protocol === 3 || protocol === 4

type AddressRange = { start?: string | null; end?: string | null }

function hasEnd({ start, end }: AddressRange): boolean {
  return Boolean(start || end)
}

function addressRange({ start, end }: AddressRange): Document {
  return { start: start || end || '', end: end || start || '' }
}

function portRange({ start, end }: { start?: number | null; end?: number | null }): Document {
  return { start: start ?? 0, end: end || start || 0 }
}

/**
 * The document with more entries at the end of its lists: of rules the later ones count first. What is doubled is left out: a port
 * that leads to the same place already, one for each that asks for any, and rules with which the document ends.
 */
export function withFurther(policy: Document, further: Document): Document {
  const rules = entriesOf(further, 'net_out')
  const isSaid = isDeepStrictEqual(entriesOf(policy, 'net_out').slice(-rules.length), rules)
  const there = countedPorts(policy)
  const leading = leadingPorts(policy)
  const newPorts = entriesOf(further, 'net_in').filter((entry) => {
    const fixed = fixedPortsOf(membersOf(entry))
    const port = portText(entry)
    const count = there.get(port) ?? 0
    there.set(port, Math.max(count - 1, 0))
    if (fixed === undefined) return count === 0
    const isNew = !leading.has(fixed)
    if (isNew) leading.add(fixed)
    return isNew
  })
  return withEntries(withEntries(policy, 'net_in', newPorts), 'net_out', isSaid ? [] : rules)
}

/** All entries of both, each in its order. */
export function joined(document: Document, further: Document): Document {
  const withPorts = withEntries(document, 'net_in', entriesOf(further, 'net_in'))
  return withEntries(withPorts, 'net_out', entriesOf(further, 'net_out'))
}

/** The further entries without the fixed ports that `added` has. */
export function notIn(added: Document, further: Document): Document {
  const leading = leadingPorts(added)
  const ports = entriesOf(further, 'net_in').filter((entry) => {
    const fixed = fixedPortsOf(membersOf(entry))
    return fixed === undefined || !leading.has(fixed)
  })
  return { ...further, net_in: ports }
}

/** `any`: the ports that ask for any number; `numbered`: all else. */
export function partedByNumber(entries: Document): { numbered: Document; any: Document } {
  const ports = entriesOf(entries, 'net_in')
  const asksForAny = (entry: unknown) => !membersOf(entry).host_port
  return {
    numbered: { ...entries, net_in: ports.filter((entry) => !asksForAny(entry)) },
    any: { net_in: ports.filter(asksForAny) },
  }
}

/** A policy, and the entries behind others with which it is made. */
type Made = { readonly policy: Document; readonly added: Document }

/** Further entries for `added`, so that the policy's port at that place, if it has one, stays without what is before `added`. */
export function asKept(place: number, { policy, added }: Made): Document {
  const entries = entriesOf(policy, 'net_in')
  const entry = entries[place]
  if (entry === undefined) return {}
  const upToThere = entries.slice(0, place + 1)
  const port = portText(entry)
  const wanted = upToThere.filter((one) => portText(one) === port).length
  const length = Math.max(wanted - (countedPorts(added).get(port) ?? 0), 0)
  return { net_in: Array.from({ length }, () => entry) }
}

function withEntries(policy: Document, member: string, entries: readonly unknown[]): Document {
  return entries.length === 0 ? policy : { ...policy, [member]: [...entriesOf(policy, member), ...entries] }
}

function countedPorts(policy: Document): Map<string, number> {
  const counts = new Map<string, number>()
  for (const port of entriesOf(policy, 'net_in').map(portText)) counts.set(port, (counts.get(port) ?? 0) + 1)
  return counts
}

function leadingPorts(policy: Document): LeadingPorts {
  const fixed = entriesOf(policy, 'net_in').map((entry) => fixedPortsOf(membersOf(entry)))
  return new LeadingPorts(fixed.filter((ports) => ports !== undefined))
}

/** The same for entries that ask for the same, whatever they leave to its default. */
function portText(entry: unknown): string {
  const { protocol = 'tcp', host_port: from = 0, container_port: to, count = 1, ...others } = membersOf(entry)
  return JSON.stringify([protocol, from, to || from, count, others])
}

function membersOf(entry: unknown): Document {
  return typeof entry === 'object' && entry !== null ? { ...entry } : {}
}

/** The entries of one of its lists. */
export function entriesOf(policy: Document, member: string): readonly unknown[] {
  const list: unknown = policy[member]
  return Array.isArray(list) ? list : []
}
