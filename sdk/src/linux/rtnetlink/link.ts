// Links as the kernel reports them, and the requests that ask for them.
import { Attributes } from '../netlink/attributes.ts'
import { AF_BRIDGE, AF_INET6 } from '../netlink/constants.ts'
import { littleEndian, viewOf } from '../netlink/host-order.ts'
import type { NetlinkMessage } from '../netlink/message.ts'
import { PayloadWriter } from '../netlink/payload-writer.ts'
import type { RouteRequest } from '../netlink/request.ts'
import { RTM } from './constants.ts'
import { formatMac } from './ip-address.ts'
import {
  checkedIndex,
  IFF,
  IFLA,
  IFLA_INET6_ADDR_GEN_MODE,
  IFLA_INFO,
  LINK_HEADER_LENGTH,
  type LinkReference,
  RTEXT_FILTER_SKIP_STATS,
  writeLinkHeader,
  writeLinkReference,
} from './link-attributes.ts'
import { addressGenerationModes } from './link-change.ts'
import {
  type BridgeAttributes,
  type BridgePortAttributes,
  type MacvlanAttributes,
  readBridge,
  readBridgePort,
  readMacvlan,
  readVxlan,
  type VxlanAttributes,
} from './link-kind.ts'
import { type LinkSettings, readLinkSettings } from './link-settings.ts'
import { nameOf } from './named-number.ts'

/** A link as the kernel reports it, without its statistics. */
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
  const view = viewOf(payload)
  const attributes = new Attributes(payload.subarray(LINK_HEADER_LENGTH))
  const flags = view.getUint32(8, littleEndian)
  const mac = attributes.bytes(IFLA.ADDRESS)
  const addressGeneration = attributes.nested(IFLA.AF_SPEC).nested(AF_INET6).u8(IFLA_INET6_ADDR_GEN_MODE)
  const ofKind = new KindAttributes(attributes.nested(IFLA.LINKINFO))
  return {
    index: view.getInt32(4, littleEndian),
    name: attributes.string(IFLA.IFNAME) ?? '',
    macAddress: mac?.length === 6 ? formatMac(mac) : undefined,
    mtu: attributes.u32(IFLA.MTU) ?? 0,
    isUp: (flags & IFF.UP) !== 0,
    isLoopback: (flags & IFF.LOOPBACK) !== 0,
    hasCarrier: (flags & IFF.LOWER_UP) !== 0,
    isRunning: (flags & IFF.RUNNING) !== 0,
    master: attributes.u32(IFLA.MASTER),
    parent: attributes.u32(IFLA.LINK) || undefined,
    parentNamespaceId: attributes.u32(IFLA.LINK_NETNSID),
    group: attributes.u32(IFLA.GROUP) ?? 0,
    alias: attributes.string(IFLA.IFALIAS),
    ipv6AddressGeneration: nameOf(addressGenerationModes, addressGeneration),
    ...readLinkSettings(flags, attributes),
    kind: ofKind.kind,
    get bridge() {
      return ofKind.bridge
    },
    get bridgePort() {
      return ofKind.bridgePort
    },
    get vxlan() {
      return ofKind.vxlan
    },
    get macvlan() {
      return ofKind.macvlan
    },
  }
}

/** Kept as the kernel sent it, and read when somebody compares it: a plug and most lists do not. */
class KindAttributes {
  readonly kind: string | undefined
  readonly #data: Buffer | undefined
  readonly #portData: Buffer | undefined
  #bridge: BridgeAttributes | undefined
  #bridgePort: BridgePortAttributes | undefined
  #vxlan: VxlanAttributes | undefined

  constructor(info: Attributes) {
    this.kind = info.string(IFLA_INFO.KIND)
    this.#data = copyOf(info.bytes(IFLA_INFO.DATA))
    const isPort = info.string(IFLA_INFO.SLAVE_KIND) === 'bridge'
    this.#portData = isPort ? copyOf(info.bytes(IFLA_INFO.SLAVE_DATA)) : undefined
  }

  get bridge(): BridgeAttributes | undefined {
    if (this.kind === 'bridge') this.#bridge ??= readBridge(inside(this.#data))
    return this.#bridge
  }

  get bridgePort(): BridgePortAttributes | undefined {
    if (this.#portData !== undefined) this.#bridgePort ??= readBridgePort(inside(this.#portData))
    return this.#bridgePort
  }

  get vxlan(): VxlanAttributes | undefined {
    if (this.kind === 'vxlan') this.#vxlan ??= readVxlan(inside(this.#data))
    return this.#vxlan
  }

  get macvlan(): MacvlanAttributes | undefined {
    return this.kind === 'macvlan' ? readMacvlan(inside(this.#data)) : undefined
  }
}

/** What was received is valid until more is. */
function copyOf(bytes: Buffer | undefined): Buffer | undefined {
  return bytes && Buffer.from(bytes)
}

function inside(bytes: Buffer = Buffer.alloc(0)): Attributes {
  return new Attributes(bytes)
}
