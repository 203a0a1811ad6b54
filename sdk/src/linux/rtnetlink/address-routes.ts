// The routes that the kernel makes with the addresses of a link, for somebody may have deleted or changed them since: to their
// subnets, and in the table `local`, by which the machine takes what is sent to them.
import { AF_INET } from '../netlink/constants.ts'
import { broadcastOf, formatIp, formatPrefix, parsePrefix, subnetOf } from './ip-address.ts'
import {
  KERNEL_IPV6_METRIC,
  KERNEL_PROTOCOL,
  LOCAL_TABLE,
  MAIN_TABLE,
  type NewRoute,
  type Route,
  subnetRoute,
} from './route.ts'
import { type RouteFault, routeChanges, substituteRoute } from './route-changes.ts'
import type { Rtnl } from './rtnl.ts'

/** A link whose routes are looked at. */
export type AddressedLink = {
  /** Its index. */
  readonly link: number
  /** Those that it has. */
  readonly addresses: readonly string[]
  /** Other routes that are wanted over it: of one to a subnet, what they say of its source counts. */
  readonly routes?: readonly { readonly destination: string }[]
  /** Whether all that is said of a route counts: `mtu`, type, a gateway, … Otherwise of one to a subnet its source alone does. */
  readonly isWhole?: boolean
  /** Whether it forwards IPv6: then the kernel takes what is sent to the first address of each subnet, that of all its routers (RFC 4291). */
  readonly isRouter?: boolean
}

/** What differs from what the kernel makes. */
export type AddressRouteFault = RouteFault

/**
 * In the order in which the kernel takes them: a source must be an address of the machine. `found`: all routes of the link, where they
 * were read already.
 * Where entries for IPv6 addresses are missing it stops the thread for 20 ms and looks again, for the kernel makes them a moment
 * after the address: once for each call, so that a look at many links of which all have lost some takes so much longer.
 */
export function addressRouteFaults(
  rtnl: Rtnl,
  addressed: AddressedLink,
  found: readonly Route[] = routesOf(rtnl, addressed),
): AddressRouteFault[] {
  const faults = faultsAmong(found, addressed)
  if (!mayBeComing(faults)) return faults
  pause(comingMs)
  return faultsAmong(routesOf(rtnl, addressed), addressed)
}

/** Answers what differed. Routes of other links to the same subnets stay, as they do when the kernel makes its own. */
export function mendAddressRoutes(rtnl: Rtnl, addressed: AddressedLink): AddressRouteFault[] {
  const faults = addressRouteFaults(rtnl, addressed)
  mend(rtnl, faults)
  return faults
}

/** As `mendAddressRoutes`, where the kernel has just made the addresses or found them there. */
export function mendSubnetRoutes(rtnl: Rtnl, addressed: AddressedLink): AddressRouteFault[] {
  const found = rtnl.routes({ link: addressed.link, table: MAIN_TABLE })
  const faults = subnetRouteFaults(found, addressed)
  mend(rtnl, faults)
  return faults
}

function routesOf(rtnl: Rtnl, { link }: AddressedLink): Route[] {
  return rtnl.routes({ link })
}

function faultsAmong(found: readonly Route[], addressed: AddressedLink): AddressRouteFault[] {
  return [
    ...localRouteFaults(found, addressed),
    ...anycastFaults(found, addressed),
    ...subnetRouteFaults(found, addressed),
  ]
}

/** The entry for a new IPv6 address comes a moment after it; the one for multicast is there with the first of a link. */
function mayBeComing(faults: readonly AddressRouteFault[]): boolean {
  const missing = faults.filter(({ route }) => route.table === LOCAL_TABLE && route.destination.includes(':'))
  return missing.length > 0 && missing.every(({ route: { type } }) => type === 'local' || type === 'anycast')
}

const comingMs = 20

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

function mend(rtnl: Rtnl, faults: readonly AddressRouteFault[]): void {
  const requests = faults.flatMap(({ route, wrong }) => substituteRoute(route, wrong))
  rtnl.batch(requests, { tolerate: ['EEXIST', 'ESRCH'] })
}

/** One for each subnet that has none over the link, or one that differs, as with a source that the link has not. */
function subnetRouteFaults(
  found: readonly Route[],
  { link, addresses, routes = [], isWhole = false }: AddressedLink,
): AddressRouteFault[] {
  const asked = new Set(routes.map(({ destination }) => canonical(destination)))
  return subnetsOf(link, addresses).flatMap((route) => {
    const { destination } = route
    const there = found.filter((one) => one.table === MAIN_TABLE && one.destination === destination)
    if (asked.has(destination)) return there.length > 0 ? [] : [faultOf(route, [], [])]
    const sources = addresses.filter((one) => subnetTextOf(one) === destination).map(bareAddress)
    const changesOf = (one: Route) => [
      ...otherSource(one, sources),
      ...(isWhole ? otherChanges(one, route) : []),
    ]
    const wrong = there.filter((one) => isFirst(one, route) && changesOf(one).length > 0)
    const isThere = there.some(
      (one) => !isWhole || (!wrong.includes(one) && metricOf(one) === metricOf(route)),
    )
    return isThere && wrong.length === 0 ? [] : [faultOf(route, wrong, wrong.slice(0, 1).flatMap(changesOf))]
  })
}

