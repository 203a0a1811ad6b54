// nftables by single objects, and the flows that the kernel remembers. For the rooms of the SDK: libnftables does the rest.
export { Conntrack } from './conntrack.ts'
export { glanceAtUdpPorts, hasFlows } from './conntrack-glance.ts'
export type { Flow, FlowFilter, Tuple } from './conntrack-messages.ts'
export type { NetfilterRequest } from './netfilter-request.ts'
export { NftablesClient } from './nftables-client.ts'
export { areSameElements, isSameRule, type Told, toldBy } from './nftables-comparison.ts'
export {
  type ChainVerdict,
  decide,
  type Expression,
  hostOrder,
  isBetween,
  isIn,
  limitRate,
  loadPayload,
  loadProtocol,
  logPacket,
  parseHostOrder,
  setPriority,
} from './nftables-expressions.ts'
export { expressionsOf, type FoundChain, type FoundElement, type FoundRule } from './nftables-listing.ts'
export {
  addChain,
  addElements,
  addRangeSet,
  appendRule,
  concatenate,
  deleteChain,
  deleteElements,
  deleteSet,
  type NewSet,
  type SetElement,
  type TableMember,
} from './nftables-objects.ts'
