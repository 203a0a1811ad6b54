// How an interface in a sandbox differs from what was made there: what a repair would put back. Reads, and changes nothing.
import type { PluggedInterface } from '@conet/sdk'
import {
  type Address,
  type AddressRouteFault,
  addressRouteFaults,
  formatIp,
  LOCAL_TABLE,
  MAIN_TABLE,
  openSandbox,
  parsePrefix,
  Rtnl,
} from '@conet/sdk/linux'
import { linkLocalOfMac } from '../ipam/index.ts'
import { inOneSpelling } from './one-spelling.ts'

type Made = Pick<PluggedInterface, 'name' | 'macAddress' | 'addresses' | 'mtu' | 'routes'>

/** In words, for people: `eth0 is down`. What somebody has added counts for nothing. Throws as `openSandbox`, or a KernelError. */
export function interfaceDifferences(path: string, interfaces: readonly Made[]): string[] {
  using namespace = openSandbox(path)
  using rtnl = Rtnl.openIn(namespace)
  return interfaces.flatMap((made) => differencesOf(rtnl, made).map((what) => `${made.name} ${what}`))
}

function differencesOf(rtnl: Rtnl, made: Made): string[] {
  const link = rtnl.link(made.name)
  if (link === undefined) return ['is not in the container']
  const { mtu } = made
  const macAddress = made.macAddress.toLowerCase()
  const there = new Map(
    rtnl.addresses({ link: link.index }).map((found) => [inOneSpelling(found.address), found]),
  )
  const routes = new Set(rtnl.routes({ table: MAIN_TABLE, link: link.index }).map(textOf))
  // One that is down has none; one that its driver wants without it has said so to the kernel.
  const addresses = [...made.addresses, `${linkLocalOfMac(made.macAddress)}/64`].filter((address) => {
    const found = there.get(inOneSpelling(address))
    return link.isUp && found?.prefixRoute === true && !found.tentative && !found.duplicate
  })
  return [
    ...(link.isUp ? [] : ['is down']),
    ...(link.macAddress === macAddress ? [] : [`has MAC ${link.macAddress} instead of ${macAddress}`]),
    ...(mtu === undefined || link.mtu === mtu ? [] : [`has MTU ${link.mtu} instead of ${mtu}`]),
    ...made.addresses
      .filter((address) => !there.has(inOneSpelling(address)))
      .map((address) => `lacks address ${address}`),
    ...made.addresses
      .filter((address) => isPassing(there.get(inOneSpelling(address))))
      .map((address) => `has address ${address} with a lifetime`),
    ...addressRouteFaults(rtnl, { link: link.index, addresses, routes: made.routes }).map(lacking),
    ...made.routes
      .filter(isMain)
      .filter((route) => !routes.has(textOf(route)))
      .map((route) => `lacks route ${textOf(route)}`),
  ]
}

function isPassing(found: Address | undefined): boolean {
  return found?.expires === true || found?.deprecated === true
}

function isMain({ table = MAIN_TABLE }: { readonly table?: number }): boolean {
  return table === MAIN_TABLE
}

function lacking({ route: { destination, table }, changes }: AddressRouteFault): string {
  if (changes.length > 0) return `has ${changes.join(', ')} in route ${destination}`
  return `lacks route ${destination}${table === LOCAL_TABLE ? ' in the table local' : ''}`
}

function textOf({ destination, gateway }: { destination: string; gateway?: string | undefined }): string {
  const via = gateway === undefined ? '' : ` via ${formatIp(parsePrefix(gateway).bytes)}`
  return `${inOneSpelling(destination)}${via}`
}
