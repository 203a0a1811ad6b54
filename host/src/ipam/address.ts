// IP addresses as numbers, so that they can be counted; the text of both families, strict in, canonical out.
import { isIPv4, isIPv6 } from 'node:net'
import { ConetError } from '@conet/sdk'
import ipaddr from 'ipaddr.js'

export type Family = 4 | 6
export type Address = { family: Family; value: bigint }

/** A value read from a user's text, or why it is none. */
export type Parsed<T> = { ok: true; value: T } | { ok: false; reason: string }

export const bitsOf = (family: Family): number => (family === 4 ? 32 : 128)

/** Dotted quads without leading zeros (which some read as octal), and RFC 4291 text without a zone. */
export function readAddress(text: string): Parsed<Address> {
  if (isIPv4(text)) return { ok: true, value: { family: 4, value: numberOfIPv4(text) } }
  if (isIPv6(text) && !text.includes('%')) {
    return { ok: true, value: { family: 6, value: toNumber(ipaddr.IPv6.parse(text).toByteArray()) } }
  }
  return { ok: false, reason: `${JSON.stringify(text)} is not an IP address` }
}

function numberOfIPv4(text: string): bigint {
  return BigInt(text.split('.').reduce((value, byte) => value * 256 + Number(byte), 0))
}

/** Like readAddress, but throws `invalidArgument`. */
export function parseAddress(text: string): Address {
  return orThrow(readAddress(text), 'parse an address')
}

export function orThrow<T>(parsed: Parsed<T>, what: string): T {
  if (!parsed.ok) throw new ConetError('invalidArgument', `${what}: ${parsed.reason}`)
  return parsed.value
}

/** Canonical text; for IPv6 that of RFC 5952. */
export function formatAddress({ family, value }: Address): string {
  if (family === 4) return textOfIPv4(Number(value))
  return new ipaddr.IPv6(toBytes(value, 16)).toRFC5952String()
}

function textOfIPv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`
}

/** The low `length` bytes of a number, most significant first. */
function toBytes(value: bigint, length: number): number[] {
  const hex = value.toString(16).padStart(length * 2, '0')
  return [...Buffer.from(hex, 'hex')]
}

export function toNumber(bytes: Iterable<number>): bigint {
  return BigInt(`0x${Buffer.from([...bytes]).toString('hex')}`)
}

/** `10.0.0.2` of `10.0.0.2/16`. */
export function withoutPrefix(address: string): string {
  return address.split('/')[0] ?? address
}
