// Numbers of <linux/if_link.h> and <linux/if.h>, and the struct in front of every link message.
import { AF_UNSPEC } from '../netlink/constants.ts'
import type { PayloadWriter } from '../netlink/payload-writer.ts'
import { checkedInterfaceName } from './interface-name.ts'

export const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  LINKINFO: 18,
  IFALIAS: 20,
  STATS64: 23,
  AF_SPEC: 26,
  GROUP: 27,
  NET_NS_FD: 28,
  EXT_MASK: 29,
  LINK_NETNSID: 37,
} as const

export const IFLA_INFO = { KIND: 1, DATA: 2, SLAVE_KIND: 4, SLAVE_DATA: 5 } as const
export const IFLA_INET6_ADDR_GEN_MODE = 8
export const VETH_INFO_PEER = 1

export const IFLA_BR = {
  AGEING_TIME: 4,
  STP_STATE: 5,
  GROUP_FWD_MASK: 9,
  MCAST_SNOOPING: 23,
  NF_CALL_IPTABLES: 36,
  NF_CALL_IP6TABLES: 37,
  NF_CALL_ARPTABLES: 38,
} as const

export const IFLA_BRPORT = {
  STATE: 1,
  MODE: 4,
  GUARD: 5,
  PROTECT: 6,
  FAST_LEAVE: 7,
  LEARNING: 8,
  UNICAST_FLOOD: 9,
  PROXYARP: 10,
  PROXYARP_WIFI: 12,
  MCAST_FLOOD: 27,
  MCAST_TO_UCAST: 28,
  VLAN_TUNNEL: 29,
  BCAST_FLOOD: 30,
  GROUP_FWD_MASK: 31,
  NEIGH_SUPPRESS: 32,
  ISOLATED: 33,
  LOCKED: 39,
} as const

export const IFLA_VXLAN = {
  ID: 1,
  LINK: 3,
  LOCAL: 4,
  TTL: 5,
  LEARNING: 7,
  AGEING: 8,
  PROXY: 11,
  L2MISS: 13,
  L3MISS: 14,
  PORT: 15,
  LOCAL6: 17,
  UDP_CSUM: 18,
  UDP_ZERO_CSUM6_TX: 19,
  UDP_ZERO_CSUM6_RX: 20,
  DF: 29,
} as const

export const IFLA_MACVLAN_MODE = 1

export const IFF = { UP: 0x1, LOOPBACK: 0x8, RUNNING: 0x40, NOARP: 0x80, LOWER_UP: 0x10000 } as const

/** Leaves the statistics out of a link: most of its bytes. */
export const RTEXT_FILTER_SKIP_STATS = 8

/** A link named by its name or its index. */
export type LinkReference = string | number

export type LinkHeader = {
  family?: number
  index?: number
  up?: boolean | undefined
  arp?: boolean | undefined
}

export const LINK_HEADER_LENGTH = 16

/** struct ifinfomsg; of the flags only IFF_UP and IFF_NOARP are ever changed, and only where `up` and `arp` are given. */
export function writeLinkHeader(
  writer: PayloadWriter,
  { family, index, up, arp }: LinkHeader,
): PayloadWriter {
  writer
    .u8(family ?? AF_UNSPEC)
    .u8(0)
    .u16(0)
    .u32(index ?? 0)
  const flags = (up === true ? IFF.UP : 0) | (arp === false ? IFF.NOARP : 0)
  const changed = (up === undefined ? 0 : IFF.UP) | (arp === undefined ? 0 : IFF.NOARP)
  return writer.u32(flags).u32(changed)
}

/** The header and, for a link given by name, the attribute that finds it. */
export function writeLinkReference(
  writer: PayloadWriter,
  link: LinkReference,
  header: LinkHeader = {},
): PayloadWriter {
  if (typeof link === 'number') return writeLinkHeader(writer, { ...header, index: checkedIndex(link) })
  return writeLinkHeader(writer, header).attributeString(IFLA.IFNAME, checkedInterfaceName(link))
}

/** Index 0 means "any" or "all" in many messages, so it must never come from a mistake. */
export function checkedIndex(index: number): number {
  if (!Number.isInteger(index) || index < 1 || index > 0x7fffffff) {
    throw new TypeError(`${index} is no interface index`)
  }
  return index
}
