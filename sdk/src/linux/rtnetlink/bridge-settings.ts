// What can be set of a bridge, and what a new one has.
import {
  type AttributeTable,
  flag,
  flags,
  mac,
  optionBit,
  seconds,
  u8,
  u16,
  u16BigEndian,
  u32,
  wideFlag,
  wideSeconds,
} from './attribute-table.ts'
import { IFLA_BR } from './link-attributes.ts'

/** Kernel's names, and what they do: ip-link(8). */
export type BridgeSettings = {
  vlanFiltering: boolean
  /** 0x8100 or 0x88a8. */
  vlanProtocol: number
  /** Of ports that join. */
  defaultVlan: number
  vlanStatistics: boolean
  spanningTree: boolean
  forwardDelaySeconds: number
  helloSeconds: number
  maxAgeSeconds: number
  priority: number
  /** 0: what was learnt is forgotten at once, and everything flooded. */
  ageingSeconds: number
  /** Addresses that it learns at most; 0: any number. */
  mostLearned: number
  /** Bits of the link-local protocols 01:80:c2:00:00:0X that are forwarded; the kernel allows no 0, 1, 2. */
  groupForwardMask: number
  /** Of the spanning tree's frames. */
  groupAddress: string
  linkLocalUnlearned: boolean
  multicastPerVlan: boolean
  spanningTreePerVlan: boolean
  multicastOffloadFailures: boolean
  localEntriesInVlan0: boolean
  multicastSnooping: boolean
  multicastRouter: number
  multicastQuerier: boolean
  multicastQueryByAddress: boolean
  multicastStatistics: boolean
  multicastHashMax: number
  multicastLastMemberCount: number
  multicastStartupQueryCount: number
  multicastLastMemberSeconds: number
  multicastMembershipSeconds: number
  multicastQuerierSeconds: number
  multicastQuerySeconds: number
  multicastQueryResponseSeconds: number
  multicastStartupQuerySeconds: number
  igmpVersion: number
  mldVersion: number
  /** Whether frames bridged here also pass iptables, ip6tables and arptables, whatever the machine's bridge-nf-call-iptables says otherwise. */
  callIptables: boolean
}

/** Of a new bridge. */
export const usualBridge: BridgeSettings = {
  vlanFiltering: false,
  vlanProtocol: 0x8100,
  defaultVlan: 1,
  vlanStatistics: false,
  spanningTree: false,
  forwardDelaySeconds: 15,
  helloSeconds: 2,
  maxAgeSeconds: 20,
  priority: 0x8000,
  ageingSeconds: 300,
  mostLearned: 0,
  groupForwardMask: 0,
  groupAddress: '01:80:c2:00:00:00',
  linkLocalUnlearned: false,
  multicastPerVlan: false,
  spanningTreePerVlan: false,
  multicastOffloadFailures: false,
  localEntriesInVlan0: false,
  multicastSnooping: true,
  multicastRouter: 1,
  multicastQuerier: false,
  multicastQueryByAddress: false,
  multicastStatistics: false,
  multicastHashMax: 4096,
  multicastLastMemberCount: 2,
  multicastStartupQueryCount: 2,
  multicastLastMemberSeconds: 1,
  multicastMembershipSeconds: 260,
  multicastQuerierSeconds: 255,
  multicastQuerySeconds: 125,
  multicastQueryResponseSeconds: 10,
  multicastStartupQuerySeconds: 31.25,
  igmpVersion: 2,
  mldVersion: 1,
  callIptables: false,
}

export const bridgeTable: AttributeTable<BridgeSettings> = {
  vlanFiltering: flag(IFLA_BR.VLAN_FILTERING),
  vlanProtocol: u16BigEndian(IFLA_BR.VLAN_PROTOCOL),
  defaultVlan: u16(IFLA_BR.VLAN_DEFAULT_PVID),
  vlanStatistics: flag(IFLA_BR.VLAN_STATS_ENABLED),
  spanningTree: wideFlag(IFLA_BR.STP_STATE),
  forwardDelaySeconds: seconds(IFLA_BR.FORWARD_DELAY),
  helloSeconds: seconds(IFLA_BR.HELLO_TIME),
  maxAgeSeconds: seconds(IFLA_BR.MAX_AGE),
  priority: u16(IFLA_BR.PRIORITY),
  ageingSeconds: seconds(IFLA_BR.AGEING_TIME),
  mostLearned: u32(IFLA_BR.FDB_MAX_LEARNED),
  groupForwardMask: u16(IFLA_BR.GROUP_FWD_MASK),
  groupAddress: mac(IFLA_BR.GROUP_ADDR),
  linkLocalUnlearned: optionBit(IFLA_BR.MULTI_BOOLOPT, 0),
  multicastPerVlan: optionBit(IFLA_BR.MULTI_BOOLOPT, 1),
  spanningTreePerVlan: optionBit(IFLA_BR.MULTI_BOOLOPT, 2),
  multicastOffloadFailures: optionBit(IFLA_BR.MULTI_BOOLOPT, 3),
  localEntriesInVlan0: optionBit(IFLA_BR.MULTI_BOOLOPT, 4),
  // A kernel that does not tell cannot snoop.
  multicastSnooping: flags([IFLA_BR.MCAST_SNOOPING]),
  multicastRouter: u8(IFLA_BR.MCAST_ROUTER),
  multicastQuerier: flag(IFLA_BR.MCAST_QUERIER),
  multicastQueryByAddress: flag(IFLA_BR.MCAST_QUERY_USE_IFADDR),
  multicastStatistics: flag(IFLA_BR.MCAST_STATS_ENABLED),
  multicastHashMax: u32(IFLA_BR.MCAST_HASH_MAX),
  multicastLastMemberCount: u32(IFLA_BR.MCAST_LAST_MEMBER_CNT),
  multicastStartupQueryCount: u32(IFLA_BR.MCAST_STARTUP_QUERY_CNT),
  multicastLastMemberSeconds: wideSeconds(IFLA_BR.MCAST_LAST_MEMBER_INTVL),
  multicastMembershipSeconds: wideSeconds(IFLA_BR.MCAST_MEMBERSHIP_INTVL),
  multicastQuerierSeconds: wideSeconds(IFLA_BR.MCAST_QUERIER_INTVL),
  multicastQuerySeconds: wideSeconds(IFLA_BR.MCAST_QUERY_INTVL),
  multicastQueryResponseSeconds: wideSeconds(IFLA_BR.MCAST_QUERY_RESPONSE_INTVL),
  multicastStartupQuerySeconds: wideSeconds(IFLA_BR.MCAST_STARTUP_QUERY_INTVL),
  igmpVersion: u8(IFLA_BR.MCAST_IGMP_VERSION),
  mldVersion: u8(IFLA_BR.MCAST_MLD_VERSION),
  callIptables: flags([IFLA_BR.NF_CALL_IPTABLES, IFLA_BR.NF_CALL_IP6TABLES, IFLA_BR.NF_CALL_ARPTABLES]),
}
