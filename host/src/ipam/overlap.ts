// Whether a subnet meets another network's or a route of the machine. The caller decides what is to be compared:
// subnets of internal networks are left out by it.
import { blockAround, type Interval, overlaps } from './block.ts'

export type TakenSubnet = { subnet: string; owner: string }

/** The first of `taken` that shares an address with `subnet`; a default route is none. */
export function findOverlap(subnet: string, taken: Iterable<TakenSubnet>): TakenSubnet | undefined {
  const block = blockAround(subnet)
  for (const other of taken) {
    if (overlaps(block, blockAround(other.subnet)) && !isDefaultRoute(other.subnet)) return other
  }
  return undefined
}

/** Whether the subnet has the address. */
export function isInSubnet(address: string, subnet: string): boolean {
  const bits = address.includes(':') ? 128 : 32
  return overlaps(blockAround(subnet), blockAround(`${address}/${bits}`))
}

// VPN clients that want all traffic add two routes with prefix 1 over the default route; they mean the same.
export function isDefaultRoute(subnet: string): boolean {
  return blockAround(subnet).prefix <= 1
}

/** The blocks as disjoint intervals in order. */
export function merged(blocks: readonly Interval[]): Interval[] {
  const result: Interval[] = []
  for (const block of blocks.toSorted((a, b) => (a.first < b.first ? -1 : 1))) {
    const previous = result.at(-1)
    if (previous === undefined || block.first > previous.last) result.push({ ...block })
    else if (block.last > previous.last) previous.last = block.last
  }
  return result
}
