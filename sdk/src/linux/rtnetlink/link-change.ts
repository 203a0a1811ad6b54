// Requests that change and delete links, and what a bridge does at one of its ports.
import type { NamespaceHandle } from '../namespace-handle.ts'
import { AF_INET6 } from '../netlink/constants.ts'
import { PayloadWriter } from '../netlink/payload-writer.ts'
import type { RouteRequest } from '../netlink/request.ts'
import { writeAttributes } from './attribute-table.ts'
import { type BridgePortSettings, bridgePortTable } from './bridge-port-settings.ts'
import { type BridgeSettings, bridgeTable } from './bridge-settings.ts'
import { RTM } from './constants.ts'
import { checkedInterfaceName } from './interface-name.ts'
import { parseMac } from './ip-address.ts'
import {
  IFLA,
  IFLA_BRPORT,
  IFLA_INET6_ADDR_GEN_MODE,
  IFLA_INFO,
  type LinkReference,
  writeLinkHeader,
  writeLinkReference,
} from './link-attributes.ts'
import { headerFlags, type LinkSettings, writeLinkSettings } from './link-settings.ts'
import { type VxlanSettings, vxlanTable } from './vxlan-settings.ts'

/** What should be different about a link; what is left out stays. Kernel's names: ip-link(8). */
export type LinkChange = Partial<LinkSettings> & {
  up?: boolean
  /** Index of the bridge; 0 takes it out of its bridge. */
  master?: number
  mtu?: number
  macAddress?: string
  /** New name. Legal while the link is up. */
  name?: string
  /** At most 255 bytes. */
  alias?: string
  group?: number
  /** Moves it there. Goes down, and loses its addresses, on the way. */
  namespace?: NamespaceHandle
  /**
   * `none`: the kernel makes no link-local address by itself. Takes effect when the link goes up, which the
   * kernel does first within one request: send it in a request before the one with `up`.
   */
  ipv6AddressGeneration?: keyof typeof addressGenerationModes
}

/** What a bridge does at a port; what is left out stays. */
export type BridgePortChange = Partial<BridgePortSettings> & {
  /** Of the spanning tree. Where that is off the kernel sees to it; the link must be up and have a carrier, else ENETDOWN. */
  state?: keyof typeof portStates
}

/** BR_STATE_…, of <linux/if_bridge.h>. */
export const portStates = { disabled: 0, listening: 1, learning: 2, forwarding: 3, blocking: 4 } as const

export const addressGenerationModes = { eui64: 0, none: 1, stablePrivacy: 2, random: 3 } as const

/** Changes a link. May be repeated. Fails with ENODEV when there is none. */
export function setLink(link: LinkReference, change: LinkChange): RouteRequest {
  const named = typeof link === 'string' && change.name !== undefined
  if (named) throw new TypeError(`rename link ${link}: give its index, for its name is the new one`)
  const writer = writeLinkReference(new PayloadWriter(), link, headerFlags(change))
  writer
    .attributeBytes(IFLA.ADDRESS, change.macAddress === undefined ? undefined : parseMac(change.macAddress))
    .attributeU32(IFLA.MTU, change.mtu)
    .attributeU32(IFLA.MASTER, change.master)
    .attributeU32(IFLA.GROUP, change.group)
    .attributeU32(IFLA.NET_NS_FD, change.namespace?.fd)
    .attributeBytes(IFLA.IFALIAS, change.alias === undefined ? undefined : Buffer.from(change.alias))
  writeLinkSettings(writer, change)
  if (change.name !== undefined) writer.attributeString(IFLA.IFNAME, checkedInterfaceName(change.name))
  if (change.ipv6AddressGeneration !== undefined) {
    writeAddressGeneration(writer, addressGenerationModes[change.ipv6AddressGeneration])
  }
  const operation = `set ${Object.keys(change).join(', ')} of link ${link}`
  return { operation, type: RTM.NEWLINK, flags: 0, payload: writer.finish() }
}

