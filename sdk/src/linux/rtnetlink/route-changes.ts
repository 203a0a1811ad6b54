// How a route of the kernel differs from what somebody wants it to be, and what puts the one in the place of the other.
import type { RouteRequest } from '../netlink/request.ts'
import { formatIp, formatPrefix, parseIp, parsePrefix } from './ip-address.ts'
import {
  appendRoute,
  deleteRoute,
  MAIN_TABLE,
  type NewRoute,
  type Route,
  scopeOf,
  usualMetric,
} from './route.ts'

/** What differs from a route that is wanted. */
export type RouteFault = {
  readonly route: NewRoute
  /** Those that are in its place and differ. Otherwise it is missing. */
  readonly wrong: readonly Route[]
  /** In what the first of those differs: `source 10.1.0.9`. */
  readonly changes: readonly string[]
}

/** Of routes that are wanted over a link; those that somebody has added beside them do not count. */
export function routeFaults(found: readonly Route[], wanted: readonly NewRoute[]): RouteFault[] {
  return wanted.flatMap((route) => {
    const there = found.filter((one) => isSamePlace(one, route))
    if (there.some((one) => routeChanges(one, route).length === 0)) return []
    const wrong = there.filter(({ tos }) => tos === 0).slice(0, 1)
    return [{ route, wrong, changes: wrong.flatMap((one) => routeChanges(one, route)) }]
  })
}

/** Without a table the main one is meant: a table for replies may have the same route. */
function isSamePlace(found: Route, { destination, link, table = MAIN_TABLE, metric }: NewRoute): boolean {
  const { bytes, prefixLength } = parsePrefix(destination)
  return (
    found.destination === formatPrefix(bytes, prefixLength) &&
    found.link === link &&
    found.table === table &&
    (found.metric ?? 0) === (metric ?? usualMetric[found.family])
  )
}

/**
 * In words: `gateway 10.1.0.9`, `mtu 1300`. Of two to the same place; who made them does not count, nor a source that nobody asks
 * for.
 */
export function routeChanges(found: Route, wanted: NewRoute): string[] {
  const { gateway, type, scope, preferredSource, onlink, tos, options } = found
  return [
    ...(gateway === asKernel(wanted.gateway) ? [] : [`gateway ${gateway ?? 'missing'}`]),
    ...(type === (wanted.type ?? 'unicast') ? [] : [`type ${type ?? 'unknown'}`]),
    ...(found.family === 'ipv6' || scope === scopeOf(wanted) ? [] : [`scope ${scope ?? 'unknown'}`]),
    ...(wanted.preferredSource === undefined || preferredSource === asKernel(wanted.preferredSource)
      ? []
      : [`source ${preferredSource ?? 'missing'}`]),
    ...(onlink === (wanted.onlink ?? false) ? [] : ['onlink']),
    ...(tos === 0 ? [] : [`tos ${tos}`]),
    ...options,
  ]
}

function asKernel(address: string | undefined): string | undefined {
  return address === undefined ? undefined : formatIp(parseIp(address).bytes)
}

/** Deletes the first route that is as this one. */
export function deleteFoundRoute(found: Route): RouteRequest {
  const { destination, table, gateway, link, metric, scope, preferredSource, type, protocol, tos } = found
  return deleteRoute({
    destination,
    table,
    protocol,
    tos,
    ...(gateway !== undefined && { gateway }),
    ...(link !== undefined && { link }),
    ...(metric !== undefined && { metric }),
    ...(found.family === 'ipv4' && scope !== undefined && { scope }),
    ...(preferredSource !== undefined && { preferredSource }),
    ...(type !== undefined && { type }),
  })
}

/** To be run with EEXIST and ESRCH tolerated. Of IPv4 there is one of them at any time. */
export function substituteRoute(wanted: NewRoute, wrong: readonly Route[]): RouteRequest[] {
  const deletions = wrong.map(deleteFoundRoute)
  const isIpv4 = !wanted.destination.includes(':')
  // Of two IPv6 routes that differ in little the kernel takes one.
  return isIpv4 ? [appendRoute(wanted), ...deletions] : [...deletions, appendRoute(wanted)]
}
