// Neighbours (which MAC address has an IP address) and forwarding entries (behind which port, or which tunnel end, a
// MAC address is). To the kernel both are neighbours of different families.
import { Attributes } from '../netlink/attributes.ts'
import { AF_BRIDGE, AF_INET, AF_INET6, AF_UNSPEC, NLM_F } from '../netlink/constants.ts'
import { littleEndian, viewOf } from '../netlink/host-order.ts'
import type { NetlinkMessage } from '../netlink/message.ts'
import { PayloadWriter } from '../netlink/payload-writer.ts'
import type { RouteRequest } from '../netlink/request.ts'
import { RTM } from './constants.ts'
import { formatIp, formatMac, parseIp, parseMac } from './ip-address.ts'
import { checkedIndex } from './link-attributes.ts'
import { nameOf } from './named-number.ts'

const HEADER_LENGTH = 12
const NDA = { DST: 1, LLADDR: 2, VLAN: 5, PORT: 6, VNI: 7, IFINDEX: 8, MASTER: 9, NH_ID: 13 } as const
const NTF = { SELF: 0x2, MASTER: 0x4, PROXY: 0x8, EXT_LEARNED: 0x10, STICKY: 0x40, ROUTER: 0x80 } as const

export const neighbourStates = {
  none: 0x0,
  incomplete: 0x1,
  reachable: 0x2,
  stale: 0x4,
  delay: 0x8,
  probe: 0x10,
  failed: 0x20,
  noarp: 0x40,
  permanent: 0x80,
} as const

/** How much the kernel trusts a neighbour entry; ip-neighbour(8). */
export type NeighbourState = keyof typeof neighbourStates

/** A neighbour entry to be set. */
export type NewNeighbour = {
  /** Index of the interface. */
  link: number
  address: string
  macAddress: string
  /** Default `permanent`. */
  state?: NeighbourState
}

/** What names a neighbour entry. */
export type NeighbourKey = Pick<NewNeighbour, 'link' | 'address'>

/** A neighbour entry as the kernel reports it. */
export type Neighbour = {
  link: number
  address: string
  macAddress: string | undefined
  state: NeighbourState | undefined
  /** The machine answers for it. */
  proxy: boolean
  /** Another program has said that it keeps it up to date, and not the kernel. */
  externallyLearned: boolean
}

/** To a bridge `permanent` would be an address of the machine's own: its static entries have other states. */
const forwardingOwners = {
  self: { flags: NTF.SELF, state: neighbourStates.permanent },
  master: { flags: NTF.MASTER, state: neighbourStates.noarp | neighbourStates.reachable },
  both: { flags: NTF.SELF | NTF.MASTER, state: neighbourStates.noarp | neighbourStates.reachable },
} as const

/** An entry of a bridge's or a tunnel's forwarding table to be set; bridge(8). */
export type NewForwardingEntry = {
  /** Index of the bridge port (owner `master`) or of the tunnel (owner `self`). Of a bridge (owner `self`): a MAC of its own. */
  link: number
  macAddress: string
  /** Whose table: the link's own (vxlan), that of the bridge it is a port of, or both in one message. Default `self`. */
  owner?: keyof typeof forwardingOwners
  /** vxlan: the tunnel's other end. */
  destination?: string
  /** vxlan: where they differ from the link's own. */
  port?: number
  vni?: number
}

/** An entry of a forwarding table as the kernel reports it. */
export type ForwardingEntry = {
  link: number
  macAddress: string
  /** Index of the bridge, of an entry in a bridge's table. */
  master: number | undefined
  /** Of a bridge that tells VLANs apart; undefined: for packets without one. */
  vlan: number | undefined
  destination: string | undefined
  port: number | undefined
  vni: number | undefined
  /** vxlan: index of the interface that it goes out by, where that is said. */
  outgoing: number | undefined
  /** vxlan: the nexthop or group of nexthops that takes the place of a destination. */
  nexthop: number | undefined
  /** Another program has said that it keeps it up to date, and not the kernel. */
  externallyLearned: boolean
  /** Its MAC stays at this port, wherever it is seen. */
  sticky: boolean
  /** vxlan: what goes there is routed. */
  router: boolean
  /** Set by somebody, not learned; does not age. */
  permanent: boolean
  /** In a bridge's table: what is sent to this MAC is for the bridge itself. `link` is the bridge, or a port of that MAC. */
  local: boolean
}

type Header = { family: number; link: number; state?: number; flags?: number }

/** Adds a neighbour. Fails with EEXIST when there is one, also a learned one. */
export function addNeighbour(neighbour: NewNeighbour): RouteRequest {
  return newNeighbour('add', NLM_F.CREATE | NLM_F.EXCL, neighbour)
}

