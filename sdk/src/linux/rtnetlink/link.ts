// Links as the kernel reports them, and the requests that ask for them.
import { AF_BRIDGE } from '../netlink/constants.ts'
import type { NetlinkMessage } from '../netlink/message.ts'
import { PayloadWriter } from '../netlink/payload-writer.ts'
import type { RouteRequest } from '../netlink/request.ts'
import { RTM } from './constants.ts'
import {
  checkedIndex,
  IFLA,
  IFLA_INFO,
  type LinkReference,
  RTEXT_FILTER_SKIP_STATS,
  writeLinkHeader,
  writeLinkReference,
} from './link-attributes.ts'
import type { addressGenerationModes } from './link-change.ts'
import type {
  BridgeAttributes,
  BridgePortAttributes,
  MacvlanAttributes,
  VxlanAttributes,
} from './link-kind.ts'
import type { LinkSettings } from './link-settings.ts'
import { ReportedLink } from './reported-link.ts'

/** A link as the kernel reports it, without its statistics. What only some kinds have is read when it is asked for: a spread leaves it out. */
export type Link = LinkSettings & {
  index: number
  name: string
  /** `bridge`, `veth`, …; undefined for loopback and hardware. */
  kind: string | undefined
  macAddress: string | undefined
  mtu: number
  isUp: boolean
  isLoopback: boolean
  hasCarrier: boolean
  /** Whether the kernel has worked off that it is up and has a carrier (IFF_RUNNING). */
  isRunning: boolean
  /** Index of the bridge whose port it is. */
  master: number | undefined
  /** Index of the link below, of a veth its peer: in another namespace if `parentNamespaceId` is set. */
  parent: number | undefined
  parentNamespaceId: number | undefined
  group: number
  alias: string | undefined
  ipv6AddressGeneration: keyof typeof addressGenerationModes | undefined
  bridge: BridgeAttributes | undefined
  bridgePort: BridgePortAttributes | undefined
  vxlan: VxlanAttributes | undefined
  macvlan: MacvlanAttributes | undefined
}

/** Which links to list; all without a member. */
export type LinkFilter = {
  /** Index of a bridge: its ports. */
  master?: number
  kind?: string
  group?: number
}

export function getLink(link: LinkReference): RouteRequest {
  const payload = writeLinkReference(new PayloadWriter(), link)
    .attributeU32(IFLA.EXT_MASK, RTEXT_FILTER_SKIP_STATS)
    .finish()
  return { operation: `get link ${link}`, type: RTM.GETLINK, flags: 0, payload }
}

/** The kernel filters by master and kind, not by group. */
export function listLinks({ master, kind }: LinkFilter): RouteRequest {
  const writer = writeLinkHeader(new PayloadWriter(), {})
  writer.attributeU32(IFLA.EXT_MASK, RTEXT_FILTER_SKIP_STATS)
  if (master !== undefined) writer.attributeU32(IFLA.MASTER, checkedIndex(master))
  if (kind !== undefined) {
    writer.nested(IFLA.LINKINFO, (info) => info.attributeString(IFLA_INFO.KIND, kind))
  }
  return { operation: 'list links', type: RTM.GETLINK, flags: 0, payload: writer.finish() }
}

/** Reads RTM_NEWLINK or RTM_DELLINK; undefined for other messages and for a bridge's notes about its ports. */
export function parseLink({ type, payload }: NetlinkMessage): Link | undefined {
  if (type !== RTM.NEWLINK && type !== RTM.DELLINK) return undefined
  if (payload.readUInt8(0) === AF_BRIDGE) return undefined
  return new ReportedLink(payload)
}