function faultOf(route: NewRoute, wrong: readonly Route[], changes: readonly string[]): AddressRouteFault {
  return { route, wrong, changes }
}

function otherChanges(found: Route, { preferredSource: _, ...wanted }: NewRoute): string[] {
  return routeChanges(found, wanted)
}

/** With the first address of each as its source, as the kernel has it. */
function subnetsOf(link: number, addresses: readonly string[]): NewRoute[] {
  const routes = addresses.flatMap((address) => subnetRoute({ link, address }) ?? [])
  return routes.filter(
    ({ destination }, at) => routes.findIndex((one) => one.destination === destination) === at,
  )
}

/** Another that the kernel would take after its own is nobody's business. */
function isFirst(found: Route, own: NewRoute): boolean {
  return metricOf(found) <= metricOf(own)
}

function metricOf({ metric = 0 }: { readonly metric?: number | undefined }): number {
  return metric
}

function otherSource({ preferredSource: source }: Route, sources: readonly string[]): string[] {
  return source === undefined || sources.includes(source) ? [] : [`source ${source}`]
}

/** That of the lowest metric counts; those that are put back have another than the kernel's own. */
function anycastFaults(
  found: readonly Route[],
  { link, addresses, isRouter = false }: AddressedLink,
): AddressRouteFault[] {
  if (!isRouter) return []
  const own = new Set(addresses.map(bareAddress))
  const destinations = new Set(addresses.flatMap(anycastAddress).filter((address) => !own.has(address)))
  return [...destinations].flatMap((address) => {
    const route: NewRoute = { ...ofKernel(link), destination: `${address}/128`, type: 'anycast' }
    const there = found
      .filter(({ table, destination }) => table === LOCAL_TABLE && destination === route.destination)
      .sort((one, other) => metricOf(one) - metricOf(other))
    if (there[0]?.type === 'anycast') return []
    const wrong = there.filter(({ type }) => type !== 'anycast')
    return [
      faultOf(
        route,
        wrong,
        wrong.slice(0, 1).map(({ type }) => `type ${type ?? 'unknown'}`),
      ),
    ]
  })
}

/** None where there are two addresses alone (RFC 6164). */
function anycastAddress(address: string): string[] {
  const prefix = parsePrefix(address)
  const [first = ''] = subnetOf(prefix).split('/')
  return prefix.family === AF_INET || prefix.prefixLength > 126 ? [] : [first]
}

function ofKernel(link: number) {
  return { link, table: LOCAL_TABLE, protocol: KERNEL_PROTOCOL }
}

function localRouteFaults(
  found: readonly Route[],
  { link, addresses, isWhole = false }: AddressedLink,
): AddressRouteFault[] {
  const local = found.filter(({ table }) => table === LOCAL_TABLE)
  const seen = new Set<string>()
  return addresses
    .flatMap((address) => localRoutes(link, address))
    .flatMap((route) => {
      if (seen.has(route.destination)) return []
      seen.add(route.destination)
      const there = local.filter(({ destination }) => destination === route.destination)
      // Kernels differ in what they say of the others.
      const counts = isWhole && route.type === 'local'
      const wrong = counts ? there.filter((one) => otherChanges(one, route).length > 0) : []
      const [first] = wrong
      if (there.length > 0 && first === undefined) return []
      return [faultOf(route, wrong, first === undefined ? [] : otherChanges(first, route))]
    })
}

/** What is sent to the address, and to all of its subnet. */
function localRoutes(link: number, address: string): NewRoute[] {
  const prefix = parsePrefix(address)
  const { bytes } = prefix
  const made = ofKernel(link)
  const destination = formatPrefix(bytes, bytes.length * 8)
  if (prefix.family !== AF_INET) {
    return [
      { ...made, destination, type: 'local' },
      { ...made, destination: 'ff00::/8', type: 'multicast', metric: KERNEL_IPV6_METRIC },
    ]
  }
  const preferredSource = formatIp(bytes)
  const broadcast = broadcastOf(prefix)
  return [
    { ...made, destination, type: 'local', scope: 'host', preferredSource },
    ...(broadcast === undefined
      ? []
      : [
          {
            ...made,
            destination: formatPrefix(broadcast, 32),
            type: 'broadcast' as const,
            scope: 'link' as const,
            preferredSource,
          },
        ]),
  ]
}

function subnetTextOf(address: string): string {
  return subnetOf(parsePrefix(address))
}

function bareAddress(address: string): string {
  return formatIp(parsePrefix(address).bytes)
}

function canonical(destination: string): string {
  const { bytes, prefixLength } = parsePrefix(destination)
  return formatPrefix(bytes, prefixLength)
}