/**
 * Changes a bridge, up or down. May be repeated. Fails with ENODEV when there is none, EOPNOTSUPP when it is no
 * bridge.
 */
export function setBridge(link: LinkReference, change: Partial<BridgeSettings>): RouteRequest {
  const writer = writeLinkReference(new PayloadWriter(), link)
  writer.nested(IFLA.LINKINFO, (info) => {
    info.attributeString(IFLA_INFO.KIND, 'bridge')
    info.nested(IFLA_INFO.DATA, (data) => writeAttributes(bridgeTable, data, change))
  })
  const operation = `set ${Object.keys(change).join(', ')} of bridge ${link}`
  return { operation, type: RTM.NEWLINK, flags: 0, payload: writer.finish() }
}

/** What is left out stays. The rest of a vxlan link is fixed when it is made. */
export type VxlanChange = Partial<VxlanSettings>

/**
 * Changes a vxlan, up or down. May be repeated. Fails with ENODEV when there is no link, EOPNOTSUPP for an address of the
 * other family.
 */
export function setVxlan(link: LinkReference, change: VxlanChange): RouteRequest {
  const writer = writeLinkReference(new PayloadWriter(), link)
  writer.nested(IFLA.LINKINFO, (info) => {
    info.attributeString(IFLA_INFO.KIND, 'vxlan')
    info.nested(IFLA_INFO.DATA, (data) => writeAttributes(vxlanTable, data, change))
  })
  const operation = `set ${Object.keys(change).join(', ')} of vxlan ${link}`
  return { operation, type: RTM.NEWLINK, flags: 0, payload: writer.finish() }
}

/**
 * Changes what the bridge does at this port. May be repeated. Fails with ENODEV when there is no link, EOPNOTSUPP when
 * it is no port.
 */
export function setBridgePort(link: LinkReference, change: BridgePortChange): RouteRequest {
  const writer = writeLinkReference(new PayloadWriter(), link)
  writer.nested(IFLA.LINKINFO, (info) => {
    info.attributeString(IFLA_INFO.SLAVE_KIND, 'bridge')
    info.nested(IFLA_INFO.SLAVE_DATA, (data) => writeBridgePort(data, change))
  })
  const operation = `set ${Object.keys(change).join(', ')} of bridge port ${link}`
  return { operation, type: RTM.NEWLINK, flags: 0, payload: writer.finish() }
}

/** Deletes a link; of a veth both ends. Fails with ENODEV when there is none. Slow in the kernel (~20 ms): `runSlow`. */
export function deleteLink(link: LinkReference): RouteRequest {
  const payload = writeLinkReference(new PayloadWriter(), link).finish()
  return { operation: `delete link ${link}`, type: RTM.DELLINK, flags: 0, payload }
}

/**
 * Deletes every link of a group in one go, which waits once for what `deleteLink` waits for each time. Choose a random
 * group and look first that it is empty. Fails with ENODEV when no link has it.
 */
export function deleteLinkGroup(group: number): RouteRequest {
  if (!Number.isInteger(group) || group < 1 || group > 0xffffffff) {
    throw new TypeError(
      `refuse to delete link group ${group}: not in 1 to 4294967295, and all links start in 0`,
    )
  }
  const payload = writeLinkHeader(new PayloadWriter(), {}).attributeU32(IFLA.GROUP, group).finish()
  return { operation: `delete link group ${group}`, type: RTM.DELLINK, flags: 0, payload }
}

function writeAddressGeneration(writer: PayloadWriter, mode: number): void {
  writer.nested(IFLA.AF_SPEC, (families) => {
    families.nested(AF_INET6, (inet6) => inet6.attributeU8(IFLA_INET6_ADDR_GEN_MODE, mode))
  })
}

function writeBridgePort(data: PayloadWriter, change: BridgePortChange): void {
  writeAttributes(bridgePortTable, data, change)
  data.attributeU8(IFLA_BRPORT.STATE, change.state && portStates[change.state])
}
