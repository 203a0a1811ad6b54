// Requests that make links. Each is one RTM_NEWLINK that carries all that the kernel honours at creation; an
// alias and the IPv6 address generation mode it does not: `setLink` afterwards.
import type { NamespaceHandle } from '../namespace-handle.ts'
import { NLM_F } from '../netlink/constants.ts'
import { PayloadWriter } from '../netlink/payload-writer.ts'
import type { RouteRequest } from '../netlink/request.ts'
import { writeAttributes } from './attribute-table.ts'
import { type BridgeSettings, bridgeTable } from './bridge-settings.ts'
import { RTM } from './constants.ts'
import { checkedInterfaceName } from './interface-name.ts'
import { parseMac } from './ip-address.ts'
import {
  checkedIndex,
  IFLA,
  IFLA_INFO,
  IFLA_MACVLAN_MODE,
  VETH_INFO_PEER,
  writeLinkHeader,
} from './link-attributes.ts'
import { headerFlags } from './link-settings.ts'
import { type FixedVxlanSettings, fixedVxlanTable, type VxlanSettings, vxlanTable } from './vxlan-settings.ts'

/** What every new link may be given. */
export type NewLink = {
  name: string
  macAddress?: string
  mtu?: number
  /** Up from the start; otherwise down. */
  up?: boolean
  /** Index of the bridge whose port it becomes. */
  master?: number
  /** Number by which `deleteLinkGroup` finds it; 0 is the group of all others. */
  group?: number
  /** Where it appears; the namespace of the socket otherwise. */
  namespace?: NamespaceHandle
}

/** A bridge to be made. */
export type NewBridge = NewLink & Partial<BridgeSettings>

/** The peer cannot be up from the start: the kernel would open it before it is connected, and say ENOTCONN. */
export type NewVeth = NewLink & { peer: Omit<NewLink, 'master' | 'up'> }

/** A VXLAN tunnel to be made (RFC 7348). */
export type NewVxlan = NewLink &
  Pick<FixedVxlanSettings, 'vni' | 'port'> &
  Partial<VxlanSettings & FixedVxlanSettings>

/** A macvlan link to be made over another link. */
export type NewMacvlan = NewLink & {
  /** Index of the link below. */
  parent: number
  mode: keyof typeof macvlanModes
}

/** A request that makes a link, and the link's name. */
export type NewLinkRequest = RouteRequest & { readonly name: string }

const MAX_VNI = 0xffffff
export const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const

/** Makes a bridge. Fails with EEXIST when the name is taken. */
export function createBridge(bridge: NewBridge): NewLinkRequest {
  return create('bridge', bridge, (data) => writeAttributes(bridgeTable, data, bridge))
}

/**
 * Makes a pair of links, the peer in its own namespace from the start, under its final name. One message and one
 * acknowledgement; on failure neither end exists. Bring the peer up from inside. Deleting either end, or its namespace,
 * deletes both.
 */
export function createVeth(veth: NewVeth): NewLinkRequest {
  const { peer } = veth
  return create('veth', veth, (data) => {
    data.nested(VETH_INFO_PEER, (inner) => {
      writeLinkHeader(inner, {})
      writeNewLink(inner, peer)
    })
  })
}

/** Makes a vxlan link. Fails with EEXIST when the name is taken, or the VNI with this port. */
export function createVxlan(vxlan: NewVxlan): NewLinkRequest {
  if (!Number.isInteger(vxlan.vni) || vxlan.vni < 0 || vxlan.vni > MAX_VNI) {
    throw new TypeError(`${vxlan.vni} is no VXLAN network identifier`)
  }
  return create('vxlan', vxlan, (data) => {
    writeAttributes(fixedVxlanTable, data, vxlan)
    writeAttributes(vxlanTable, data, vxlan)
  })
}

/** Makes a macvlan link. Fails with EEXIST when the name is taken, ENODEV when there is no such parent. */
export function createMacvlan(macvlan: NewMacvlan): NewLinkRequest {
  const write = (data: PayloadWriter) => data.attributeU32(IFLA_MACVLAN_MODE, macvlanModes[macvlan.mode])
  return create('macvlan', macvlan, write, checkedIndex(macvlan.parent))
}

/**
 * Makes an intermediate functional block: a link that traffic is redirected to, so that a queue can shape it. Fails
 * with EEXIST when the name is taken.
 */
export function createIfb(ifb: NewLink): NewLinkRequest {
  return create('ifb', ifb, () => undefined)
}

function create(
  kind: string,
  link: NewLink,
  writeData: (data: PayloadWriter) => void,
  parent?: number,
): NewLinkRequest {
  const writer = writeLinkHeader(new PayloadWriter(), headerFlags({ up: link.up }))
  writeNewLink(writer, link).attributeU32(IFLA.LINK, parent)
  writer.nested(IFLA.LINKINFO, (info) => {
    info.attributeString(IFLA_INFO.KIND, kind).nested(IFLA_INFO.DATA, writeData)
  })
  return {
    name: link.name,
    operation: `create link ${link.name} (${kind})`,
    type: RTM.NEWLINK,
    flags: NLM_F.CREATE | NLM_F.EXCL,
    payload: writer.finish(),
  }
}

function writeNewLink(writer: PayloadWriter, link: NewLink): PayloadWriter {
  return writer
    .attributeString(IFLA.IFNAME, checkedInterfaceName(link.name))
    .attributeBytes(IFLA.ADDRESS, link.macAddress === undefined ? undefined : parseMac(link.macAddress))
    .attributeU32(IFLA.MTU, link.mtu)
    .attributeU32(IFLA.MASTER, link.master)
    .attributeU32(IFLA.GROUP, link.group)
    .attributeU32(IFLA.NET_NS_FD, link.namespace?.fd)
}
