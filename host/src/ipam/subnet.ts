// A subnet of a network as its user describes it, checked and brought into canonical text.
import { ConetError, type FieldError } from '@conet/sdk'
import { bitsOf, type Family, formatAddress, orThrow, type Parsed, readAddress } from './address.ts'
import {
  type Block,
  blockAround,
  contains,
  formatBlock,
  formatInterval,
  type Interval,
  overlaps,
  readBlock,
  readInterval,
  sizeOf,
  subtract,
} from './block.ts'

export type SubnetInput = {
  /** A block without host bits. */
  subnet: string
  /** An address in the subnet, or `none`, which a subnet of one address needs; the first usable address by default. */
  gateway?: string
  /** Where addresses that nobody asked for come from: a block or `first-last`; the whole subnet by default. */
  range?: string
  /** Addresses, blocks or ranges that no endpoint gets, asked for or not. */
  exclude?: readonly string[]
}

/** A checked subnet in canonical text, fit to be stored. Without `gateway` it has none. */
export type SubnetSpec = {
  family: Family
  subnet: string
  gateway?: string
  range?: string
  exclude: string[]
}

/** Which addresses of a subnet endpoints may have. */
export type UsableAddresses = {
  block: Block
  /** What endpoints may ask for. */
  requestable: Interval[]
  /** What is handed out to those who ask for nothing. */
  dynamic: Interval[]
}

const maxExcludes = 256

// Addresses that the kernel treats as something other than a host's on a link.
const forbidden: readonly { block: Block; what: string }[] = [
  { block: blockAround('0.0.0.0/8'), what: 'addresses of "this network"' },
  { block: blockAround('127.0.0.0/8'), what: 'loopback addresses' },
  { block: blockAround('169.254.0.0/16'), what: 'link-local addresses, which no router forwards' },
  { block: blockAround('224.0.0.0/4'), what: 'multicast addresses' },
  { block: blockAround('255.255.255.255/32'), what: 'the broadcast address' },
  { block: blockAround('::/127'), what: 'the unspecified or the loopback address' },
  { block: blockAround('::ffff:0:0/96'), what: 'IPv4-mapped addresses' },
  { block: blockAround('fe80::/10'), what: 'link-local addresses, which every interface has already' },
  { block: blockAround('ff00::/8'), what: 'multicast addresses' },
]

/**
 * Checks a subnet. Throws `invalidArgument` with every wrong field, named below `path`
 * (`subnets[0]` gives `subnets[0].gateway`), and with those that are wrong for a `further` reason.
 */
export function parseSubnet(input: SubnetInput, path = '', further: readonly FieldError[] = []): SubnetSpec {
  const problems: FieldError[] = [...further]
  const check = <T>(field: string, parsed: Parsed<T>): T | undefined => {
    if (parsed.ok) return parsed.value
    problems.push({ path: path === '' ? field : `${path}.${field}`, message: parsed.reason })
    return undefined
  }
  const block = check('subnet', readSubnet(input.subnet))
  const spec = block && parseWithin(block, input, check)
  if (spec !== undefined && problems.length === 0) assertRoom(spec, check)
  if (spec === undefined || problems.length > 0) throw invalid(problems)
  return spec
}

/** As `parseSubnet`; an internal network has no gateway. */
export function parseNetworkSubnet(input: SubnetInput, internal: boolean, path: string): SubnetSpec {
  if (!internal) return parseSubnet(input, path)
  const { gateway = 'none' } = input
  const further =
    gateway === 'none' ? [] : [{ path: `${path}.gateway`, message: 'an internal network has no way out' }]
  return parseSubnet({ ...input, gateway: 'none' }, path, further)
}

type Check = <T>(field: string, parsed: Parsed<T>) => T | undefined

function assertRoom(spec: SubnetSpec, check: Check): void {
  const { requestable, dynamic } = usableAddresses(spec)
  const noneOf = (text: string | undefined) => ({
    ok: false as const,
    reason: `${text} leaves no address for an endpoint`,
  })
  if (sizeOf(requestable) === 0n) check('subnet', noneOf(spec.subnet))
  else if (sizeOf(dynamic) === 0n) check('range', noneOf(spec.range))
}

