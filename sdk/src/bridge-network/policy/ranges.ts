// Ranges of addresses and ports, as numbers.
import { formatIp, formatPrefix, ipv4Number, parsePrefix } from '../../linux/index.ts'
import type { AddressRange } from './document.ts'

export type Family = 4 | 6

/** Addresses of one family, both ends included. */
export type IpRange = { readonly family: Family; readonly start: bigint; readonly end: bigint }

/** Ports, both ends included. */
export type PortRange = { readonly start: number; readonly end: number }

export const anyPort: PortRange = { start: 0, end: 65535 }

export const lastAddress: Readonly<Record<Family, bigint>> = { 4: (1n << 32n) - 1n, 6: (1n << 128n) - 1n }

export const anyAddress = (family: Family): IpRange => ({ family, start: 0n, end: lastAddress[family] })

/** Throws a RangeError or TypeError with words for a user. */
export function parseRange(range: AddressRange): IpRange {
  return typeof range === 'string' ? parsePrefixRange(range) : between(range, parsePrefixRange)
}

function between({ start, end }: Exclude<AddressRange, string>, parse: (text: string) => IpRange): IpRange {
  const [from = end, to = start] = [start, end]
  if (from === undefined || to === undefined) throw new RangeError('must have a start or an end')
  const first = parse(from)
  const last = from === to ? first : parse(to)
  if (first.family !== last.family) throw new RangeError('must start and end in one family')
  if (first.start > last.end) throw new RangeError('must not end before it starts')
  return { family: first.family, start: first.start, end: last.end }
}

/** As `parseRange`, for what people write: refuses what can only be a mistake. */
export function parseWrittenRange(range: AddressRange): IpRange {
  if (typeof range === 'string') return parseWritten(range)
  for (const end of [range.start, range.end]) {
    if (end === undefined) continue
    if (end.includes('/'))
      throw new RangeError(`${JSON.stringify(end)} is a prefix: a range begins and ends at an address`)
  }
  return between(range, parseWritten)
}

function parseWritten(text: string): IpRange {
  const address = ipv4Number(text)
  if (address !== undefined) return ipv4Range(address, 32)
  const { bytes, prefixLength } = parsePrefix(text)
  if (isMapped(bytes)) throw new RangeError(`${JSON.stringify(text)} is an address of IPv4: it is written so`)
  const range = rangeOf(bytes, prefixLength)
  if (prefixLength === bytes.length * 8 || addressNumber(bytes) === range.start) return range
  const prefix = formatPrefix(addressBytes(range.start, range.family), prefixLength)
  throw new RangeError(`${JSON.stringify(text)} has bits behind its prefix: ${prefix}, or ${formatIp(bytes)}`)
}

const mappedPrefix = Buffer.from('00000000000000000000ffff', 'hex')

/** Whether it is `::ffff:0:0/96` or a part of it, which no packet carries. */
export function isMapped(bytes: Buffer): boolean {
  return bytes.length === 16 && bytes.subarray(0, -4).equals(mappedPrefix)
}

function parsePrefixRange(text: string): IpRange {
  const { bytes, prefixLength } = parsePrefix(text)
  return rangeOf(bytes, prefixLength)
}

function rangeOf(bytes: Buffer, prefixLength: number): IpRange {
  if (bytes.length === 4) return ipv4Range(bytes.readUInt32BE(), prefixLength)
  const hosts = (1n << BigInt(bytes.length * 8 - prefixLength)) - 1n
  const address = addressNumber(bytes)
  return { family: 6, start: address & ~hosts, end: address | hosts }
}

/** Most documents are of these, by the thousand. */
function ipv4Range(address: number, prefixLength: number): IpRange {
  const size = 2 ** (32 - prefixLength)
  const start = address - (address % size)
  return { family: 4, start: BigInt(start), end: BigInt(start + size - 1) }
}

export function addressNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

/** The bytes of an address in network order. */
export function addressBytes(address: bigint, family: Family): Buffer {
  if (family === 6) return Buffer.from(address.toString(16).padStart(32, '0'), 'hex')
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(Number(address))
  return bytes
}

type Range<N> = { readonly start: N; readonly end: N }

/** The same numbers in as few ranges as possible, in order. */
export function mergePorts(ranges: readonly PortRange[]): PortRange[] {
  return merge(ranges, (one, other) => one >= other - 1)
}

/** As `mergePorts`. */
export function mergeAddresses(ranges: readonly IpRange[]): Range<bigint>[] {
  return merge<bigint>(ranges, (one, other) => one >= other - 1n)
}

function merge<N extends number | bigint>(
  ranges: readonly Range<N>[],
  touches: (end: N, start: N) => boolean,
): Range<N>[] {
  const sorted = [...ranges].sort((one, other) => compare(one.start, other.start))
  const merged: Range<N>[] = []
  for (const { start, end } of sorted) {
    const last = merged.at(-1)
    if (last === undefined || !touches(last.end, start)) merged.push({ start, end })
    else if (end > last.end) merged[merged.length - 1] = { start: last.start, end }
  }
  return merged
}

export function compare<N extends number | bigint>(one: N, other: N): number {
  if (one < other) return -1
  return one > other ? 1 : 0
}
