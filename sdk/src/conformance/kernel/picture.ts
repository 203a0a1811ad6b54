// What a network namespace holds, in lines that can be compared before and after.
import { formatPrefix, type Link, LOCAL_TABLE, Namespace, parsePrefix, Rtnl } from '../../linux/index.ts'

export type Picture = {
  readonly links: readonly Link[]
  /** `eth0 10.0.0.2/24`. */
  readonly addresses: readonly string[]
  readonly routes: readonly RouteLine[]
  /** `10.0.0.1 02:42:…`, those set by hand. */
  readonly neighbours: readonly string[]
}

export type RouteLine = {
  readonly destination: string
  readonly gateway: string | undefined
  readonly metric: number | undefined
  readonly table: number
  readonly device: string
}

/** Of the namespace at a path; without one, of the namespace that the kit is in. */
export function pictureOf(path?: string): Picture {
  using namespace = path === undefined ? Namespace.current() : Namespace.open(path)
  using rtnl = Rtnl.openIn(namespace)
  const links = rtnl.links()
  const nameOf = (index: number | undefined) => links.find((link) => link.index === index)?.name ?? ''
  return {
    links,
    addresses: rtnl.addresses().map(({ link, address }) => `${nameOf(link)} ${address}`),
    routes: rtnl
      .routes()
      .filter(({ table }) => table !== LOCAL_TABLE)
      .map(({ destination, gateway, metric, table, link }) => ({
        destination,
        gateway,
        metric,
        table,
        device: nameOf(link),
      })),
    neighbours: rtnl
      .neighbours()
      .filter(({ state }) => state === 'permanent')
      .map(({ address, macAddress }) => `${address} ${macAddress}`),
  }
}

/** What is in the second picture and not in the first, in words. */
export function additions(before: Picture, after: Picture): string[] {
  const known = new Set(linesOf(before))
  return linesOf(after).filter((line) => !known.has(line))
}

function linesOf({ links, addresses, routes, neighbours }: Picture): string[] {
  return [
    ...links.map(({ index, name }) => `link ${name} (${index})`),
    ...addresses.map((address) => `address ${address}`),
    ...routes.map(
      ({ destination, gateway, device, table }) => `route ${destination} ${gateway ?? ''} ${device} ${table}`,
    ),
    ...neighbours.map((neighbour) => `neighbour ${neighbour}`),
  ]
}

/** An address in the one form that the kernel's reports have too. */
export function canonicalPrefix(prefix: string): string {
  const { bytes, prefixLength } = parsePrefix(prefix)
  return formatPrefix(bytes, prefixLength)
}