function parseWithin(block: Block, { gateway, range, exclude = [] }: SubnetInput, check: Check): SubnetSpec {
  const gatewayText = check('gateway', readGateway(gateway, block))
  const rangeText = range === undefined ? undefined : check('range', readWithin(range, block))
  if (exclude.length > maxExcludes) {
    check('exclude', { ok: false, reason: `has more than ${maxExcludes} entries` })
  }
  const excludes = exclude
    .slice(0, maxExcludes)
    .map((text, n) => check(`exclude[${n}]`, readWithin(text, block)))
  return {
    family: block.family,
    subnet: formatBlock(block),
    ...(gatewayText !== undefined && gatewayText !== 'none' && { gateway: gatewayText }),
    ...(rangeText !== undefined && { range: rangeText }),
    exclude: excludes.filter((text) => text !== undefined),
  }
}

/** The addresses of a checked subnet that endpoints may have. */
export function usableAddresses(spec: SubnetSpec): UsableAddresses {
  const block = blockAround(spec.subnet)
  const texts = spec.gateway === undefined ? spec.exclude : [...spec.exclude, spec.gateway]
  const holes = [...reserved(block), ...texts.map((text) => orThrow(readInterval(text), 'parse a subnet'))]
  const range = spec.range === undefined ? block : orThrow(readInterval(spec.range), 'parse a subnet')
  return { block, requestable: subtract(block, holes), dynamic: subtract(range, holes) }
}

/** Addresses of the block itself that no host may have, its gateway included. */
function reserved({ family, first, last, prefix }: Block): Interval[] {
  // With at most two addresses both are hosts': RFC 3021 for IPv4, RFC 6164 for IPv6.
  if (bitsOf(family) - prefix <= 1) return []
  const lowest = { family, first, last: first }
  // IPv6 has no broadcast; its lowest address is the subnet-router anycast address (RFC 4291, 2.6.1).
  return family === 6 ? [lowest] : [lowest, { family, first: last, last }]
}

function readSubnet(text: string): Parsed<Block> {
  const parsed = readBlock(text)
  if (!parsed.ok) return parsed
  const clash = forbidden.find(({ block }) => overlaps(block, parsed.value))
  if (clash === undefined) return parsed
  return { ok: false, reason: `${text} has ${clash.what} (${formatBlock(clash.block)})` }
}

function readGateway(text: string | undefined, block: Block): Parsed<string> {
  if (text === 'none') return { ok: true, value: 'none' }
  if (text === undefined && block.first === block.last)
    return {
      ok: false,
      reason: `${formatBlock(block)} has no room for a gateway and an endpoint: choose a larger block, or the gateway "none"`,
    }
  const [lowest] = subtract(block, reserved(block))
  if (text === undefined && lowest !== undefined) {
    return { ok: true, value: formatAddress({ family: block.family, value: lowest.first }) }
  }
  const address = readAddress(text ?? '')
  if (!address.ok) return { ok: false, reason: `${address.reason}, nor "none"` }
  const { family, value } = address.value
  const asInterval = { family, first: value, last: value }
  if (!contains(block, asInterval)) return notWithin(text, block)
  if (reserved(block).some((other) => contains(other, asInterval))) {
    return {
      ok: false,
      reason: `${text} is the network, anycast or broadcast address of ${formatBlock(block)}`,
    }
  }
  return { ok: true, value: formatAddress(address.value) }
}

function readWithin(text: string, block: Block): Parsed<string> {
  const parsed = readInterval(text)
  if (!parsed.ok) return parsed
  return contains(block, parsed.value)
    ? { ok: true, value: formatInterval(parsed.value) }
    : notWithin(text, block)
}

function notWithin(text: string | undefined, block: Block): { ok: false; reason: string } {
  return { ok: false, reason: `${text} is not within ${formatBlock(block)}` }
}

function invalid(fields: FieldError[]): ConetError {
  const reasons = fields.map(({ path, message }) => `${path}: ${message}`).join('; ')
  return new ConetError('invalidArgument', reasons, { fields })
}
