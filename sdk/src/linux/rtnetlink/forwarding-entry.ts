// Forwarding entries: behind which port of a bridge, or which tunnel end, a MAC address is.
import { Attributes } from '../netlink/attributes.ts'
import { AF_BRIDGE, NLM_F } from '../netlink/constants.ts'
import { littleEndian, viewOf } from '../netlink/host-order.ts'
import type { NetlinkMessage } from '../netlink/message.ts'
import type { RouteRequest } from '../netlink/request.ts'
import { RTM } from './constants.ts'
import { formatIp, formatMac, parseIp, parseMac } from './ip-address.ts'
import { dumpHeader, HEADER_LENGTH, NDA, NTF, neighbourStates, writeHeader } from './neighbour-header.ts'

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
