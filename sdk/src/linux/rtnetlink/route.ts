// Routes: requests, and what the kernel reports.
import { Attributes } from '../netlink/attributes.ts'
import { AF_INET, AF_INET6, AF_UNSPEC, NLM_F } from '../netlink/constants.ts'
import { aligned, littleEndian, viewOf } from '../netlink/host-order.ts'
import type { NetlinkMessage } from '../netlink/message.ts'
import { PayloadWriter } from '../netlink/payload-writer.ts'
import type { RouteRequest } from '../netlink/request.ts'
import { type Scope, scopes } from './address.ts'
import { RTM } from './constants.ts'
import { type AddressFamily, formatIp, formatPrefix, parseIp, parsePrefix, subnetOf } from './ip-address.ts'
import { checkedIndex } from './link-attributes.ts'
import { nameOf } from './named-number.ts'
import { routeOptions } from './route-options.ts'

const HEADER_LENGTH = 12
const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7, MULTIPATH: 9, TABLE: 15 } as const
/** struct rtnexthop: length u16, flags u8, hops u8, interface s32. */
const NEXT_HOP_LENGTH = 8
const RTNH_F_ONLINK = 4
/** Routes in the kernel's cache (RTM_F_CLONED), which are no entries of a table. */
const RTM_F_CLONED = 0x200
const ANY_SCOPE = scopes.nowhere
/** Of the routes that the kernel makes itself. */
export const KERNEL_PROTOCOL = 2
/** Of the IPv6 routes that the kernel makes with an address. */
export const KERNEL_IPV6_METRIC = 256

/** Of a route that is set without one. */
export const usualMetric = { ipv4: 0, ipv6: 1024 }

/** The table of ordinary routes (rtnetlink(7), RT_TABLE_MAIN). */
export const MAIN_TABLE = 254
/** Where the kernel keeps the addresses of the machine itself. */
export const LOCAL_TABLE = 255
/** For a table that only the attribute can name. */
const TABLE_IN_ATTRIBUTE = 252
const MAX_TABLE_IN_HEADER = 255

/** Who made a route. To the kernel, unspecified is anybody's. */
const UNSPECIFIED_PROTOCOL = 0
const STATIC_PROTOCOL = 4

export const routeTypes = {
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
} as const

/** What happens to a packet that takes the route; ip-route(8). */
export type RouteType = keyof typeof routeTypes

/** A route to be set. */
export type NewRoute = {
  /** `10.1.0.0/16`; the default routes are `0.0.0.0/0` and `::/0`. */
  destination: string
  gateway?: string
  /** Index of the interface. */
  link?: number
  /** Smaller wins. The kernel's default is 0 for IPv4, 1024 for IPv6. */
  metric?: number
  /** Default: main. */
  table?: number
  /** IPv4; default `link` without a gateway, else `universe`. */
  scope?: Scope
  preferredSource?: string
  /** The gateway is on the link though no route says so. */
  onlink?: boolean
  /** Default `unicast`. */
  type?: RouteType
  /** Who made it, 4 (static) by default; a number of one's own tells one's routes from others'. */
  protocol?: number
  /** IPv4: for packets with this type of service alone. */
  tos?: number
}

type NextHop = { gateway: string | undefined; link: number | undefined }

/** A route as the kernel reports it. Of several next hops, `gateway` and `link` are the first. */
export type Route = NextHop & {
  family: 'ipv4' | 'ipv6'
  destination: string
  moreHops: readonly NextHop[]
  metric: number | undefined
  table: number
  scope: Scope | undefined
  preferredSource: string | undefined
  onlink: boolean
  type: RouteType | undefined
  protocol: number
  tos: number
  /** What else is said of it: `mtu 1300`, `realm 5`. */
  options: string[]
}

/** The route to its subnet that the kernel makes with an address (`10.0.0.2/16`); undefined for one alone (/32, /128). */
export function subnetRoute({ link, address }: { link: number; address: string }): NewRoute | undefined {
  const prefix = parsePrefix(address)
  if (prefix.prefixLength === prefix.bytes.length * 8) return undefined
  const route = { destination: subnetOf(prefix), link, protocol: KERNEL_PROTOCOL }
  return prefix.family === AF_INET
    ? { ...route, preferredSource: formatIp(prefix.bytes) }
    : { ...route, metric: KERNEL_IPV6_METRIC }
}

/** Adds a route. Fails with EEXIST when there is one to the same destination with the same metric. */
export function addRoute(route: NewRoute): RouteRequest {
  return newRoute('add', NLM_F.CREATE | NLM_F.EXCL, route)
}

/** Adds a route behind those to the same destination with the same metric, as the kernel does with its own. Fails with EEXIST when it is there. */
export function appendRoute(route: NewRoute): RouteRequest {
  return newRoute('append', NLM_F.CREATE | NLM_F.APPEND, route)
}

/** Adds a route or takes the place of the one to the same destination with the same metric. May be repeated. */
export function replaceRoute(route: NewRoute): RouteRequest {
  return newRoute('replace', NLM_F.CREATE | NLM_F.REPLACE, route)
}

/** Deletes the first route that has all that is given. Fails with ESRCH when there is none. */
export function deleteRoute(route: NewRoute): RouteRequest {
  const header = {
    protocol: route.protocol ?? UNSPECIFIED_PROTOCOL,
    scope: route.scope === undefined ? ANY_SCOPE : scopes[route.scope],
    type: route.type === undefined ? 0 : routeTypes[route.type],
  }
  const operation = `delete route to ${describe(route)}`
  return { operation, type: RTM.DELROUTE, flags: 0, payload: writeRoute(route, header) }
}

/** Which routes are meant: those of all tables and both families, or of one. */
export type RouteFilter = {
  readonly table?: number
  readonly family?: Route['family']
  /** Index of the link that they go out by. */
  readonly link?: number
}

