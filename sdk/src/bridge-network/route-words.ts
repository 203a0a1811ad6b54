// What differs of the routes of a bridge, or of an interface in a sandbox, in words.
import {
  LOCAL_TABLE,
  MAIN_TABLE,
  type Route,
  type RouteFault,
  type Rtnl,
  usualMetric,
} from '../linux/index.ts'

/** What is: `lacks the route to 10.1.0.0/16`. */
export function lacking({ route, changes }: RouteFault): string {
  if (changes.length === 0) return `lacks the route to ${nameOf(route)}`
  return `has the ${changes.join(', ')} in the route to ${nameOf(route)}`
}

/** What was, and is mended: `the route to 10.1.0.0/16 was missing`. */
export function mended({ route, changes }: RouteFault): string {
  if (changes.length === 0) return `the route to ${nameOf(route)} was missing`
  return `the route to ${nameOf(route)} had the ${changes.join(', ')}`
}

/** Where a route leads: `via 10.1.0.9 dev eth1`; of several ways, `via 10.1.0.9 dev eth1, via 10.2.0.9 dev eth2`. */
export function wayOf(rtnl: Rtnl, { type = 'unicast', moreHops, ...first }: Route): string {
  const kind = type === 'unicast' ? '' : type
  return [first, ...moreHops]
    .map((hop) => [kind, hopOf(rtnl, hop)].filter((word) => word !== '').join(' '))
    .join(', ')
}

function hopOf(rtnl: Rtnl, { gateway, link }: Pick<Route, 'gateway' | 'link'>): string {
  const name = link === undefined ? undefined : rtnl.link(link)?.name
  return [
    ...(gateway === undefined ? [] : [`via ${gateway}`]),
    ...(name === undefined ? [] : [`dev ${name}`]),
  ].join(' ')
}

/** Where the one leads for which the kernel takes no other to that place: ` (via 10.1.0.9 dev eth1)`; empty where it is gone. */
export function wayInPlaceOf(rtnl: Rtnl, destination: string): string {
  const found = rtnl
    .routes({ table: MAIN_TABLE })
    .find((one) => one.destination === destination && (one.metric ?? 0) === usualMetric[one.family])
  return found === undefined ? '' : ` (${wayOf(rtnl, found)})`
}

function nameOf({ destination, table }: RouteFault['route']): string {
  return table === LOCAL_TABLE ? `${destination} in the table local` : destination
}
