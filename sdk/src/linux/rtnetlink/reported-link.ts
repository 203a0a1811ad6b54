// A link as one message of the kernel has it.
import { Attributes } from '../netlink/attributes.ts'
import { AF_INET6 } from '../netlink/constants.ts'
import { littleEndian, viewOf } from '../netlink/host-order.ts'
import { formatMac } from './ip-address.ts'
import type { Link } from './link.ts'
import { IFF, IFLA, IFLA_INET6_ADDR_GEN_MODE, IFLA_INFO, LINK_HEADER_LENGTH } from './link-attributes.ts'
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
import { readLinkSettings } from './link-settings.ts'
import { nameOf } from './named-number.ts'

/**
 * What only bridges, their ports, vxlan and macvlan links have is kept as the kernel sent it, and read when somebody compares it: a
 * plug and most lists do not. A class, so that all share one hidden class (decision 0009).
 */
class KindAttributes {
  readonly kind: string | undefined
  readonly #data: Buffer | undefined
  readonly #portData: Buffer | undefined
  #bridge: BridgeAttributes | undefined
  #bridgePort: BridgePortAttributes | undefined
  #vxlan: VxlanAttributes | undefined

  constructor(info: Attributes) {
    this.kind = info.string(IFLA_INFO.KIND)
    const isRead = this.kind !== undefined && kindsRead.has(this.kind)
    this.#data = isRead ? copyOf(info.bytes(IFLA_INFO.DATA)) : undefined
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

const kindsRead: ReadonlySet<string> = new Set(['bridge', 'vxlan', 'macvlan'])

/** What was received is valid until more is. */
function copyOf(bytes: Buffer | undefined): Buffer | undefined {
  return bytes && Buffer.from(bytes)
}

function inside(bytes: Buffer = Buffer.alloc(0)): Attributes {
  return new Attributes(bytes)
}

/** Of RTM_NEWLINK or RTM_DELLINK. */
export class ReportedLink extends KindAttributes implements Link {
  readonly index: number
  readonly name: string
  readonly macAddress: string | undefined
  readonly mtu: number
  readonly isUp: boolean
  readonly isLoopback: boolean
  readonly hasCarrier: boolean
  readonly isRunning: boolean
  readonly master: number | undefined
  readonly parent: number | undefined
  readonly parentNamespaceId: number | undefined
  readonly group: number
  readonly alias: string | undefined
  readonly ipv6AddressGeneration: Link['ipv6AddressGeneration']
  readonly arp: boolean
  readonly multicast: boolean
  readonly allMulticast: boolean
  readonly promiscuous: boolean
  readonly dynamic: boolean
  readonly trailers: boolean
  readonly broadcast: string
  readonly dormant: boolean
  readonly protocolDown: boolean

  constructor(payload: Buffer) {
    const attributes = new Attributes(payload.subarray(LINK_HEADER_LENGTH))
    super(attributes.nested(IFLA.LINKINFO))
    const view = viewOf(payload)
    const flags = view.getUint32(8, littleEndian)
    const mac = attributes.bytes(IFLA.ADDRESS)
    this.index = view.getInt32(4, littleEndian)
    this.name = attributes.string(IFLA.IFNAME) ?? ''
    this.macAddress = mac?.length === 6 ? formatMac(mac) : undefined
    this.mtu = attributes.u32(IFLA.MTU) ?? 0
    this.isUp = (flags & IFF.UP) !== 0
    this.isLoopback = (flags & IFF.LOOPBACK) !== 0
    this.hasCarrier = (flags & IFF.LOWER_UP) !== 0
    this.isRunning = (flags & IFF.RUNNING) !== 0
    this.master = attributes.u32(IFLA.MASTER)
    this.parent = attributes.u32(IFLA.LINK) || undefined
    this.parentNamespaceId = attributes.u32(IFLA.LINK_NETNSID)
    this.group = attributes.u32(IFLA.GROUP) ?? 0
    this.alias = attributes.string(IFLA.IFALIAS)
    this.ipv6AddressGeneration = addressGenerationOf(attributes)
    const settings = readLinkSettings(flags, attributes)
    this.arp = settings.arp
    this.multicast = settings.multicast
    this.allMulticast = settings.allMulticast
    this.promiscuous = settings.promiscuous
    this.dynamic = settings.dynamic
    this.trailers = settings.trailers
    this.broadcast = settings.broadcast
    this.dormant = settings.dormant
    this.protocolDown = settings.protocolDown
  }
}

function addressGenerationOf(attributes: Attributes): Link['ipv6AddressGeneration'] {
  const mode = attributes.nested(IFLA.AF_SPEC).nested(AF_INET6).u8(IFLA_INET6_ADDR_GEN_MODE)
  return nameOf(addressGenerationModes, mode)
}