export function listRoutes({ table, family, link }: RouteFilter): RouteRequest {
  const familyNumber = family === undefined ? AF_UNSPEC : family === 'ipv4' ? AF_INET : AF_INET6
  const writer = new PayloadWriter().u8(familyNumber).zeros(HEADER_LENGTH - 1)
  const payload = writer.attributeU32(RTA.OIF, link).attributeU32(RTA.TABLE, table).finish()
  return { operation: 'list routes', type: RTM.GETROUTE, flags: 0, payload }
}

/** Reads RTM_NEWROUTE or RTM_DELROUTE; undefined for cached and multicast routes. */
export function parseRoute({ type, payload }: NetlinkMessage): Route | undefined {
  if (type !== RTM.NEWROUTE && type !== RTM.DELROUTE) return undefined
  const family = payload.readUInt8(0)
  const flags = viewOf(payload).getUint32(8, littleEndian)
  if ((family !== AF_INET && family !== AF_INET6) || flags & RTM_F_CLONED) return undefined
  const attributes = new Attributes(payload.subarray(HEADER_LENGTH))
  const source = attributes.bytes(RTA.PREFSRC)
  return {
    family: family === AF_INET ? 'ipv4' : 'ipv6',
    destination: destinationOf(family, attributes.bytes(RTA.DST), payload.readUInt8(1)),
    ...nextHopsOf(attributes),
    metric: attributes.u32(RTA.PRIORITY),
    table: attributes.u32(RTA.TABLE) ?? payload.readUInt8(4),
    scope: nameOf(scopes, payload.readUInt8(6)),
    preferredSource: source && formatIp(source),
    onlink: (flags & RTNH_F_ONLINK) !== 0,
    type: nameOf(routeTypes, payload.readUInt8(7)),
    protocol: payload.readUInt8(5),
    tos: payload.readUInt8(3),
    options: routeOptions(attributes),
  }
}

/** The scope of a new route. */
export function scopeOf({ scope, gateway, link }: NewRoute): Scope {
  return scope ?? (gateway === undefined && link !== undefined ? 'link' : 'universe')
}

function newRoute(verb: string, flags: number, route: NewRoute): RouteRequest {
  const header = {
    protocol: route.protocol ?? STATIC_PROTOCOL,
    scope: scopes[scopeOf(route)],
    type: routeTypes[route.type ?? 'unicast'],
  }
  const operation = `${verb} route to ${describe(route)}`
  return { operation, type: RTM.NEWROUTE, flags, payload: writeRoute(route, header) }
}

function describe({ destination, gateway, link, table }: NewRoute): string {
  const via = gateway === undefined ? '' : ` via ${gateway}`
  const over = link === undefined ? '' : ` over link ${link}`
  return `${destination}${via}${over}${table === undefined ? '' : ` in table ${table}`}`
}

function writeRoute(route: NewRoute, header: { protocol: number; scope: number; type: number }): Buffer {
  const { family, bytes, prefixLength } = parsePrefix(route.destination)
  const table = route.table ?? MAIN_TABLE
  return new PayloadWriter()
    .u8(family)
    .u8(prefixLength)
    .u8(0)
    .u8(route.tos ?? 0)
    .u8(table > MAX_TABLE_IN_HEADER ? TABLE_IN_ATTRIBUTE : table)
    .u8(header.protocol)
    .u8(family === AF_INET ? header.scope : scopes.universe)
    .u8(header.type)
    .u32(route.onlink ? RTNH_F_ONLINK : 0)
    .attributeBytes(RTA.DST, prefixLength === 0 ? undefined : bytes)
    .attributeBytes(RTA.GATEWAY, bytesOf(route.gateway, family))
    .attributeU32(RTA.OIF, route.link === undefined ? undefined : checkedIndex(route.link))
    .attributeU32(RTA.PRIORITY, route.metric)
    .attributeBytes(RTA.PREFSRC, bytesOf(route.preferredSource, family))
    .attributeU32(RTA.TABLE, table > MAX_TABLE_IN_HEADER ? table : undefined)
    .finish()
}

function bytesOf(address: string | undefined, family: AddressFamily): Buffer | undefined {
  if (address === undefined) return undefined
  const parsed = parseIp(address)
  if (parsed.family !== family) throw new TypeError(`${address} is not of the family of the destination`)
  return parsed.bytes
}

/** A destination that the kernel leaves out is everything. */
function destinationOf(family: number, bytes: Buffer | undefined, prefixLength: number): string {
  return formatPrefix(bytes ?? Buffer.alloc(family === AF_INET ? 4 : 16), prefixLength)
}

function nextHopsOf(attributes: Attributes): NextHop & Pick<Route, 'moreHops'> {
  const [first, ...moreHops] = listedHops(attributes.bytes(RTA.MULTIPATH) ?? Buffer.alloc(0))
  return { ...(first ?? hopOf(attributes, attributes.u32(RTA.OIF))), moreHops }
}

function listedHops(bytes: Buffer): NextHop[] {
  const hops: NextHop[] = []
  for (let at = 0; at + NEXT_HOP_LENGTH <= bytes.length; ) {
    const view = viewOf(bytes.subarray(at))
    const length = Math.max(view.getUint16(0, littleEndian), NEXT_HOP_LENGTH)
    const attributes = new Attributes(bytes.subarray(at + NEXT_HOP_LENGTH, at + length))
    hops.push(hopOf(attributes, view.getInt32(4, littleEndian)))
    at += aligned(length)
  }
  return hops
}

function hopOf(attributes: Attributes, link: number | undefined): NextHop {
  const gateway = attributes.bytes(RTA.GATEWAY)
  return { gateway: gateway && formatIp(gateway), link }
}
