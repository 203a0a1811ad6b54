// What of the rtnetlink toolkit is public.

export { Attributes } from '../netlink/attributes.ts'
export { BatchError } from '../netlink/batch-error.ts'
export { PayloadWriter } from '../netlink/payload-writer.ts'
export type { RouteRequest } from '../netlink/request.ts'
export {
  type Address,
  addAddress,
  deleteAddress,
  type NewAddress,
  replaceAddress,
  type Scope,
} from './address.ts'
export {
  type ChangedAddress,
  changedAddresses,
  isUsableAddress,
  mendChangedAddresses,
  type OwnAddresses,
} from './address-changes.ts'
export {
  type AddressedLink,
  type AddressRouteFault,
  addressRouteFaults,
  mendAddressRoutes,
  mendSubnetRoutes,
} from './address-routes.ts'
export { type BridgePortSettings, usualBridgePort } from './bridge-port-settings.ts'
export { type BridgeSettings, usualBridge } from './bridge-settings.ts'
export {
  addForwardingEntry,
  appendForwardingEntry,
  deleteForwardingEntry,
  type ForwardingEntry,
  type NewForwardingEntry,
  replaceForwardingEntry,
} from './forwarding-entry.ts'
export { checkedInterfaceName, interfaceNameFault } from './interface-name.ts'
export {
  broadcastOf,
  formatIp,
  formatMac,
  formatPrefix,
  ipv4Number,
  parseIp,
  parseMac,
  parsePrefix,
  subnetOf,
} from './ip-address.ts'
export type { Link, LinkFilter } from './link.ts'
export type { LinkReference } from './link-attributes.ts'
export {
  type BridgePortChange,
  deleteLink,
  deleteLinkGroup,
  type LinkChange,
  setBridge,
  setBridgePort,
  setLink,
  setVxlan,
  type VxlanChange,
} from './link-change.ts'
export {
  createBridge,
  createIfb,
  createMacvlan,
  createVeth,
  createVxlan,
  type NewBridge,
  type NewLink,
  type NewLinkRequest,
  type NewMacvlan,
  type NewVeth,
  type NewVxlan,
} from './link-create.ts'
export type {
  BridgeAttributes,
  BridgePortAttributes,
  MacvlanAttributes,
  VxlanAttributes,
} from './link-kind.ts'
export { type LinkSettings, linkSettingChanges, usualLink } from './link-settings.ts'
export {
  addNeighbour,
  addNeighbourProxy,
  deleteNeighbour,
  deleteNeighbourProxy,
  type Neighbour,
  type NeighbourKey,
  type NeighbourState,
  type NewNeighbour,
  replaceNeighbour,
} from './neighbour.ts'
export {
  addRoute,
  appendRoute,
  deleteRoute,
  KERNEL_IPV6_METRIC,
  LOCAL_TABLE,
  MAIN_TABLE,
  type NewRoute,
  type Route,
  type RouteType,
  replaceRoute,
  subnetRoute,
  usualMetric,
} from './route.ts'
export {
  deleteFoundRoute,
  type RouteFault,
  routeChanges,
  routeFaults,
  substituteRoute,
} from './route-changes.ts'
export { Rtnl, type RunOptions, type SlowRunOptions } from './rtnl.ts'
export { addRule, deleteRule, type Rule } from './rule.ts'
export type { LinkStatistics } from './statistics.ts'
export {
  type EgressLimit,
  type IngressRedirect,
  limitEgress,
  redirectIngress,
  removeEgressLimit,
  removeIngressRedirect,
} from './traffic.ts'
export type { IngressFilter, Redirect, SendingQueue } from './traffic-listing.ts'
export { type FixedVxlanSettings, usualFixedVxlan, usualVxlan, type VxlanSettings } from './vxlan-settings.ts'
export { type RouteEvent, RouteWatch, type WatchedObject, type WatchOptions } from './watch.ts'
