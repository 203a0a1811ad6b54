// What can be set of a bridge's port, and what a new one has.
import { type AttributeTable, flag, u8, u16, u32 } from './attribute-table.ts'
import { IFLA_BRPORT } from './link-attributes.ts'

/** What a bridge does at a port. Kernel's names: bridge(8). */
export type BridgePortSettings = {
  /** Isolated ports of one bridge cannot reach each other. */
  isolated: boolean
  /** Send a frame back out of the port it came in by. */
  hairpin: boolean
  learning: boolean
  neighbourSuppression: boolean
  /** The same by VLAN. */
  neighbourSuppressionPerVlan: boolean
  unicastFlood: boolean
  multicastFlood: boolean
  broadcastFlood: boolean
  /** Let those that may not send be learnt as locked entries. */
  macAuthentication: boolean
  /** Only who is in the forwarding table may send. */
  locked: boolean
  /** Answer ARP out of the neighbour table. */
  proxyArp: boolean
  /** The same for a port whose members do not hear each other. */
  proxyArpWifi: boolean
  /** Send multicast to each member that asked for it alone. */
  multicastToUnicast: boolean
  multicastRouter: number
  /** Groups that it joins at most; 0: any number. */
  mostMulticastGroups: number
  /** Receivers that are kept track of. */
  mostMulticastHosts: number
  /** A member that leaves a group is the last of it here. */
  fastLeave: boolean
  /** Switch the port off when a frame of a spanning tree comes in. */
  bpduGuard: boolean
  /** Never take the port for the way to the spanning tree's root. */
  rootBlock: boolean
  /** In the spanning tree. The kernel derives it from the speed of the link until somebody sets one. */
  cost: number
  /** In the spanning tree. */
  priority: number
  /** Take the VLAN out of the tunnel's number. */
  vlanTunnel: boolean
  /** Bits of the link-local protocols 01:80:c2:00:00:0X that are forwarded from here. */
  groupForwardMask: number
  /** Index of the port that takes its packets while it has no carrier; 0: none. */
  backupPort: number
  /** Nexthop with which they go there; 0: none. */
  backupNexthop: number
}

/** Of a new port. */
export const usualBridgePort: BridgePortSettings = {
  isolated: false,
  hairpin: false,
  learning: true,
  neighbourSuppression: false,
  neighbourSuppressionPerVlan: false,
  unicastFlood: true,
  multicastFlood: true,
  broadcastFlood: true,
  macAuthentication: false,
  locked: false,
  proxyArp: false,
  proxyArpWifi: false,
  multicastToUnicast: false,
  multicastRouter: 1,
  mostMulticastGroups: 0,
  mostMulticastHosts: 512,
  fastLeave: false,
  bpduGuard: false,
  rootBlock: false,
  cost: 100,
  priority: 32,
  vlanTunnel: false,
  groupForwardMask: 0,
  backupPort: 0,
  backupNexthop: 0,
}

export const bridgePortTable: AttributeTable<BridgePortSettings> = {
  isolated: flag(IFLA_BRPORT.ISOLATED),
  hairpin: flag(IFLA_BRPORT.MODE),
  learning: flag(IFLA_BRPORT.LEARNING),
  neighbourSuppression: flag(IFLA_BRPORT.NEIGH_SUPPRESS),
  neighbourSuppressionPerVlan: flag(IFLA_BRPORT.NEIGH_VLAN_SUPPRESS),
  unicastFlood: flag(IFLA_BRPORT.UNICAST_FLOOD),
  multicastFlood: flag(IFLA_BRPORT.MCAST_FLOOD),
  broadcastFlood: flag(IFLA_BRPORT.BCAST_FLOOD),
  macAuthentication: flag(IFLA_BRPORT.MAB),
  locked: flag(IFLA_BRPORT.LOCKED),
  proxyArp: flag(IFLA_BRPORT.PROXYARP),
  proxyArpWifi: flag(IFLA_BRPORT.PROXYARP_WIFI),
  multicastToUnicast: flag(IFLA_BRPORT.MCAST_TO_UCAST),
  multicastRouter: u8(IFLA_BRPORT.MULTICAST_ROUTER),
  mostMulticastGroups: u32(IFLA_BRPORT.MCAST_MAX_GROUPS),
  mostMulticastHosts: u32(IFLA_BRPORT.MCAST_EHT_HOSTS_LIMIT),
  fastLeave: flag(IFLA_BRPORT.FAST_LEAVE),
  bpduGuard: flag(IFLA_BRPORT.GUARD),
  rootBlock: flag(IFLA_BRPORT.PROTECT),
  cost: u32(IFLA_BRPORT.COST),
  priority: u16(IFLA_BRPORT.PRIORITY),
  vlanTunnel: flag(IFLA_BRPORT.VLAN_TUNNEL),
  groupForwardMask: u16(IFLA_BRPORT.GROUP_FWD_MASK),
  backupPort: u32(IFLA_BRPORT.BACKUP_PORT),
  backupNexthop: u32(IFLA_BRPORT.BACKUP_NHID),
}
