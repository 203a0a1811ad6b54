// IP and MAC addresses between their text and the bytes that the kernel speaks. Text is checked by node:net.
import { isIPv4, isIPv6 } from 'node:net'
import { AF_INET, AF_INET6 } from '../netlink/constants.ts'

export type AddressFamily = typeof AF_INET | typeof AF_INET6

/** An address as the kernel takes it: 4 or 16 bytes. */
export type IpBytes = { family: AddressFamily; bytes: Buffer }
/** An address, or the subnet in which it lies, with its prefix length. */
export type IpPrefix = IpBytes & { prefixLength: number }

const dot = 0x2e
const zero = 0x30

/** The number of `10.0.0.2`; undefined for any other text. Without parts of it: policies have addresses by the ten thousand. */
export function ipv4Number(text: string): number | undefined {
  if (!isIPv4(text)) return undefined
  let [number, part] = [0, 0]
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === dot) [number, part] = [number * 256 + part, 0]
    else part = part * 10 + code - zero
  }
  return number * 256 + part
}

/** Parses `10.0.0.2` or `fd00::2`; throws a TypeError otherwise, also for a zone (`fe80::1%eth0`). */
export function parseIp(text: string): IpBytes {
  const number = ipv4Number(text)
  if (number !== undefined) {
    const bytes = Buffer.allocUnsafe(4)
    bytes.writeUInt32BE(number)
    return { family: AF_INET, bytes }
  }
  if (isIPv6(text) && !text.includes('%')) return { family: AF_INET6, bytes: parseIpv6(text) }
  throw new TypeError(`${JSON.stringify(text)} is no IP address`)
}

/** Parses `10.0.0.2/16` or `fd00::2/64`. Without a length it is the whole address: /32 or /128. */
export function parsePrefix(text: string): IpPrefix {
  const [address = '', length, ...rest] = text.split('/')
  const parsed = parseIp(address)
  const longest = parsed.bytes.length * 8
  const prefixLength = length === undefined ? longest : Number(length)
  if (
    rest.length > 0 ||
    (length !== undefined && !/^(0|[1-9]\d{0,2})$/.test(length)) ||
    prefixLength > longest
  ) {
    throw new TypeError(`${JSON.stringify(text)} is no IP address with a prefix length`)
  }
  return { ...parsed, prefixLength }
}

/** The text of 4 or 16 bytes, IPv6 as RFC 5952 has it. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length !== 4) return formatIpv6(bytes)
  const [first, second, third, fourth] = bytes
  return `${first}.${second}.${third}.${fourth}`
}

/** The text of an address with its prefix length: `10.0.0.2/16`. */
export function formatPrefix(bytes: Uint8Array, prefixLength: number): string {
  return `${formatIp(bytes)}/${prefixLength}`
}

/** Parses `02:42:0a:00:00:02`; throws a TypeError otherwise. */
export function parseMac(text: string): Buffer {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) {
    throw new TypeError(`${JSON.stringify(text)} is no MAC address`)
  }
  return Buffer.from(text.replaceAll(':', ''), 'hex')
}

const hexOf = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** The text of a MAC address, in lower case with colons. */
export function formatMac(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += `${text === '' ? '' : ':'}${hexOf[byte]}`
  return text
}

/** The subnet in which an address lies: `10.0.0.0/16` of `10.0.0.2/16`. */
export function subnetOf({ bytes, prefixLength }: IpPrefix): string {
  const subnet = Uint8Array.from(bytes, (byte, at) => {
    const kept = Math.min(8, Math.max(0, prefixLength - at * 8))
    return byte & (0xff00 >> kept)
  })
  return formatPrefix(subnet, prefixLength)
}

/** The last address of an IPv4 prefix, or undefined where there is none (/31, /32, IPv6). */
export function broadcastOf({ bytes, prefixLength }: IpPrefix): Buffer | undefined {
  if (bytes.length !== 4 || prefixLength > 30) return undefined
  const hostBits = 0xffffffff >>> prefixLength
  const broadcast = Buffer.alloc(4)
  broadcast.writeUInt32BE((bytes.readUInt32BE() | hostBits) >>> 0)
  return broadcast
}

function parseIpv6(text: string): Buffer {
  const [head = '', tail] = withHexadecimalEnd(text).split('::')
  const left = groupsOf(head)
  const right = groupsOf(tail ?? '')
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => 0)
  return Buffer.from([...left, ...zeros, ...right].flatMap((group) => [group >> 8, group & 0xff]))
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}

/** `::ffff:10.0.0.1` as `::ffff:a00:1`. */
function withHexadecimalEnd(text: string): string {
  const dotted = /[\d.]+$/.exec(text)?.[0]
  if (dotted?.includes('.') !== true) return text
  const bytes = Buffer.from(dotted.split('.').map(Number))
  const groups = `${bytes.readUInt16BE(0).toString(16)}:${bytes.readUInt16BE(2).toString(16)}`
  return text.slice(0, -dotted.length) + groups
}

function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => {
    return (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16)
  })
  const { start, length } = longestZeros(groups)
  if (length < 2) return groups.join(':')
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`
}

/** The first longest run of zero groups. */
function longestZeros(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  for (const [index, group] of groups.entries()) {
    if (group !== '0') start = index + 1
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start }
  }
  return best
}
