// The routes that the kernel makes with the addresses of a link, for somebody may have deleted or changed them since: to their
// subnets, and in the table `local`, by which the machine takes what is sent to them.
import { AF_INET } from '../netlink/constants.ts'
import { broadcastOf, formatIp, formatPrefix, parsePrefix, subnetOf } from './ip-address.ts'
import {
  appendRoute,
  deleteRoute,
  KERNEL_IPV6_METRIC,
  KERNEL_PROTOCOL,
  LOCAL_TABLE,
  MAIN_TABLE,
  type NewRoute,
  type Route,
  subnetRoute,
} from './route.ts'
import type { Rtnl } from './rtnl.ts'

/** A link whose routes are looked at. */
export type AddressedLink = {
  /** Its index. */
  readonly link: number
  /** Those that it has. */
  readonly addresses: readonly string[]
  /** Other routes that are wanted over it: of one to a subnet, what they say of its source counts. */
  readonly routes?: readonly { readonly destination: string }[]
}

/** What differs from what the kernel makes. */
export type AddressRouteFault = {
  readonly route: NewRoute
  /** Those that are in its place with another source. Otherwise it is missing. */
  readonly wrong: readonly Route[]
}

/**
 * In the order in which the kernel takes them: a source must be an address of the machine.
 * Where entries for IPv6 addresses are missing it stops the thread for 20 ms and looks again, for the kernel makes them a moment
 * after the address: once for each call, so that a look at many links of which all have lost some takes so much longer.
 */
export function addressRouteFaults(rtnl: Rtnl, addressed: AddressedLink): AddressRouteFault[] {
  const faults = faultsNow(rtnl, addressed)
  if (!mayBeComing(faults)) return faults
  pause(comingMs)
  return faultsNow(rtnl, addressed)
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

function faultsNow(rtnl: Rtnl, addressed: AddressedLink): AddressRouteFault[] {
  const found = rtnl.routes({ link: addressed.link })
  return [...localRouteFaults(found, addressed), ...subnetRouteFaults(found, addressed)]
}

/** The entry for a new IPv6 address comes a moment after it; the one for multicast is there with the first of a link. */
function mayBeComing(faults: readonly AddressRouteFault[]): boolean {
  const missing = faults.filter(({ route }) => route.table === LOCAL_TABLE && route.destination.includes(':'))
  return missing.length > 0 && missing.every(({ route }) => route.type === 'local')
}

const comingMs = 20

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

function mend(rtnl: Rtnl, faults: readonly AddressRouteFault[]): void {
  // Deleted first: of two IPv6 routes that differ in their source alone the kernel takes one.
  const requests = faults.flatMap(({ route, wrong }) => [...wrong.map(deletion), appendRoute(route)])
  rtnl.batch(requests, { tolerate: ['EEXIST', 'ESRCH'] })
}

function deletion({ destination, link, metric, preferredSource }: Route) {
  return deleteRoute({
    destination,
    ...(link !== undefined && { link }),
    ...(metric !== undefined && { metric }),
    ...(preferredSource !== undefined && { preferredSource }),
  })
}

/** One for each subnet that has none over the link, or one with a source that the link has not. */
function subnetRouteFaults(
  found: readonly Route[],
  { link, addresses, routes = [] }: AddressedLink,
): AddressRouteFault[] {
  const asked = new Set(routes.map(({ destination }) => canonical(destination)))
  return subnetsOf(link, addresses).flatMap((route) => {
    const { destination } = route
    const sources = new Set(
      addresses.filter((address) => subnetTextOf(address) === destination).map(bareAddress),
    )
    const there = found.filter((one) => one.table === MAIN_TABLE && one.destination === destination)
    const wrong = there.filter(
      (one) => !asked.has(destination) && isFirst(one, route) && hasOtherSource(one, sources),
    )
    return there.length > 0 && wrong.length === 0 ? [] : [{ route, wrong }]
  })
}

/** With the first address of each as its source, as the kernel has it. */
function subnetsOf(link: number, addresses: readonly string[]): NewRoute[] {
  const routes = addresses.flatMap((address) => subnetRoute({ link, address }) ?? [])
  return routes.filter(
    ({ destination }, at) => routes.findIndex((one) => one.destination === destination) === at,
  )
}

/** Another that the kernel would take after its own is nobody's business. */
function isFirst({ metric = 0 }: Route, { metric: own = 0 }: NewRoute): boolean {
  return metric <= own
}

function hasOtherSource({ preferredSource }: Route, sources: ReadonlySet<string>): boolean {
  return preferredSource !== undefined && !sources.has(preferredSource)
}

function localRouteFaults(found: readonly Route[], { link, addresses }: AddressedLink): AddressRouteFault[] {
  const there = new Set(
    found.filter(({ table }) => table === LOCAL_TABLE).map(({ destination }) => destination),
  )
  return addresses
    .flatMap((address) => localRoutes(link, address))
    .flatMap((route) => {
      if (there.has(route.destination)) return []
      there.add(route.destination)
      return [{ route, wrong: [] }]
    })
}

/** What is sent to the address, and to all of its subnet. */
function localRoutes(link: number, address: string): NewRoute[] {
  const prefix = parsePrefix(address)
  const { bytes } = prefix
  const ofKernel = { link, table: LOCAL_TABLE, protocol: KERNEL_PROTOCOL }
  const destination = formatPrefix(bytes, bytes.length * 8)
  if (prefix.family !== AF_INET) {
    return [
      { ...ofKernel, destination, type: 'local' },
      { ...ofKernel, destination: 'ff00::/8', type: 'multicast', metric: KERNEL_IPV6_METRIC },
    ]
  }
  const preferredSource = formatIp(bytes)
  const broadcast = broadcastOf(prefix)
  return [
    { ...ofKernel, destination, type: 'local', scope: 'host', preferredSource },
    ...(broadcast === undefined
      ? []
      : [
          {
            ...ofKernel,
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
