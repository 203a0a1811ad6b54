// What somebody has changed of addresses that are to be there for good, with nothing said but the address: lifetimes, metrics, flags, …
import { AF_INET } from '../netlink/constants.ts'
import type { RouteRequest } from '../netlink/request.ts'
import { type Address, deleteAddress, type NewAddress, replaceAddress } from './address.ts'
import { broadcastOf, formatIp, parsePrefix } from './ip-address.ts'
import { KERNEL_IPV6_METRIC } from './route.ts'
import type { Rtnl } from './rtnl.ts'

/** Addresses that somebody has set on a link, those of IPv6 without duplicate detection (`nodad`). */
export type OwnAddresses = {
  /** Of the link. */
  readonly name: string
  /** As the kernel writes them. */
  readonly addresses: readonly string[]
}

/** Whether it is not in use by another, and will not be found so. */
export function isUsableAddress({ tentative, duplicate }: Address): boolean {
  return !tentative && !duplicate
}

/** One that is usable, and yet not as the driver sets it. */
export type ChangedAddress = {
  readonly found: Address
  /** `10.0.0.1/16 with the metric 5`. */
  readonly text: string
  /** The kernel does not take it back in place. */
  readonly isMadeAnew: boolean
}

/** What of the own ones that are there is not as it was set. */
export function changedAddresses(
  found: readonly Address[],
  { name, addresses }: OwnAddresses,
): ChangedAddress[] {
  const own = new Set(addresses)
  return found.flatMap((one) => {
    if (!own.has(one.address) || !isUsableAddress(one)) return []
    const inPlace = inPlaceChanges(one)
    const others = isIpv6(one.address) ? peerOf(one) : ipv4Changes(one, name)
    const all = [...inPlace, ...others]
    if (all.length === 0) return []
    return [{ found: one, text: `${one.address} with ${all.join(', ')}`, isMadeAnew: others.length > 0 }]
  })
}

function inPlaceChanges(found: Address): string[] {
  const { address, expires, deprecated, metric, nodad, prefixRoute, flags } = found
  return [
    ...(expires || deprecated ? ['a lifetime'] : []),
    ...(metric === undefined || isUsualMetric(found) ? [] : [`the metric ${metric}`]),
    ...(isIpv6(address) && !nodad ? ['duplicate detection'] : []),
    ...(isIpv6(address) && !prefixRoute ? ['noprefixroute'] : []),
    ...flags,
  ]
}

function isUsualMetric({ address, metric }: Address): boolean {
  return isIpv6(address) && metric === KERNEL_IPV6_METRIC
}

function ipv4Changes(found: Address, name: string): string[] {
  const { address, scope, broadcast, prefixRoute, label } = found
  const wanted = broadcastOf(parsePrefix(address))
  return [
    ...peerOf(found),
    ...(prefixRoute ? [] : ['noprefixroute']),
    ...(scope === 'universe' ? [] : [`the scope ${scope ?? 'unknown'}`]),
    ...(broadcast === (wanted && formatIp(wanted))
      ? []
      : [`the broadcast address ${broadcast ?? 'missing'}`]),
    ...(label === undefined || label === name ? [] : [`the label ${label}`]),
  ]
}

function peerOf({ peer }: Address): string[] {
  return peer === undefined ? [] : [`the peer ${peer}`]
}

/** In place as far as the kernel lets. With one that is not, others of its subnet may go, and routes by way of it. */
export function mendChangedAddresses(rtnl: Rtnl, changed: readonly ChangedAddress[]): void {
  rtnl.batch(changed.flatMap(mendRequests), { tolerate: ['EADDRNOTAVAIL'] })
}

function mendRequests({ found, isMadeAnew }: ChangedAddress): RouteRequest[] {
  const { link, address, metric } = found
  // One that was said of an IPv6 address goes only with another.
  const usualMetric = isIpv6(address) && metric !== undefined && { metric: KERNEL_IPV6_METRIC }
  const replacement = replaceAddress({ ...asSet(link, address), ...usualMetric })
  if (!isMadeAnew) return [replacement]
  if (isIpv6(address)) return [deleteAddress(found), replacement]
  // With the last IPv4 address of a link its routes go, so the same one stands in with another prefix.
  const standIn = {
    link,
    address: `${formatIp(parsePrefix(address).bytes)}/${address.endsWith('/32') ? 31 : 32}`,
  }
  return [
    replaceAddress({ ...standIn, prefixRoute: false }),
    deleteAddress(found),
    replacement,
    deleteAddress(standIn),
  ]
}

function isIpv6(address: string): boolean {
  return parsePrefix(address).family !== AF_INET
}

function asSet(link: number, address: string): NewAddress {
  return { link, address, nodad: isIpv6(address) }
}