/** Adds a neighbour or takes the place of the one there, learned or not. May be repeated. */
export function replaceNeighbour(neighbour: NewNeighbour): RouteRequest {
  return newNeighbour('replace', NLM_F.CREATE | NLM_F.REPLACE, neighbour)
}

/** Deletes a neighbour. Fails with ENOENT when there is none. */
export function deleteNeighbour({ link, address }: NeighbourKey): RouteRequest {
  const { family, bytes } = parseIp(address)
  const payload = writeHeader({ family, link }).attributeBytes(NDA.DST, bytes).finish()
  return { operation: `delete neighbour ${address} of link ${link}`, type: RTM.DELNEIGH, flags: 0, payload }
}

/** Has the machine answer for this address on this link. May be repeated. */
export function addNeighbourProxy(key: NeighbourKey): RouteRequest {
  return neighbourProxy('add', { type: RTM.NEWNEIGH, flags: NLM_F.CREATE | NLM_F.REPLACE }, key)
}

/** The machine answers for this address on this link no more. Fails with ENOENT when it did not. */
export function deleteNeighbourProxy(key: NeighbourKey): RouteRequest {
  return neighbourProxy('delete', { type: RTM.DELNEIGH, flags: 0 }, key)
}

/** Adds a forwarding entry. Fails with EEXIST when the address has one. */
export function addForwardingEntry(entry: NewForwardingEntry): RouteRequest {
  return newForwardingEntry('add', NLM_F.CREATE | NLM_F.EXCL, entry)
}

/** Adds a forwarding entry or takes the place of the one there. May be repeated. */
export function replaceForwardingEntry(entry: NewForwardingEntry): RouteRequest {
  return newForwardingEntry('replace', NLM_F.CREATE | NLM_F.REPLACE, entry)
}

/**
 * Adds one more tunnel end to an address that stands for several: 00:00:00:00:00:00 is what a vxlan floods to.
 * Fails with EEXIST when the address has this end.
 */
export function appendForwardingEntry(entry: NewForwardingEntry): RouteRequest {
  return newForwardingEntry('append', NLM_F.CREATE | NLM_F.APPEND, entry)
}

/** Deletes a forwarding entry; with a destination only that tunnel end. Fails with ENOENT when there is none. */
export function deleteForwardingEntry(entry: NewForwardingEntry): RouteRequest {
  const payload = writeForwardingEntry(entry)
  return { operation: `delete ${describe(entry)}`, type: RTM.DELNEIGH, flags: 0, payload }
}

/** Asks for the neighbours of one interface, or of all. Forwarding entries and proxies are not among them. */
export function listNeighbours({ link }: { link?: number }): RouteRequest {
  const payload = dumpHeader(AF_UNSPEC).attributeU32(NDA.IFINDEX, link).finish()
  return { operation: 'list neighbours', type: RTM.GETNEIGH, flags: 0, payload }
}

/** Asks for the forwarding entries of one link (`link`), of all ports of a bridge (`master`), or all. */
export function listForwardingEntries(filter: { link?: number; master?: number }): RouteRequest {
  const writer = dumpHeader(AF_BRIDGE, filter.link)
  const payload = writer.attributeU32(NDA.MASTER, filter.master).finish()
  return { operation: 'list forwarding entries', type: RTM.GETNEIGH, flags: 0, payload }
}

/** Asks for the entry that a bridge's table has for packets to this MAC without a VLAN. Fails with ENOENT when there is none. */
export function getForwardingEntry({
  bridge,
  macAddress,
}: {
  bridge: number
  macAddress: string
}): RouteRequest {
  const header = writeHeader({ family: AF_BRIDGE, link: bridge, flags: NTF.SELF })
  const payload = header.attributeBytes(NDA.LLADDR, parseMac(macAddress)).finish()
  const operation = `get forwarding entry ${macAddress} of bridge ${bridge}`
  return { operation, type: RTM.GETNEIGH, flags: 0, payload }
}

export function parseNeighbour({ type, payload }: NetlinkMessage): Neighbour | undefined {
  const family = payload.readUInt8(0)
  if (type !== RTM.NEWNEIGH || (family !== AF_INET && family !== AF_INET6)) return undefined
  const view = viewOf(payload)
  const attributes = new Attributes(payload.subarray(HEADER_LENGTH))
  const address = attributes.bytes(NDA.DST)
  const mac = attributes.bytes(NDA.LLADDR)
  if (address === undefined) return undefined
  return {
    link: view.getInt32(4, littleEndian),
    address: formatIp(address),
    macAddress: mac?.length === 6 ? formatMac(mac) : undefined,
    state: nameOf(neighbourStates, view.getUint16(8, littleEndian)),
    proxy: (payload.readUInt8(10) & NTF.PROXY) !== 0,
    externallyLearned: (payload.readUInt8(10) & NTF.EXT_LEARNED) !== 0,
  }
}

