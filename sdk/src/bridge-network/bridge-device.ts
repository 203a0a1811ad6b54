// Makes the bridge of a network, and mends one that differs from what should be, without taking it down.
import { ConetError } from '../errors/index.ts'
import { declareFailpoints, failpoint } from '../failpoint.ts'
import {
  type Address,
  addAddress,
  addRoute,
  createBridge,
  deleteAddress,
  deleteLink,
  interfaceSysctl,
  KernelError,
  type Link,
  type NewAddress,
  parsePrefix,
  type Rtnl,
  replaceAddress,
  setBridge,
  setLink,
  writeSysctl,
} from '../linux/index.ts'
import type { Rollback } from '../rollback.ts'
import { hasIpv6, isIpv6 } from './addressing.ts'
import type { BridgeAddress, BridgePlan } from './bridge-plan.ts'
import { differencesOf } from './differences.ts'
import type { Machine } from './machine.ts'

declareFailpoints('bridge:network:link-made', 'bridge:network:link-set')

const largestMtu = 65535
const kernelProtocol = 2
const kernelIpv6Metric = 256

/**
 * No spanning tree: there are no loops, and ports would wait. No multicast snooping: without a querier it only costs,
 * and with one a lost report cuts off neighbour discovery.
 */
const settings = { spanningTree: false, multicastSnooping: false } as const

/** The bridge of the network if it is there. Throws `conflict` when something else has its name. */
export function findBridge(
  { rtnl, names }: Pick<Machine, 'rtnl' | 'names'>,
  networkId: string,
): Link | undefined {
  const name = names.bridge(networkId)
  const found = rtnl.link(name)
  if (found === undefined || names.isBridgeOf(found, networkId)) return found
  const { kind = 'device', alias = 'none' } = found
  throw new ConetError(
    'conflict',
    `network ${networkId}: the interface "${name}" exists and is not its bridge (kind ${kind}, alias ${alias})`,
    { details: { interfaceName: name }, help: `Rename or delete the interface "${name}".` },
  )
}

/** Makes the bridge; on failure `undo` takes it away. */
export function makeBridge(rtnl: Rtnl, plan: BridgePlan, undo: Rollback): Link {
  const { name, macAddress, mtu } = plan
  // A bridge follows the MTU of its ports until somebody has *changed* its own, which only another value does.
  const otherMtu = mtu < largestMtu ? mtu + 1 : mtu - 1
  const bridge = rtnl.create(createBridge({ name, macAddress, mtu: otherMtu, ...settings }))
  failpoint('bridge:network:link-made')
  undo.defer(`delete bridge ${name}`, () => rtnl.runSlow(deleteLink(bridge.index), { tolerate: ['ENODEV'] }))
  rtnl.batch([
    setLink(bridge.index, { mtu }),
    setLink(bridge.index, { alias: plan.alias, ...withoutKernelAddress(mtu) }),
    setLink(bridge.index, { up: true }),
    ...plan.addresses.map((address) => addAddress(newAddress(bridge.index, address))),
  ])
  failpoint('bridge:network:link-set')
  if (plan.internal) answerForNobody(name)
  return { ...bridge, mtu }
}

/** What keeps packets from the bridge, in words. Changes nothing, and sees less than `mendBridge` does. */
export function bridgeFaults(rtnl: Rtnl, bridge: Link, plan: BridgePlan): string[] {
  const missing = missingAddresses(rtnl, bridge.index, plan).map(
    ({ address }) => `lacks the address ${address}`,
  )
  const faults = [
    ...(bridge.isUp ? [] : ['is down']),
    ...linkDifferences(bridge, plan).map((what) => `differs: ${what}`),
    ...missing,
  ]
  return faults.map((fault) => `bridge ${plan.name} ${fault}`)
}

/** Answers what differed, in words. */
export function mendBridge(rtnl: Rtnl, bridge: Link, plan: BridgePlan): string[] {
  const differences = [...mendLink(rtnl, bridge, plan), ...mendAddresses(rtnl, bridge.index, plan)]
  differences.push(...plan.addresses.flatMap((address) => mendRoute(rtnl, bridge.index, address)))
  if (plan.internal) differences.push(...answerForNobody(plan.name))
  return differences.map((difference) => `bridge ${plan.name}: ${difference}`)
}

