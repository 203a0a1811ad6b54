// What only bridges, bridge ports, vxlan and macvlan links report of themselves.
import type { Attributes } from '../netlink/attributes.ts'
import { formatIp } from './ip-address.ts'
import { IFLA_BR, IFLA_BRPORT, IFLA_MACVLAN_MODE, IFLA_VXLAN } from './link-attributes.ts'
import { type BridgePortChange, portStates } from './link-change.ts'
import { macvlanModes, type NewMacvlan } from './link-create.ts'
import { nameOf } from './named-number.ts'

const CENTISECONDS = 100

/** What the kernel reports of a bridge. */
export type BridgeAttributes = {
  ageingSeconds: number
  spanningTree: boolean
  multicastSnooping: boolean
  groupForwardMask: number
  /** Of iptables, ip6tables and arptables any. */
  callIptables: boolean
}

/** What a bridge does at one of its ports, as the kernel reports it. */
export type BridgePortAttributes = Required<Omit<BridgePortChange, 'state'>> & {
  state: keyof typeof portStates | undefined
}

/** What the kernel reports of a vxlan link. */
export type VxlanAttributes = {
  vni: number
  port: number
  localAddress: string | undefined
  device: number | undefined
  ttl: number
  learning: boolean
  proxy: boolean
  l2Miss: boolean
  l3Miss: boolean
}

/** What the kernel reports of a macvlan link. */
export type MacvlanAttributes = { mode: NewMacvlan['mode'] | undefined }

const tables = [IFLA_BR.NF_CALL_IPTABLES, IFLA_BR.NF_CALL_IP6TABLES, IFLA_BR.NF_CALL_ARPTABLES] as const

export function readBridge(data: Attributes): BridgeAttributes {
  return {
    ageingSeconds: (data.u32(IFLA_BR.AGEING_TIME) ?? 0) / CENTISECONDS,
    spanningTree: (data.u32(IFLA_BR.STP_STATE) ?? 0) !== 0,
    multicastSnooping: data.boolean(IFLA_BR.MCAST_SNOOPING) ?? false,
    groupForwardMask: data.u16(IFLA_BR.GROUP_FWD_MASK) ?? 0,
    callIptables: tables.some((table) => data.boolean(table) ?? false),
  }
}

export function readBridgePort(data: Attributes): BridgePortAttributes {
  return {
    isolated: data.boolean(IFLA_BRPORT.ISOLATED) ?? false,
    hairpin: data.boolean(IFLA_BRPORT.MODE) ?? false,
    learning: data.boolean(IFLA_BRPORT.LEARNING) ?? false,
    neighbourSuppression: data.boolean(IFLA_BRPORT.NEIGH_SUPPRESS) ?? false,
    unicastFlood: data.boolean(IFLA_BRPORT.UNICAST_FLOOD) ?? false,
    multicastFlood: data.boolean(IFLA_BRPORT.MCAST_FLOOD) ?? false,
    broadcastFlood: data.boolean(IFLA_BRPORT.BCAST_FLOOD) ?? false,
    locked: data.boolean(IFLA_BRPORT.LOCKED) ?? false,
    proxyArp: data.boolean(IFLA_BRPORT.PROXYARP) ?? false,
    proxyArpWifi: data.boolean(IFLA_BRPORT.PROXYARP_WIFI) ?? false,
    multicastToUnicast: data.boolean(IFLA_BRPORT.MCAST_TO_UCAST) ?? false,
    fastLeave: data.boolean(IFLA_BRPORT.FAST_LEAVE) ?? false,
    bpduGuard: data.boolean(IFLA_BRPORT.GUARD) ?? false,
    rootBlock: data.boolean(IFLA_BRPORT.PROTECT) ?? false,
    vlanTunnel: data.boolean(IFLA_BRPORT.VLAN_TUNNEL) ?? false,
    groupForwardMask: data.u16(IFLA_BRPORT.GROUP_FWD_MASK) ?? 0,
    state: nameOf(portStates, data.u8(IFLA_BRPORT.STATE)),
  }
}

export function readVxlan(data: Attributes): VxlanAttributes {
  const local = data.bytes(IFLA_VXLAN.LOCAL) ?? data.bytes(IFLA_VXLAN.LOCAL6)
  return {
    vni: data.u32(IFLA_VXLAN.ID) ?? 0,
    port: data.u16BigEndian(IFLA_VXLAN.PORT) ?? 0,
    localAddress: local && formatIp(local),
    device: data.u32(IFLA_VXLAN.LINK) || undefined,
    ttl: data.u8(IFLA_VXLAN.TTL) ?? 0,
    learning: data.boolean(IFLA_VXLAN.LEARNING) ?? false,
    proxy: data.boolean(IFLA_VXLAN.PROXY) ?? false,
    l2Miss: data.boolean(IFLA_VXLAN.L2MISS) ?? false,
    l3Miss: data.boolean(IFLA_VXLAN.L3MISS) ?? false,
  }
}

export function readMacvlan(data: Attributes): MacvlanAttributes {
  return { mode: nameOf(macvlanModes, data.u32(IFLA_MACVLAN_MODE)) }
}
