export {
  type Address,
  type Family,
  formatAddress,
  parseAddress,
  readAddress,
  withoutPrefix,
} from './address.ts'
export { AddressAllocator, type AllocatorRecord, type Lease } from './address-allocator.ts'
export {
  type Block,
  blockAround,
  formatBlock,
  type Interval,
  readBlock,
  readPrefixed,
  subtract,
} from './block.ts'
export { BlockGrid, blockBitsFor } from './block-grid.ts'
export { ipv4OfMac, linkLocalOfMac, macFromEndpointId, macFromIpv4 } from './mac.ts'
export { findOverlap, isInSubnet, type TakenSubnet } from './overlap.ts'
export { type PoolUsage, poolUsage } from './pool-usage.ts'
export { type AddressPool, choosePool, defaultIpv4Pools, generateUlaPool, parsePools } from './pools.ts'
export { parseNetworkSubnet, parseSubnet, type SubnetInput, type SubnetSpec } from './subnet.ts'
