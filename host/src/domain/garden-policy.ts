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

/** The document with more entries at the end of one of its lists. */
export function withEntries(policy: Document, member: string, entries: readonly unknown[]): Document {
  const present = entriesOf(policy, member)
  return entries.length === 0 ? policy : { ...policy, [member]: [...present, ...entries] }
}

/** As `withEntries`, without those that are in it already. */
export function withFurtherEntries(policy: Document, member: string, entries: readonly unknown[]): Document {
  const present = entriesOf(policy, member)
  const isNew = (entry: unknown) => !present.some((other) => isDeepStrictEqual(other, entry))
  return withEntries(policy, member, entries.filter(isNew))
}

/** The entries of one of its lists. */
export function entriesOf(policy: Document, member: string): readonly unknown[] {
  const list: unknown = policy[member]
  return Array.isArray(list) ? list : []
}
