// The counters of a link (struct rtnl_link_stats64), from the point of view of the machine: what a veth's host
// side received is what the container sent.
import { Attributes } from '../netlink/attributes.ts'
import { littleEndian, viewOf } from '../netlink/host-order.ts'
import type { NetlinkMessage } from '../netlink/message.ts'
import { PayloadWriter } from '../netlink/payload-writer.ts'
import type { RouteRequest } from '../netlink/request.ts'
import { RTM } from './constants.ts'
import { IFLA, LINK_HEADER_LENGTH, type LinkReference, writeLinkReference } from './link-attributes.ts'

/** Since the link was made. Exact up to 2^53. */
export type LinkStatistics = {
  receivedPackets: number
  sentPackets: number
  receivedBytes: number
  sentBytes: number
  receiveErrors: number
  sendErrors: number
  receiveDropped: number
  sendDropped: number
}

/** Of the struct's counters, those above are the first; each is 64 bits wide. */
const STATISTICS_LENGTH = 8 * 8

export function getStatistics(link: LinkReference): RouteRequest {
  const payload = writeLinkReference(new PayloadWriter(), link).finish()
  return { operation: `get statistics of link ${link}`, type: RTM.GETLINK, flags: 0, payload }
}

/** A link's name and its counters. */
export type NamedStatistics = { name: string; statistics: LinkStatistics }

export function parseNamedStatistics(message: NetlinkMessage): NamedStatistics | undefined {
  const statistics = parseStatistics(message)
  if (statistics === undefined) return undefined
  const name = new Attributes(message.payload.subarray(LINK_HEADER_LENGTH)).string(IFLA.IFNAME)
  return name === undefined ? undefined : { name, statistics }
}

export function parseStatistics({ type, payload }: NetlinkMessage): LinkStatistics | undefined {
  if (type !== RTM.NEWLINK) return undefined
  const bytes = new Attributes(payload.subarray(LINK_HEADER_LENGTH)).bytes(IFLA.STATS64)
  if (bytes === undefined || bytes.length < STATISTICS_LENGTH) return undefined
  const view = viewOf(bytes)
  const at = (index: number) => Number(view.getBigUint64(index * 8, littleEndian))
  return {
    receivedPackets: at(0),
    sentPackets: at(1),
    receivedBytes: at(2),
    sentBytes: at(3),
    receiveErrors: at(4),
    sendErrors: at(5),
    receiveDropped: at(6),
    sendDropped: at(7),
  }
}
