// How an interface in a sandbox differs from what was made there: what a repair would put back. Reads, and changes nothing.
import type { PluggedInterface, Route } from '@conet/sdk'
import {
  formatIp,
  formatPrefix,
  MAIN_TABLE,
  openSandbox,
  parsePrefix,
  Rtnl,
  subnetRoute,
} from '@conet/sdk/linux'

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
  const addresses = rtnl.addresses({ link: link.index })
  const there = new Map(addresses.map((found) => [prefixOf(found.address), found]))
  const routes = new Set(rtnl.routes({ table: MAIN_TABLE, link: link.index }).map(textOf))
  // One that is down has none; one that its driver wants without it has said so to the kernel.
  const subnets = made.addresses.flatMap((address) => {
    const hasRoute = link.isUp && there.get(prefixOf(address))?.prefixRoute === true
    return hasRoute ? (subnetRoute({ link: link.index, address }) ?? []) : []
  })
  const isMain = ({ table = MAIN_TABLE }: Route) => table === MAIN_TABLE
  return [
    ...(link.isUp ? [] : ['is down']),
    ...(link.macAddress === macAddress ? [] : [`has MAC ${link.macAddress} instead of ${macAddress}`]),
    ...(mtu === undefined || link.mtu === mtu ? [] : [`has MTU ${link.mtu} instead of ${mtu}`]),
    ...made.addresses
      .filter((address) => !there.has(prefixOf(address)))
      .map((address) => `lacks address ${address}`),
    ...[...subnets, ...made.routes.filter(isMain)]
      .filter((route) => !routes.has(textOf(route)))
      .map((route) => `lacks route ${textOf(route)}`),
  ]
}

function textOf({ destination, gateway }: { destination: string; gateway?: string | undefined }): string {
  const via = gateway === undefined ? '' : ` via ${formatIp(parsePrefix(gateway).bytes)}`
  return `${prefixOf(destination)}${via}`
}

/** In one spelling. */
function prefixOf(text: string): string {
  const { bytes, prefixLength } = parsePrefix(text)
  return formatPrefix(bytes, prefixLength)
}
