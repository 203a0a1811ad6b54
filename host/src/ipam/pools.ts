// Where subnets come from that nobody chose: big blocks, cut into subnets of one size.
import { randomBytes } from 'node:crypto'
import { ConetError, type FieldError } from '@conet/sdk'
import { bitsOf, type Family, formatAddress, toNumber } from './address.ts'
import { type Block, blockAround, blockAt, contains, formatBlock, type Interval, readBlock } from './block.ts'
import { isDefaultRoute, merged } from './overlap.ts'

/** A block to cut subnets with the prefix `size` from. */
export type AddressPool = { base: string; size: number }

export const defaultIpv4Pools: readonly AddressPool[] = [
  { base: '10.0.0.0/8', size: 16 },
  { base: '172.16.0.0/12', size: 16 },
  { base: '192.168.0.0/16', size: 20 },
]

/** A /48 of unique local addresses with a random global id (RFC 4193). Make it once a machine and keep it. */
export function generateUlaPool(globalId: Uint8Array = randomBytes(5)): AddressPool {
  const value = (0xfdn << 120n) | (toNumber(globalId.subarray(0, 5)) << 80n)
  return { base: `${formatAddress({ family: 6, value })}/48`, size: 64 }
}

/** Checks configured pools of one family; `invalidArgument` names each wrong field below `path`. */
export function parsePools(pools: readonly AddressPool[], path = 'pools', family?: Family): AddressPool[] {
  const fields: FieldError[] = []
  for (const [n, { base, size }] of pools.entries()) {
    const block = readBlock(base)
    if (!block.ok) fields.push({ path: `${path}[${n}].base`, message: block.reason })
    else if (family !== undefined && block.value.family !== family)
      fields.push({ path: `${path}[${n}].base`, message: `${base} is no block of IPv${family} addresses` })
    else if (!isSize(size, block.value))
      fields.push({ path: `${path}[${n}].size`, message: sizeReason(block.value) })
  }
  if (fields.length === 0)
    return pools.map(({ base, size }) => ({ base: formatBlock(blockAround(base)), size }))
  const reasons = fields.map((field) => `${field.path}: ${field.message}`).join('; ')
  throw new ConetError('invalidArgument', `check address pools: ${reasons}`, { fields })
}

const largestSize = (family: Family): number => bitsOf(family) - 2

function isSize(size: number, { family, prefix }: Block): boolean {
  return Number.isInteger(size) && size >= prefix && size <= largestSize(family)
}

function sizeReason({ family, prefix }: Block): string {
  return `must be a prefix from ${prefix} to ${largestSize(family)}`
}

/**
 * The first block of the pools, or in the first pool with one the last, that shares no address with `taken` (other
 * networks' subnets, routes of the machine; default routes do not count). `addressesExhausted` when there is none.
 */
export function choosePool(
  family: Family,
  pools: readonly AddressPool[],
  taken: Iterable<string>,
  from: 'start' | 'end' = 'start',
): string {
  const obstacles = merged([...taken].filter((subnet) => !isDefaultRoute(subnet)).map(blockAround))
  const usable = pools
    .map(({ base, size }) => ({ base: blockAround(base), size }))
    .filter((p) => p.base.family === family)
  for (const { base, size } of usable) {
    const ofFamily = obstacles.filter((other) => other.family === family)
    const free = from === 'start' ? firstFree(base, size, ofFamily) : lastFree(base, size, ofFamily)
    if (free !== undefined) return formatBlock(free)
  }
  throw exhausted(family, usable)
}

function firstFree(base: Block, size: number, obstacles: readonly Interval[]): Block | undefined {
  let candidate = blockAt(base.family, base.first, size)
  for (const obstacle of obstacles) {
    if (obstacle.first > candidate.last) break
    if (obstacle.last < candidate.first) continue
    // On to the first block that begins behind the obstacle.
    candidate = blockAt(base.family, blockAt(base.family, obstacle.last, size).last + 1n, size)
  }
  return contains(base, candidate) ? candidate : undefined
}

function lastFree(base: Block, size: number, obstacles: readonly Interval[]): Block | undefined {
  let candidate = blockAt(base.family, base.last, size)
  for (const obstacle of obstacles.toReversed()) {
    if (obstacle.last < candidate.first) break
    if (obstacle.first > candidate.last) continue
    // Back to the last block that ends before the obstacle.
    const { first } = blockAt(base.family, obstacle.first, size)
    if (first <= base.first) return undefined
    candidate = blockAt(base.family, first - 1n, size)
  }
  return candidate
}

function exhausted(family: Family, pools: readonly { base: Block; size: number }[]): ConetError {
  const capacity = pools.reduce((sum, { base, size }) => sum + 2 ** (size - base.prefix), 0)
  const names = pools.map(({ base, size }) => `${formatBlock(base)} in /${size}`).join(', ') || 'none'
  return new ConetError(
    'addressesExhausted',
    `choose an IPv${family} subnet: no block is free in the pools ${names}`,
    {
      details: { family, used: capacity, capacity },
      help: 'name a subnet yourself, delete networks that are not needed, or configure more pools',
    },
  )
}
