// Neighbours: which MAC address has an IP address.
import { Attributes } from '../netlink/attributes.ts'
import { AF_INET, AF_INET6, AF_UNSPEC, NLM_F } from '../netlink/constants.ts'
import { littleEndian, viewOf } from '../netlink/host-order.ts'
import type { NetlinkMessage } from '../netlink/message.ts'
import { PayloadWriter } from '../netlink/payload-writer.ts'
import type { RouteRequest } from '../netlink/request.ts'
import { RTM } from './constants.ts'
import { formatIp, formatMac, parseIp, parseMac } from './ip-address.ts'
import { nameOf } from './named-number.ts'
import { dumpHeader, HEADER_LENGTH, NDA, NTF, neighbourStates, writeHeader } from './neighbour-header.ts'

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

/** Asks for the neighbours of one interface, or of all. Forwarding entries and proxies are not among them. */
export function listNeighbours({ link }: { link?: number }): RouteRequest {
  const payload = dumpHeader(AF_UNSPEC).attributeU32(NDA.IFINDEX, link).finish()
  return { operation: 'list neighbours', type: RTM.GETNEIGH, flags: 0, payload }
}

/** Asks for the IPv6 addresses for which the machine answers on behalf of others, on one interface or on all. */
export function listNeighbourProxies({ link }: { link?: number }): RouteRequest {
  const header = new PayloadWriter().u8(AF_INET6).zeros(9).u8(NTF.PROXY).u8(0)
  const payload = header.attributeU32(NDA.IFINDEX, link).finish()
  return { operation: 'list neighbour proxies', type: RTM.GETNEIGH, flags: 0, payload }
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