export function parseForwardingEntry({ type, payload }: NetlinkMessage): ForwardingEntry | undefined {
  if (type !== RTM.NEWNEIGH || payload.readUInt8(0) !== AF_BRIDGE) return undefined
  const view = viewOf(payload)
  const attributes = new Attributes(payload.subarray(HEADER_LENGTH))
  const mac = attributes.bytes(NDA.LLADDR)
  const destination = attributes.bytes(NDA.DST)
  const flags = payload.readUInt8(10)
  const state = view.getUint16(8, littleEndian)
  const master = attributes.u32(NDA.MASTER)
  if (mac === undefined) return undefined
  return {
    link: view.getInt32(4, littleEndian),
    macAddress: formatMac(mac),
    master,
    vlan: attributes.u16(NDA.VLAN),
    destination: destination && formatIp(destination),
    port: attributes.u16BigEndian(NDA.PORT),
    vni: attributes.u32(NDA.VNI),
    outgoing: attributes.u32(NDA.IFINDEX),
    nexthop: attributes.u32(NDA.NH_ID),
    externallyLearned: (flags & NTF.EXT_LEARNED) !== 0,
    sticky: (flags & NTF.STICKY) !== 0,
    router: (flags & NTF.ROUTER) !== 0,
    permanent: (state & (neighbourStates.permanent | neighbourStates.noarp)) !== 0,
    local: master !== undefined && (state & neighbourStates.permanent) !== 0,
  }
}

function newNeighbour(verb: string, flags: number, neighbour: NewNeighbour): RouteRequest {
  const { link, address, macAddress, state } = neighbour
  const { family, bytes } = parseIp(address)
  const payload = writeHeader({ family, link, state: neighbourStates[state ?? 'permanent'] })
    .attributeBytes(NDA.DST, bytes)
    .attributeBytes(NDA.LLADDR, parseMac(macAddress))
    .finish()
  const operation = `${verb} neighbour ${address} (${macAddress}) of link ${link}`
  return { operation, type: RTM.NEWNEIGH, flags, payload }
}

function neighbourProxy(
  verb: string,
  message: Pick<RouteRequest, 'type' | 'flags'>,
  { link, address }: NeighbourKey,
): RouteRequest {
  const { family, bytes } = parseIp(address)
  const header = writeHeader({ family, link, state: neighbourStates.permanent, flags: NTF.PROXY })
  const payload = header.attributeBytes(NDA.DST, bytes).finish()
  return { operation: `${verb} neighbour proxy ${address} on link ${link}`, ...message, payload }
}

function newForwardingEntry(verb: string, flags: number, entry: NewForwardingEntry): RouteRequest {
  const payload = writeForwardingEntry(entry)
  return { operation: `${verb} ${describe(entry)}`, type: RTM.NEWNEIGH, flags, payload }
}

function describe({ macAddress, link, destination }: NewForwardingEntry): string {
  return `forwarding entry ${macAddress} of link ${link}${destination === undefined ? '' : ` to ${destination}`}`
}

function writeForwardingEntry(entry: NewForwardingEntry): Buffer {
  const { flags, state } = forwardingOwners[entry.owner ?? 'self']
  const destination = entry.destination === undefined ? undefined : parseIp(entry.destination).bytes
  return writeHeader({ family: AF_BRIDGE, link: entry.link, state, flags })
    .attributeBytes(NDA.LLADDR, parseMac(entry.macAddress))
    .attributeBytes(NDA.DST, destination)
    .attributeU16BigEndian(NDA.PORT, entry.port)
    .attributeU32(NDA.VNI, entry.vni)
    .finish()
}

/** An entry with all of its attributes takes less; there may be ten thousand. */
const capacity = 64

/** struct ndmsg. */
function writeHeader({ family, link, state = 0, flags = 0 }: Header): PayloadWriter {
  const writer = new PayloadWriter({ capacity })
  return writer.u8(family).zeros(3).u32(checkedIndex(link)).u16(state).u8(flags).u8(0)
}

/** In a dump the link is a filter, and may be absent. */
function dumpHeader(family: number, link = 0): PayloadWriter {
  return new PayloadWriter().u8(family).zeros(3).u32(link).u32(0)
}
