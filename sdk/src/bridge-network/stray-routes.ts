// Routes that somebody has laid over those to the subnets of a bridge: the machine would send elsewhere what is for some members, or
// take it for its own.
import {
  broadcastOf,
  deleteFoundRoute,
  formatPrefix,
  LOCAL_TABLE,
  MAIN_TABLE,
  parsePrefix,
  type Route,
  type Rtnl,
  subnetOf,
} from '../linux/index.ts'
import { contains } from './addressing.ts'

/** In words: `has the route to 10.1.0.9/32 via 10.1.0.5`. */
export function strayRouteFaults(rtnl: Rtnl, link: number, addresses: readonly string[]): string[] {
  return strayRoutes(rtnl, link, addresses).map((stray) => `has the route to ${nameOf(stray)}`)
}

/** Deletes them. Answers what there was, in words. */
export function deleteStrayRoutes(rtnl: Rtnl, link: number, addresses: readonly string[]): string[] {
  const stray = strayRoutes(rtnl, link, addresses)
  rtnl.batch(stray.map(deleteFoundRoute), { tolerate: ['ESRCH'] })
  return stray.map((one) => `it had the route to ${nameOf(one)}`)
}

function nameOf({ destination, gateway, table }: Route): string {
  const via = gateway === undefined ? '' : ` via ${gateway}`
  return `${destination}${via}${table === LOCAL_TABLE ? ' in the table local' : ''}`
}

/** Over the bridge, into a part of one of its subnets. Those to a whole one are looked at with its addresses. */
function strayRoutes(rtnl: Rtnl, link: number, addresses: readonly string[]): Route[] {
  const subnets = addresses.map(parsePrefix)
  const ofKernel = new Set(subnets.flatMap(localDestinations))
  return rtnl.routes({ link }).filter(({ destination, table }) => {
    if (table !== MAIN_TABLE && (table !== LOCAL_TABLE || ofKernel.has(destination))) return false
    const { bytes, prefixLength } = parsePrefix(destination)
    return subnets.some((subnet) => prefixLength > subnet.prefixLength && contains(subnet, bytes))
  })
}

type Subnet = ReturnType<typeof parsePrefix>

/** What the kernel has in the table `local` for an address: itself, and the first and the last of its subnet. */
function localDestinations(subnet: Subnet): string[] {
  const { bytes, prefixLength } = subnet
  const whole = bytes.length * 8
  const own = formatPrefix(bytes, whole)
  if (prefixLength >= whole - 1) return [own]
  const first = parsePrefix(subnetOf(subnet)).bytes
  const last = broadcastOf(subnet)
  return [own, formatPrefix(first, whole), ...(last === undefined ? [] : [formatPrefix(last, whole)])]
}
