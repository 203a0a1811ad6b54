// Addresses as the driver sets them: for good, with nothing said but the address; and what somebody has changed of one since.
import {
  type Address,
  broadcastOf,
  deleteAddress,
  formatIp,
  KERNEL_IPV6_METRIC,
  type NewAddress,
  parsePrefix,
  type RouteRequest,
  type Rtnl,
  replaceAddress,
} from '../linux/index.ts'
import { isIpv6, withoutPrefix } from './addressing.ts'

/** Addresses that a driver has set on a link. */
export type OwnAddresses = {
  /** Of the link. */
  readonly name: string
  readonly addresses: readonly string[]
}

/** How the driver sets an address. */
export function newAddress(link: number, address: string): NewAddress {
  return { link, address, nodad: isIpv6(address) }
}

/** Whether it is not in use by another, and will not be found so. */
export function isUsable({ tentative, duplicate }: Address): boolean {
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

export function changedAddresses(
  found: readonly Address[],
  { name, addresses }: OwnAddresses,
): ChangedAddress[] {
  const own = new Set(addresses)
  return found.flatMap((one) => {
    if (!own.has(one.address) || !isUsable(one)) return []
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

/** In place as far as the kernel lets. */
export function mendChanged(rtnl: Rtnl, changed: readonly ChangedAddress[]): void {
  rtnl.batch(changed.flatMap(mendRequests), { tolerate: ['EADDRNOTAVAIL'] })
}

function mendRequests({ found, isMadeAnew }: ChangedAddress): RouteRequest[] {
  const { link, address, metric } = found
  // One that was said of an IPv6 address goes only with another.
  const usualMetric = isIpv6(address) && metric !== undefined && { metric: KERNEL_IPV6_METRIC }
  const replacement = replaceAddress({ ...newAddress(link, address), ...usualMetric })
  if (!isMadeAnew) return [replacement]
  if (isIpv6(address)) return [deleteAddress(found), replacement]
  // With the last IPv4 address of a link its routes go, so the same one stands in with another prefix.
  const standIn = { link, address: `${withoutPrefix(address)}/${address.endsWith('/32') ? 31 : 32}` }
  return [
    replaceAddress({ ...standIn, prefixRoute: false }),
    deleteAddress(found),
    replacement,
    deleteAddress(standIn),
  ]
}

/** The addresses of those that the kernel makes routes with again. */
export function anewOf(changed: readonly ChangedAddress[]): string[] {
  return changed.filter(({ isMadeAnew }) => isMadeAnew).map(({ found }) => found.address)
}

/**
 * Of the addresses of a port of the bridge those that somebody has set: the machine takes for its own what is sent there. A
 * link-local one of IPv6 counts at that link alone, to which nobody sends.
 */
export function strayAddresses(addresses: readonly Address[]): Address[] {
  return addresses.filter(({ address, scope }) => !(isIpv6(address) && scope === 'link'))
}

/** Answers what there was, in words. */
export function deleteStrayAddresses(rtnl: Rtnl, link: number): string[] {
  const stray = strayAddresses(rtnl.addresses({ link }))
  // With the first IPv4 address of a subnet the kernel deletes the others of that subnet.
  rtnl.batch(stray.map(deleteAddress), { tolerate: ['EADDRNOTAVAIL'] })
  return stray.map(({ address }) => `it had the address ${address}`)
}
