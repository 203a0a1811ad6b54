// Blocks of addresses: a prefix such as 10.0.0.0/8, or any run from one address to another.
import {
  type Address,
  bitsOf,
  type Family,
  formatAddress,
  orThrow,
  type Parsed,
  readAddress,
} from './address.ts'

/** A run of addresses of one family, both ends included. */
export type Interval = { family: Family; first: bigint; last: bigint }

/** The interval of a prefix. */
export type Block = Interval & { prefix: number }

export function blockAt(family: Family, value: bigint, prefix: number): Block {
  const size = 1n << BigInt(bitsOf(family) - prefix)
  const first = value - (value % size)
  return { family, prefix, first, last: first + size - 1n }
}

/** `address/prefix` without host bits; the reason names the canonical form. */
export function readBlock(text: string): Parsed<Block> {
  const read = readPrefixed(text)
  if (!read.ok) return read
  const { address, block } = read.value
  if (address.value === block.first) return { ok: true, value: block }
  return {
    ok: false,
    reason: `${JSON.stringify(text)} has host bits set; the block is ${formatBlock(block)}`,
  }
}

/** The block that `address/prefix` lies in, host bits allowed: routes and interface addresses of the machine. */
export function blockAround(text: string): Block {
  return orThrow(readPrefixed(text), 'parse a block').block
}

/** `address/prefix`, host bits allowed: the address, and the block that it lies in. */
export function readPrefixed(text: string): Parsed<{ address: Address; block: Block }> {
  const [addressText = '', prefixText = '', ...more] = text.split('/')
  const address = readAddress(addressText)
  const isNumber = /^(0|[1-9]\d{0,2})$/.test(prefixText) && more.length === 0
  if (!address.ok || !isNumber) {
    return { ok: false, reason: `${JSON.stringify(text)} is not a block such as 10.0.0.0/16 or fd00::/64` }
  }
  const { family, value } = address.value
  const prefix = Number(prefixText)
  if (prefix > bitsOf(family)) {
    return { ok: false, reason: `${JSON.stringify(text)} has a prefix above ${bitsOf(family)}` }
  }
  return { ok: true, value: { address: address.value, block: blockAt(family, value, prefix) } }
}

/** One address, `first-last`, or a block. */
export function readInterval(text: string): Parsed<Interval> {
  if (text.includes('/')) return readBlock(text)
  const [firstText = '', lastText = firstText, ...more] = text.split('-')
  const first = readAddress(firstText)
  const last = readAddress(lastText)
  if (!first.ok || !last.ok || more.length > 0 || first.value.family !== last.value.family) {
    return {
      ok: false,
      reason: `${JSON.stringify(text)} is not an address, a block, or a range "first-last"`,
    }
  }
  if (first.value.value > last.value.value) {
    return { ok: false, reason: `${JSON.stringify(text)} ends before it begins` }
  }
  return { ok: true, value: { family: first.value.family, first: first.value.value, last: last.value.value } }
}

export function formatBlock({ family, first, prefix }: Block): string {
  return `${formatAddress({ family, value: first })}/${prefix}`
}

export function formatInterval({ family, first, last }: Interval): string {
  const [from, to] = [first, last].map((value) => formatAddress({ family, value }))
  return from === to ? `${from}` : `${from}-${to}`
}

export function overlaps(a: Interval, b: Interval): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last
}

export function contains(outer: Interval, inner: Interval): boolean {
  return outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last
}

/** What is left of `from` without the holes, in order. */
export function subtract(from: Interval, holes: readonly Interval[]): Interval[] {
  const { family } = from
  const left: Interval[] = []
  let first = from.first
  for (const hole of holes.toSorted((a, b) => (a.first < b.first ? -1 : 1))) {
    if (hole.first > first) left.push({ family, first, last: min(hole.first - 1n, from.last) })
    if (hole.last >= first) first = hole.last + 1n
    if (first > from.last) return left
  }
  return [...left, { family, first, last: from.last }]
}

/** What both have in common; each of them disjoint, in order. */
export function intersect(some: readonly Interval[], others: readonly Interval[]): Interval[] {
  return some.flatMap((one) =>
    others
      .filter((other) => overlaps(one, other))
      .map((other) => ({
        family: one.family,
        first: max(one.first, other.first),
        last: min(one.last, other.last),
      })),
  )
}

export function sizeOf(intervals: readonly Interval[]): bigint {
  return intervals.reduce((sum, { first, last }) => sum + last - first + 1n, 0n)
}

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b)
const max = (a: bigint, b: bigint): bigint => (a > b ? a : b)
