// Requests that make links. Each is one RTM_NEWLINK that carries all that the kernel honours at creation; an
// alias and the IPv6 address generation mode it does not: `setLink` afterwards.
import type { NamespaceHandle } from '../namespace-handle.ts'
import { NLM_F } from '../netlink/constants.ts'
import { PayloadWriter } from '../netlink/payload-writer.ts'
import type { RouteRequest } from '../netlink/request.ts'
import { RTM } from './constants.ts'
import { checkedInterfaceName } from './interface-name.ts'
import { parseIp, parseMac } from './ip-address.ts'
import {
  checkedIndex,
  IFLA,
  IFLA_BR,
  IFLA_INFO,
  IFLA_MACVLAN_MODE,
  IFLA_VXLAN,
  VETH_INFO_PEER,
  writeLinkHeader,
} from './link-attributes.ts'

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
export type NewBridge = NewLink & BridgeSettings

/** What is left out has the kernel's default, or stays as it is. */
export type BridgeSettings = {
  ageingSeconds?: number
  spanningTree?: boolean
  multicastSnooping?: boolean
  /** Bits of the link-local protocols 01:80:c2:00:00:0X that are forwarded; the kernel allows no 0, 1, 2. */
  groupForwardMask?: number
  /** Whether frames bridged here also pass iptables, ip6tables and arptables, whatever the machine's bridge-nf-call-iptables says otherwise. */
  callIptables?: boolean
}

/** The peer cannot be up from the start: the kernel would open it before it is connected, and say ENOTCONN. */
export type NewVeth = NewLink & { peer: Omit<NewLink, 'master' | 'up'> }

/** A VXLAN tunnel to be made (RFC 7348). */
export type NewVxlan = NewLink & {
  /** 0 to 16,777,215. */
  vni: number
  /** UDP port; IANA's is 4789. */
  port: number
  /** Source address of what is sent. */
  localAddress?: string
  /** Index of the link below. */
  device?: number
  /** 0 takes the packet's own inside. */
  ttl?: number
  /** Learn remote addresses from what arrives. The kernel's default is true. */
  learning?: boolean
  /** Answer ARP and neighbour solicitations out of the neighbour table. */
  proxy?: boolean
  /** Report unknown MAC (l2) and IP (l3) addresses to watchers. */
  l2Miss?: boolean
  l3Miss?: boolean
  dontFragment?: 'unset' | 'set' | 'inherit'
  ageingSeconds?: number
  /** UDP checksums over IPv4; over IPv6 both switches of a tunnel without checksum are its opposite. */
  udpChecksum?: boolean
}

/** A macvlan link to be made over another link. */
export type NewMacvlan = NewLink & {
  /** Index of the link below. */
  parent: number
  mode: keyof typeof macvlanModes
}

/** A request that makes a link, and the link's name. */
export type NewLinkRequest = RouteRequest & { readonly name: string }

const CENTISECONDS = 100
const MAX_VNI = 0xffffff
const vxlanFragmentModes = { unset: 0, set: 1, inherit: 2 } as const
export const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const

/** Makes a bridge. Fails with EEXIST when the name is taken. */
export function createBridge(bridge: NewBridge): NewLinkRequest {
  return create('bridge', bridge, (data) => writeBridge(data, bridge))
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
  return create('vxlan', vxlan, (data) => writeVxlan(data, vxlan))
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

export function writeBridge(data: PayloadWriter, bridge: BridgeSettings): void {
  const { ageingSeconds, callIptables } = bridge
  data
    .attributeU32(IFLA_BR.AGEING_TIME, ageingSeconds && ageingSeconds * CENTISECONDS)
    .attributeU32(IFLA_BR.STP_STATE, asNumber(bridge.spanningTree))
    .attributeBoolean(IFLA_BR.MCAST_SNOOPING, bridge.multicastSnooping)
    .attributeU16(IFLA_BR.GROUP_FWD_MASK, bridge.groupForwardMask)
    .attributeBoolean(IFLA_BR.NF_CALL_IPTABLES, callIptables)
    .attributeBoolean(IFLA_BR.NF_CALL_IP6TABLES, callIptables)
    .attributeBoolean(IFLA_BR.NF_CALL_ARPTABLES, callIptables)
}

function create(
  kind: string,
  link: NewLink,
  writeData: (data: PayloadWriter) => void,
  parent?: number,
): NewLinkRequest {
  const writer = writeLinkHeader(new PayloadWriter(), { up: link.up })
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

/** What may also be sent to a link that exists. */
export function writeVxlanChange(
  data: PayloadWriter,
  { localAddress, ttl, learning }: Pick<NewVxlan, 'localAddress' | 'ttl' | 'learning'>,
): void {
  const local = localAddress === undefined ? undefined : parseIp(localAddress).bytes
  data
    .attributeBytes(local?.length === 16 ? IFLA_VXLAN.LOCAL6 : IFLA_VXLAN.LOCAL, local)
    .attributeU8(IFLA_VXLAN.TTL, ttl)
    .attributeBoolean(IFLA_VXLAN.LEARNING, learning)
}

function writeVxlan(data: PayloadWriter, vxlan: NewVxlan): void {
  const zeroChecksum = vxlan.udpChecksum === undefined ? undefined : !vxlan.udpChecksum
  data
    .attributeU32(IFLA_VXLAN.ID, vxlan.vni)
    .attributeU16BigEndian(IFLA_VXLAN.PORT, vxlan.port)
    .attributeU32(IFLA_VXLAN.LINK, vxlan.device)
    .attributeBoolean(IFLA_VXLAN.PROXY, vxlan.proxy)
    .attributeBoolean(IFLA_VXLAN.L2MISS, vxlan.l2Miss)
    .attributeBoolean(IFLA_VXLAN.L3MISS, vxlan.l3Miss)
    .attributeU32(IFLA_VXLAN.DF, vxlan.dontFragment && vxlanFragmentModes[vxlan.dontFragment])
    .attributeU32(IFLA_VXLAN.AGEING, vxlan.ageingSeconds)
    .attributeBoolean(IFLA_VXLAN.UDP_CSUM, vxlan.udpChecksum)
    .attributeBoolean(IFLA_VXLAN.UDP_ZERO_CSUM6_TX, zeroChecksum)
    .attributeBoolean(IFLA_VXLAN.UDP_ZERO_CSUM6_RX, zeroChecksum)
  writeVxlanChange(data, vxlan)
}

function asNumber(value: boolean | undefined): number | undefined {
  return value === undefined ? undefined : Number(value)
}
