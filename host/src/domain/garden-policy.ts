// Garden's ports and rules as members of a policy: `net_in` and `net_out`, in Garden's order.
import { isDeepStrictEqual } from 'node:util'
import type { GardenNetIn, GardenNetOutRule } from '@conet/sdk/api'

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
  return { start: start ?? 0, end: end ?? start ?? 0 }
}

/**
 * The document with more entries at the end of its lists: of rules the later ones count first. A port that leads to the same place
 * already is not doubled, but one that asks for any port gets one more.
 */
export function withFurther(policy: Document, further: Document): Document {
  const ports = entriesOf(policy, 'net_in')
  const newPorts = entriesOf(further, 'net_in').filter(
    (entry, at, all) => !isFixed(entry) || !isIn(entry, [...ports, ...all.slice(0, at)]),
  )
  return withEntries(withEntries(policy, 'net_in', newPorts), 'net_out', entriesOf(further, 'net_out'))
}

/** Of what a runtime says that a container has: nothing of it is doubled that the policy says already, and nothing overruled. */
export function notSaidBy(
  policy: Document,
  { net_in, net_out }: { net_in: Document[]; net_out: Document[] },
) {
  const ports = entriesOf(policy, 'net_in')
  const isSaid = isDeepStrictEqual(entriesOf(policy, 'net_out').slice(-net_out.length), net_out)
  return {
    net_in: net_in.filter((entry) => !isIn(entry, ports)),
    net_out: net_out.length === 0 || isSaid ? [] : net_out,
  }
}

function withEntries(policy: Document, member: string, entries: readonly unknown[]): Document {
  return entries.length === 0 ? policy : { ...policy, [member]: [...entriesOf(policy, member), ...entries] }
}

const isIn = (entry: unknown, others: readonly unknown[]) =>
  others.some((other) => isDeepStrictEqual(other, entry))

function isFixed(entry: unknown): boolean {
  return typeof entry === 'object' && entry !== null && 'host_port' in entry && entry.host_port !== 0
}

/** The entries of one of its lists. */
export function entriesOf(policy: Document, member: string): readonly unknown[] {
  const list: unknown = policy[member]
  return Array.isArray(list) ? list : []
}
