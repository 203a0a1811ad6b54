// How an interface in a sandbox differs from what was made there: what a repair would put back. Reads, and changes nothing.
import type { PluggedInterface } from '@conet/sdk'
import {
  type Address,
  type AddressedLink,
  addressRouteFaults,
  changedAddresses,
  formatIp,
  isUsableAddress,
  type Link,
  LOCAL_TABLE,
  linkSettingChanges,
  MAIN_TABLE,
  newRoute,
  openSandbox,
  parsePrefix,
  type Route,
  type RouteFault,
  Rtnl,
  routeFaults,
  usualLink,
} from '@conet/sdk/linux'
import { linkLocalOfMac } from '../ipam/index.ts'
import { inOneSpelling } from './one-spelling.ts'

/**
 * In words, for people: `eth0 is down`. What somebody has added counts for nothing; what is said of addresses and routes only where
 * it is known how they were set. Throws as `openSandbox`, or a KernelError.
 */
export function interfaceDifferences(path: string, interfaces: readonly PluggedInterface[]): string[] {
  using namespace = openSandbox(path)
  using rtnl = Rtnl.openIn(namespace)
  return interfaces.flatMap((made) => differencesOf(rtnl, made).map((what) => `${made.name} ${what}`))
}

type Found = {
  readonly link: Link
  readonly addresses: ReadonlyMap<string, Address>
  /** Of all tables: read once, for it costs more than all the rest. */
  readonly routes: readonly Route[]
}

function differencesOf(rtnl: Rtnl, made: PluggedInterface): string[] {
  const link = rtnl.link(made.name)
  if (link === undefined) return ['is not in the container']
  const addresses = new Map(rtnl.addresses({ link: link.index }).map((one) => [one.address, one]))
  const found = { link, addresses, routes: rtnl.routes({ link: link.index }) }
  return [
    ...linkDifferences(link, made),
    ...addressDifferences(found, made),
    ...addressRouteFaults(rtnl, addressedLink(found, made), found.routes).map(lacking),
    ...routeDifferences(found, made),
  ]
}

function linkDifferences(link: Link, made: PluggedInterface): string[] {
  const { mtu } = made
  const macAddress = made.macAddress.toLowerCase()
  return [
    ...(link.isUp ? [] : ['is down']),
    ...(link.macAddress === macAddress ? [] : [`has MAC ${link.macAddress} instead of ${macAddress}`]),
    ...(mtu === undefined || link.mtu === mtu ? [] : [`has MTU ${link.mtu} instead of ${mtu}`]),
    ...(made.exact === true ? settingDifferences(link) : []),
  ]
}

function settingDifferences(link: Link): string[] {
  return linkSettingChanges(link).map((key) => `has ${key} ${link[key]} instead of ${usualLink[key]}`)
}

function addressDifferences({ addresses }: Found, made: PluggedInterface): string[] {
  const own = made.addresses.map(inOneSpelling)
  const changed = isExact(made)
    ? changedAddresses([...addresses.values()], { name: made.name, addresses: ownAddresses(made) })
    : []
  return [
    ...[...own, ...linkLocalWanted(addresses, made)]
      .filter((one) => !addresses.has(one))
      .map((one) => `lacks address ${one}`),
    ...changed.map(({ text }) => `has address ${text}`),
  ]
}

/**
 * IPv6 needs one to find its neighbours; where no address is of IPv6 the container may do without, and switch it off. A driver may
 * have given another than that of the MAC.
 */
function linkLocalWanted(addresses: Found['addresses'], made: PluggedInterface): string[] {
  if (!isExact(made) || !made.addresses.some(isIpv6)) return []
  const hasOther = [...addresses.values()].some(({ address, scope }) => isIpv6(address) && scope === 'link')
  return made.configuredBy === 'driver' && hasOther ? [] : [linkLocalOf(made)]
}

function routeDifferences({ link, routes }: Found, made: PluggedInterface): string[] {
  if (isExact(made)) {
    const wanted = made.routes.map((route) => newRoute(link.index, route))
    return routeFaults(routes, wanted).map(lacking)
  }
  const there = new Set(routes.filter(isMain).map(textOf))
  return made.routes
    .filter(isMain)
    .filter((route) => !there.has(textOf(route)))
    .map((route) => `lacks route ${textOf(route)}`)
}

/** One that is down has no routes. Of a noprefixroute address, as some drivers want it, the kernel makes none. */
function addressedLink({ link, addresses }: Found, made: PluggedInterface): AddressedLink {
  const standing = ownAddresses(made).filter((address) => {
    const found = addresses.get(address)
    return link.isUp && found?.prefixRoute === true && isUsableAddress(found)
  })
  return { link: link.index, addresses: standing, routes: made.routes, isWhole: isExact(made) }
}

function ownAddresses(made: PluggedInterface): string[] {
  return [...made.addresses.map(inOneSpelling), linkLocalOf(made)]
}

function linkLocalOf({ macAddress }: PluggedInterface): string {
  return `${linkLocalOfMac(macAddress)}/64`
}

function isIpv6(address: string): boolean {
  return address.includes(':')
}

/** Whether it is known how addresses and routes were set: the host has done so, or the driver says it. */
function isExact({ configuredBy, exact }: PluggedInterface): boolean {
  return configuredBy === 'host' || exact === true
}

function isMain({ table = MAIN_TABLE }: { readonly table?: number }): boolean {
  return table === MAIN_TABLE
}

function lacking({ route: { destination, gateway, table }, changes }: RouteFault): string {
  const where = table === LOCAL_TABLE ? ' in the table local' : ''
  const text = `${textOf({ destination, gateway })}${where}`
  return changes.length > 0 ? `has ${changes.join(', ')} in route ${text}` : `lacks route ${text}`
}

function textOf({ destination, gateway }: { destination: string; gateway?: string | undefined }): string {
  const via = gateway === undefined ? '' : ` via ${formatIp(parsePrefix(gateway).bytes)}`
  return `${inOneSpelling(destination)}${via}`
}
