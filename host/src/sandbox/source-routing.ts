// Two interfaces of one container in one subnet: each answers for its own address, with its own source and device.
// Without this the kernel sends everything for the subnet through the first one, and answers ARP on both for either.
import type { PluggedInterface } from '@conet/sdk'
import {
  addRoute,
  addRule,
  deleteRule,
  interfaceSysctl,
  type NewRoute,
  openSandbox,
  type RouteRequest,
  Rtnl,
  type Rule,
  type SysctlChange,
  writeSysctl,
} from '@conet/sdk/linux'
import ipaddr from 'ipaddr.js'

/** Tables from here on are conet's in a sandbox: the interface's index is added. */
const firstTable = 0x0c000000

const answerForOwnAddressOnly = ['arp_ignore', 'arp_announce'] as const

/** Gives the interface a routing table of its own for what comes from its addresses. May be repeated. */
export function routeBySource(
  sandboxPath: string,
  plugged: PluggedInterface,
  gateways: readonly string[],
): void {
  using sandbox = openSandbox(sandboxPath)
  using rtnl = Rtnl.openIn(sandbox)
  const { index } = rtnl.existingLink(plugged.name)
  for (const setting of answerForOwnAddressOnly) {
    const value = setting === 'arp_ignore' ? 1 : 2
    const change: SysctlChange = {
      key: interfaceSysctl('ipv4', { interfaceName: plugged.name, setting }),
      value,
    }
    writeSysctl(sandbox, change)
  }
  rtnl.batch(ownTable(plugged, { index, gateways }), { tolerate: ['EEXIST'] })
}

/** Takes back the rules of interfaces that stood in its place before: they lead to tables of which nothing is left. */
export function forgetFormerRouting(sandboxPath: string, plugged: PluggedInterface): void {
  using sandbox = openSandbox(sandboxPath)
  using rtnl = Rtnl.openIn(sandbox)
  const table = tableOf(rtnl.existingLink(plugged.name))
  deleteRules(rtnl, plugged.addresses, (rule) => rule.table !== table)
}

/** Takes the rules back; the routes go with the interface. Fine when there are none. */
export function forgetSourceRouting(sandboxPath: string, addresses: readonly string[]): void {
  using sandbox = openSandbox(sandboxPath)
  using rtnl = Rtnl.openIn(sandbox)
  deleteRules(rtnl, addresses)
}

function deleteRules(
  rtnl: Rtnl,
  addresses: readonly string[],
  isMeant: (rule: Rule) => boolean = () => true,
): void {
  const own = new Set(addresses.map(hostPrefix))
  for (const rule of rtnl.rules()) {
    if (rule.table < firstTable || rule.from === undefined || !own.has(rule.from)) continue
    if (isMeant(rule)) rtnl.run(deleteRule(rule))
  }
}

function tableOf({ index }: { readonly index: number }): number {
  return firstTable + index
}

function ownTable(
  { addresses }: PluggedInterface,
  { index, gateways }: { index: number; gateways: readonly string[] },
): RouteRequest[] {
  const table = tableOf({ index })
  return addresses.flatMap((address) => {
    const isV6 = address.includes(':')
    const [source = ''] = address.split('/')
    const gateway = gateways.find((candidate) => candidate.includes(':') === isV6)
    const connected: NewRoute = {
      destination: networkOf(address),
      link: index,
      table,
      preferredSource: source,
    }
    const wayOut: NewRoute[] =
      gateway === undefined
        ? []
        : [{ destination: isV6 ? '::/0' : '0.0.0.0/0', gateway, link: index, table, onlink: true }]
    return [
      ...[connected, ...wayOut].map((route) => addRoute(route)),
      addRule({ family: isV6 ? 'ipv6' : 'ipv4', from: hostPrefix(address), table, priority: 1000 }),
    ]
  })
}

/** `10.0.0.6/16` → `10.0.0.6/32`. */
function hostPrefix(address: string): string {
  const [host = ''] = address.split('/')
  return `${host}/${host.includes(':') ? 128 : 32}`
}

/** `10.0.0.6/16` → `10.0.0.0/16`. */
function networkOf(address: string): string {
  const [, length = ''] = address.split('/')
  const family = address.includes(':') ? ipaddr.IPv6 : ipaddr.IPv4
  return `${family.networkAddressFromCIDR(address)}/${length}`
}