function mendLink(rtnl: Rtnl, bridge: Link, plan: BridgePlan): string[] {
  const differences = linkDifferences(bridge, plan)
  if (differences.length > 0) setLinkAnew(rtnl, bridge, wantedLink(plan))
  if (bridge.bridge?.spanningTree !== false || bridge.bridge.multicastSnooping) {
    differences.push('spanning tree or multicast snooping was on')
    rtnl.run(setBridge(bridge.index, settings))
  }
  if (!bridge.isUp) {
    differences.push('it was down')
    rtnl.run(setLink(bridge.index, { up: true }))
  }
  return differences
}

/**
 * Of a link that is there. The MTU first: below 1280 the kernel has no IPv6 at it, and refuses what is said about that
 * (EAFNOSUPPORT).
 */
export function setLinkAnew(
  rtnl: Rtnl,
  { index, mtu }: Pick<Link, 'index' | 'mtu'>,
  wanted: Parameters<typeof setLink>[1] & { mtu: number },
): void {
  if (mtu !== wanted.mtu) rtnl.run(setLink(index, { mtu: wanted.mtu }))
  rtnl.run(setLink(index, wanted))
}

function wantedLink({ alias, macAddress, mtu }: BridgePlan) {
  return { alias, macAddress, mtu, ...withoutKernelAddress(mtu) }
}

function linkDifferences(bridge: Link, plan: BridgePlan): string[] {
  return differencesOf(bridge, wantedLink(plan))
}

/** The kernel's own link-local address comes late and with duplicate detection; what is needed is set by hand. */
export function withoutKernelAddress(mtu: number): { ipv6AddressGeneration?: 'none' } {
  return hasIpv6(mtu) ? { ipv6AddressGeneration: 'none' } : {}
}

function newAddress(link: number, { address }: BridgeAddress): NewAddress {
  return { link, address, nodad: isIpv6(address) }
}

function mendAddresses(rtnl: Rtnl, index: number, plan: BridgePlan): string[] {
  const wanted = new Set(plan.addresses.map(({ address }) => address))
  const strange = rtnl.addresses({ link: index }).filter(({ address }) => !wanted.has(address))
  // First, since with the first IPv4 address of a subnet the kernel deletes the others of that subnet.
  for (const { address } of strange) {
    rtnl.run(deleteAddress({ link: index, address }), { tolerate: ['EADDRNOTAVAIL'] })
  }
  const missing = missingAddresses(rtnl, index, plan)
  rtnl.batch(missing.map((address) => replaceAddress(newAddress(index, address))))
  return [
    ...strange.map(({ address }) => `it had the address ${address}`),
    ...missing.map(({ address }) => `the address ${address} was missing`),
  ]
}

function missingAddresses(rtnl: Rtnl, index: number, { addresses }: BridgePlan): BridgeAddress[] {
  const found = rtnl.addresses({ link: index }).filter(isUsable)
  const usable = new Set(found.map(({ address }) => address))
  return addresses.filter(({ address }) => !usable.has(address))
}

function isUsable({ tentative, duplicate }: Address): boolean {
  return !tentative && !duplicate
}

/** The kernel makes this route with the address, but somebody may have deleted it since. */
function mendRoute(rtnl: Rtnl, link: number, { address, subnet }: BridgeAddress): string[] {
  const { bytes, prefixLength } = parsePrefix(subnet)
  if (prefixLength === bytes.length * 8) return []
  const route = { destination: subnet, link, protocol: kernelProtocol }
  const [preferredSource] = address.split('/')
  try {
    if (isIpv6(subnet)) rtnl.run(addRoute({ ...route, metric: kernelIpv6Metric }))
    else rtnl.run(addRoute({ ...route, ...(preferredSource !== undefined && { preferredSource }) }))
    return [`the route to ${subnet} was missing`]
  } catch (error) {
    if (KernelError.is(error, 'EEXIST')) return []
    throw error
  }
}

/**
 * The machine answers ARP for all its addresses on every interface. On an internal network, whose subnet may be the
 * machine's own, that would take packets away from the member that has the address.
 */
function answerForNobody(interfaceName: string): string[] {
  const key = interfaceSysctl('ipv4', { interfaceName, setting: 'arp_ignore' })
  const never = 8
  const previous = writeSysctl(undefined, { key, value: never })
  return previous === String(never) ? [] : [`arp_ignore was ${previous}`]
}
