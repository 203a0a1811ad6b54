// How much of a pool is taken: whole blocks of its size, since a block with one address in use is given to nobody else.
import { bitsOf } from './address.ts'
import { type Block, blockAround, blockAt, type Interval } from './block.ts'
import { merged } from './overlap.ts'
import type { AddressPool } from './pools.ts'

/** In subnets of the pool's size, capped at 2^53 - 1. */
export type PoolUsage = { readonly subnets: number; readonly used: number }

/** `taken`: the subnets of networks, of this pool or not. */
export function poolUsage({ base, size }: AddressPool, taken: Iterable<string>): PoolUsage {
  const pool = blockAround(base)
  const covered = [...taken].map(blockAround).flatMap((subnet) => coveredBy(pool, size, subnet))
  const blockSize = 1n << BigInt(bitsOf(pool.family) - size)
  const used = merged(covered).reduce((sum, { first, last }) => sum + (last - first + 1n) / blockSize, 0n)
  return { subnets: capped(1n << BigInt(size - pool.prefix)), used: capped(used) }
}

/** The blocks of the pool that the subnet touches, as one run. */
function coveredBy(pool: Block, size: number, subnet: Block): Interval[] {
  const { family } = pool
  if (subnet.family !== family || subnet.last < pool.first || subnet.first > pool.last) return []
  const within = (address: bigint) =>
    address < pool.first ? pool.first : address > pool.last ? pool.last : address
  const first = blockAt(family, within(subnet.first), size)
  const last = blockAt(family, within(subnet.last), size)
  return [{ family, first: first.first, last: last.last }]
}

function capped(count: bigint): number {
  return count > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(count)
}
