// Numbers of <linux/if_link.h> and <linux/if.h>, and the struct in front of every link message.
import { AF_UNSPEC } from '../netlink/constants.ts'
import type { PayloadWriter } from '../netlink/payload-writer.ts'
import { checkedInterfaceName } from './interface-name.ts'

export const IFLA = {
  ADDRESS: 1,
  BROADCAST: 2,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  OPERSTATE: 16,
  LINKMODE: 17,
  LINKINFO: 18,
  IFALIAS: 20,
  STATS64: 23,
  AF_SPEC: 26,
  GROUP: 27,
  NET_NS_FD: 28,
  EXT_MASK: 29,
  LINK_NETNSID: 37,
  PROTO_DOWN: 39,
  PROTO_DOWN_REASON: 55,
} as const

export const IFLA_INFO = { KIND: 1, DATA: 2, SLAVE_KIND: 4, SLAVE_DATA: 5 } as const
export const IFLA_PROTO_DOWN_REASON = { MASK: 1, VALUE: 2 } as const
export const IFLA_INET6_ADDR_GEN_MODE = 8
export const VETH_INFO_PEER = 1

export const IFLA_BR = {
  FORWARD_DELAY: 1,
  HELLO_TIME: 2,
  MAX_AGE: 3,
  AGEING_TIME: 4,
  STP_STATE: 5,
  PRIORITY: 6,
  VLAN_FILTERING: 7,
  VLAN_PROTOCOL: 8,
  GROUP_FWD_MASK: 9,
  GROUP_ADDR: 20,
  MCAST_ROUTER: 22,
  MCAST_SNOOPING: 23,
  MCAST_QUERY_USE_IFADDR: 24,
  MCAST_QUERIER: 25,
  MCAST_HASH_MAX: 27,
  MCAST_LAST_MEMBER_CNT: 28,
  MCAST_STARTUP_QUERY_CNT: 29,
  MCAST_LAST_MEMBER_INTVL: 30,
  MCAST_MEMBERSHIP_INTVL: 31,
  MCAST_QUERIER_INTVL: 32,
  MCAST_QUERY_INTVL: 33,
  MCAST_QUERY_RESPONSE_INTVL: 34,
  MCAST_STARTUP_QUERY_INTVL: 35,
  NF_CALL_IPTABLES: 36,
  NF_CALL_IP6TABLES: 37,
  NF_CALL_ARPTABLES: 38,
  VLAN_DEFAULT_PVID: 39,
  VLAN_STATS_ENABLED: 41,
  MCAST_STATS_ENABLED: 42,
  MCAST_IGMP_VERSION: 43,
  MCAST_MLD_VERSION: 44,
  MULTI_BOOLOPT: 46,
  FDB_MAX_LEARNED: 49,
} as const

export const IFLA_BRPORT = {
  STATE: 1,
  PRIORITY: 2,
  COST: 3,
  MODE: 4,
  GUARD: 5,
  PROTECT: 6,
  FAST_LEAVE: 7,
  LEARNING: 8,
  UNICAST_FLOOD: 9,
  PROXYARP: 10,
  PROXYARP_WIFI: 12,
  MULTICAST_ROUTER: 25,
  MCAST_FLOOD: 27,
  MCAST_TO_UCAST: 28,
  VLAN_TUNNEL: 29,
  BCAST_FLOOD: 30,
  GROUP_FWD_MASK: 31,
  NEIGH_SUPPRESS: 32,
  ISOLATED: 33,
  BACKUP_PORT: 34,
  MCAST_EHT_HOSTS_LIMIT: 37,
  LOCKED: 39,
  MAB: 40,
  MCAST_MAX_GROUPS: 42,
  NEIGH_VLAN_SUPPRESS: 43,
  BACKUP_NHID: 44,
} as const

export const IFLA_VXLAN = {
  ID: 1,
  GROUP: 2,
  LINK: 3,
  LOCAL: 4,
  TTL: 5,
  TOS: 6,
  LEARNING: 7,
  AGEING: 8,
  LIMIT: 9,
  PORT_RANGE: 10,
  PROXY: 11,
  RSC: 12,
  L2MISS: 13,
  L3MISS: 14,
  PORT: 15,
  GROUP6: 16,
  LOCAL6: 17,
  UDP_CSUM: 18,
  UDP_ZERO_CSUM6_TX: 19,
  UDP_ZERO_CSUM6_RX: 20,
  REMCSUM_TX: 21,
  REMCSUM_RX: 22,
  GBP: 23,
  REMCSUM_NOPARTIAL: 24,
  COLLECT_METADATA: 25,
  LABEL: 26,
  GPE: 27,
  TTL_INHERIT: 28,
  DF: 29,
  VNIFILTER: 30,
  LOCALBYPASS: 31,
  LABEL_POLICY: 32,
  RESERVED_BITS: 33,
  MC_ROUTE: 34,
} as const

export const IFLA_MACVLAN_MODE = 1

export const IFF = {
  UP: 0x1,
  LOOPBACK: 0x8,
  NOTRAILERS: 0x20,
  RUNNING: 0x40,
  NOARP: 0x80,
  PROMISC: 0x100,
  ALLMULTI: 0x200,
  MULTICAST: 0x1000,
  DYNAMIC: 0x8000,
  LOWER_UP: 0x10000,
} as const

/** Leaves the statistics out of a link: most of its bytes. */
export const RTEXT_FILTER_SKIP_STATS = 8

/** A link named by its name or its index. */
export type LinkReference = string | number

export type LinkHeader = {
  family?: number
  index?: number
  /** IFF_…: those that are on, and those that change. */
  flags?: number
  changed?: number
}

export const LINK_HEADER_LENGTH = 16

/** struct ifinfomsg. */
export function writeLinkHeader(
  writer: PayloadWriter,
  { family, index, flags, changed }: LinkHeader,
): PayloadWriter {
  return writer
    .u8(family ?? AF_UNSPEC)
    .u8(0)
    .u16(0)
    .u32(index ?? 0)
    .u32(flags ?? 0)
    .u32(changed ?? 0)
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
