// What the routes of the machine say of containers' packets: where its way out is, and what is led past an interface that
// has the subnet. Only the main table is read; rules that lead to others are not weighed.
import {
  type Address,
  interfaceSysctl,
  MAIN_TABLE,
  type Route,
  Rtnl,
  readSysctlIfThere,
} from '@conet/sdk/linux'
import { blockAround, formatBlock, withoutPrefix } from '../ipam/index.ts'
import type { MachineFacts } from './facts.ts'

export function readRouteFacts(): Pick<MachineFacts, 'addresses' | 'uplink' | 'strayRoutes'> {
  using rtnl = Rtnl.open()
  const addresses = rtnl.addresses()
  const routes = rtnl.routes({ table: MAIN_TABLE })
  const nameOf = (link: number | undefined) => (link === undefined ? undefined : rtnl.link(link)?.name)
  return {
    addresses: new Set(addresses.map(({ address }) => withoutPrefix(address))),
    uplink: uplinkAmong(routes, nameOf),
    strayRoutes: straysAmong(routes, addresses).map(({ gateway, route }) => ({
      gateway,
      destination: route.destination,
      interfaceName: route.type === 'unicast' ? nameOf(route.link) : undefined,
    })),
  }
}

type NameOf = (link: number | undefined) => string | undefined

/** Of IPv4 alone: whether it forwards IPv6 the kernel asks of the whole machine, not of interfaces. */
function uplinkAmong(routes: readonly Route[], nameOf: NameOf): MachineFacts['uplink'] {
  const [best] = routes
    .filter(({ destination, link }) => destination === '0.0.0.0/0' && link !== undefined)
    .toSorted((a, b) => (a.metric ?? 0) - (b.metric ?? 0))
  const name = nameOf(best?.link)
  if (name === undefined) return undefined
  const key = interfaceSysctl('ipv4', { interfaceName: name, setting: 'forwarding' })
  return { name, setting: `net/${key}`, forwarding: readSysctlIfThere(undefined, key) }
}

const leading = new Set<Route['type']>(['unicast', 'blackhole', 'unreachable', 'prohibit'])

/** The metric of the route to its subnet that the kernel makes with an address. */
const kernelMetric = { ipv4: 0, ipv6: 256 } as const

/** By subnets and their few lengths: a machine may have many of both. */
function straysAmong(
  routes: readonly Route[],
  addresses: readonly Address[],
): { gateway: string; route: Route }[] {
  const homes = new Map<string, Address[]>()
  for (const one of addresses) {
    const subnet = formatBlock(blockAround(one.address))
    homes.set(subnet, [...(homes.get(subnet) ?? []), one])
  }
  const lengths = [...new Set(addresses.map(({ address }) => blockAround(address).prefix))]
  const firsts = firstsOfKernelMetric(routes, homes)
  return routes.flatMap((route) =>
    passedBy(route, { homes, lengths, firsts }).map(({ address }) => ({
      gateway: withoutPrefix(address),
      route,
    })),
  )
}

/** Of the routes to a subnet that have the metric of the kernel's own, the kernel takes the one that it names first. */
function firstsOfKernelMetric(routes: readonly Route[], homes: ReadonlyMap<string, unknown>): Set<Route> {
  const firsts = new Map<string, Route>()
  for (const route of routes) {
    const { destination, metric = 0, family } = route
    if (metric === kernelMetric[family] && homes.has(destination) && !firsts.has(destination))
      firsts.set(destination, route)
  }
  return new Set(firsts.values())
}

/** The addresses to whose subnet a route wins, where it does not go out by an interface that has one of them. */
function passedBy(
  route: Route,
  {
    homes,
    lengths,
    firsts,
  }: { homes: ReadonlyMap<string, Address[]>; lengths: readonly number[]; firsts: ReadonlySet<Route> },
): Address[] {
  const { type, link, destination, metric = 0, family } = route
  if (!leading.has(type) || (type === 'unicast' && link === undefined)) return []
  const own = blockAround(destination).prefix
  const isFirst = metric < kernelMetric[family] || firsts.has(route)
  return lengths
    .filter((length) => length < own || (length === own && isFirst))
    .map((length) => formatBlock(blockAround(`${withoutPrefix(destination)}/${length}`)))
    .map((subnet) => homes.get(subnet) ?? [])
    .filter((home) => !home.some((one) => one.link === link))
    .flat()
}
