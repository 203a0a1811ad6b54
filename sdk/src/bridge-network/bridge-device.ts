// Makes the bridge of a network, and mends one that differs from what should be, without taking it down.
import { ConetError } from '../errors/index.ts'
import { declareFailpoints, failpoint } from '../failpoint.ts'
import {
  type Address,
  type AddressedLink,
  addAddress,
  addressRouteFaults,
  changedAddresses,
  createBridge,
  deleteAddress,
  deleteLink,
  interfaceSysctl,
  isUsableAddress,
  KernelError,
  type Link,
  mendAddressRoutes,
  mendChangedAddresses,
  type RouteRequest,
  type Rtnl,
  readSysctlIfThere,
  replaceAddress,
  setBridge,
  setLink,
  usualBridge,
  usualLink,
} from '../linux/index.ts'
import type { Rollback } from '../rollback.ts'
import { newAddress } from './addresses.ts'
import { hasIpv6, isIpv6 } from './addressing.ts'
import type { BridgePlan } from './bridge-plan.ts'
import { mendSettings } from './bridge-settings.ts'
import { changesTo, differencesOf, eachChangeTo } from './differences.ts'
import { isIpv6On, switchIpv6On } from './ipv6-switch.ts'
import type { Machine } from './machine.ts'
import { mendOwnEntry, ownEntryFaults } from './own-entry.ts'
import { lacking, mended } from './route-words.ts'
import { deleteStrayRoutes, strayRouteFaults } from './stray-routes.ts'

declareFailpoints('bridge:network:link-made', 'bridge:network:link-set')

const largestMtu = 65535

/**
 * No spanning tree: there are no loops, and ports would wait. No multicast snooping: without a querier it only costs,
 * and with one a lost report cuts off neighbour discovery. What is bridged passes the machine's iptables only where the
 * machine has it so for all bridges, and link-local protocols stay at their port. The rest is as a new bridge has it.
 */
const settings = { ...usualBridge, spanningTree: false, multicastSnooping: false }

/** The bridge of the network if it is there. Throws `conflict` when something else has its name. */
export function findBridge(
  { rtnl, names }: Pick<Machine, 'rtnl' | 'names'>,
  id: string,
  { name, macAddress, alias: wanted }: Pick<BridgePlan, 'name' | 'macAddress' | 'alias'>,
): Link | undefined {
  const found = rtnl.link(name)
  if (found === undefined || names.isBridgeOf(found, { id, macAddress })) return found
  const { kind = 'device', alias = 'none' } = found
  const isBridge = kind === 'bridge' ? ` If it is the bridge of the network, its alias is "${wanted}".` : ''
  throw new ConetError(
    'conflict',
    `network ${id}: the interface "${name}" exists and is not its bridge (kind ${kind}, alias ${alias})`,
    { details: { interfaceName: name }, help: `Rename or delete the interface "${name}".${isBridge}` },
  )
}

/** Kernels before 6.2 rename only what is down; it stays so. */
export function renameLink(rtnl: Rtnl, index: number, name: string): void {
  try {
    rtnl.run(setLink(index, { name }))
  } catch (error) {
    if (!KernelError.is(error, 'EBUSY')) throw error
    rtnl.run(setLink(index, { up: false }))
    rtnl.run(setLink(index, { name }))
  }
}

/** Makes the bridge; on failure `undo` takes it away. */
export function makeBridge(rtnl: Rtnl, plan: BridgePlan, undo: Rollback): Pick<Link, 'index'> {
  const { name, macAddress, mtu } = plan
  // A bridge follows the MTU of its ports until somebody has *changed* its own, which only another value does.
  const otherMtu = mtu < largestMtu ? mtu + 1 : mtu - 1
  const bridge = rtnl.create(createBridge({ name, macAddress, mtu: otherMtu, multicastSnooping: false }))
  failpoint('bridge:network:link-made')
  undo.defer(`delete bridge ${name}`, () => rtnl.runSlow(deleteLink(bridge.index), { tolerate: ['ENODEV'] }))
  if (hasIpv6Addresses(plan)) switchIpv6On(undefined, name)
  rtnl.batch([
    // Of kernels that make a new one otherwise than most.
    ...settingRequests(bridge),
    setLink(bridge.index, { mtu }),
    setLink(bridge.index, { alias: plan.alias, ...withoutKernelAddress(mtu) }),
    setLink(bridge.index, { up: true }),
    ...plan.addresses.map((address) => addAddress(newAddress(bridge.index, address))),
  ])
  failpoint('bridge:network:link-set')
  mendSettings(plan)
  return bridge
}

/** What `mendBridge` would mend, in words, but for settings of the kernel. Changes nothing. */
export function bridgeFaults(rtnl: Rtnl, bridge: Link, plan: BridgePlan): string[] {
  const { index } = bridge
  const found = rtnl.addresses({ link: index })
  const missing = missingAddresses(found, plan)
  const standing = plan.addresses.filter((address) => !missing.includes(address))
  const addressed = addressedLink(index, { ...plan, addresses: standing })
  const faults = [
    ...(bridge.isUp ? [] : ['is down']),
    ...linkDifferences(bridge, plan).map((what) => `differs: ${what}`),
    ...settingDifferences(bridge).map((what) => `differs: ${what}`),
    ...ownEntryFaults(rtnl, bridge, plan),
    ...(!hasIpv6Addresses(plan) || isIpv6On(plan.name) ? [] : ['has IPv6 switched off (disable_ipv6)']),
    ...missing.map((address) => `lacks the address ${address}`),
    ...changedAddresses(found, plan).map(({ text }) => `has the address ${text}`),
    ...strangeAddresses(found, plan).map(({ address }) => `has the strange address ${address}`),
    // One that is down has none.
    ...(bridge.isUp ? addressRouteFaults(rtnl, addressed).map(lacking) : []),
    ...strayRouteFaults(rtnl, index, plan.addresses),
  ]
  return faults.map((fault) => `bridge ${plan.name} ${fault}`)
}

/** Answers what differed, in words. */
export function mendBridge(rtnl: Rtnl, bridge: Link, plan: BridgePlan): string[] {
  const differences = [
    ...mendLink(rtnl, bridge, plan),
    // Only now: with a MAC that was changed the kernel makes it.
    ...mendOwnEntry(rtnl, bridge.index, plan),
    // Only now: with too small an MTU there is no such setting.
    ...(hasIpv6Addresses(plan) ? switchIpv6On(undefined, plan.name) : []),
    ...mendAddresses(rtnl, bridge.index, plan),
    ...deleteStrayRoutes(rtnl, bridge.index, plan.addresses),
    // Only now: an MTU that was too small took away the settings of IPv6.
    ...mendSettings(plan),
  ]
  return differences.map((difference) => `bridge ${plan.name}: ${difference}`)
}

function mendLink(rtnl: Rtnl, bridge: Link, plan: BridgePlan): string[] {
  const differences = linkDifferences(bridge, plan)
  if (differences.length > 0) setLinkAnew(rtnl, bridge, wantedLink(plan))
  const ofSettings = settingDifferences(bridge)
  rtnl.batch(settingRequests(bridge))
  differences.push(...ofSettings)
  if (!bridge.isUp) {
    differences.push('it was down')
    rtnl.run(setLink(bridge.index, { up: true }))
  }
  return differences
}

function hasIpv6Addresses({ addresses }: BridgePlan): boolean {
  return addresses.some(isIpv6)
}

function settingDifferences({ bridge = usualBridge }: Link): string[] {
  return differencesOf(bridge, settings)
}

function settingRequests({ index, bridge = usualBridge }: Link): RouteRequest[] {
  return eachChangeTo(bridge, settings).map((change) => setBridge(index, change))
}

/**
 * Of a link that is there: what differs, for not every link takes every setting. The MTU first: below 1280 the kernel has no IPv6 at
 * it, and refuses what is said about that (EAFNOSUPPORT).
 */
export function setLinkAnew(
  rtnl: Rtnl,
  link: Link,
  wanted: Parameters<typeof setLink>[1] & { mtu: number },
): void {
  const { mtu, ...others } = changesTo(link, wanted)
  if (mtu !== undefined) rtnl.run(setLink(link.index, { mtu }))
  if (Object.keys(others).length > 0) rtnl.run(setLink(link.index, others))
}

function wantedLink({ alias, macAddress, mtu }: BridgePlan) {
  return { ...usualLink, alias, macAddress, mtu, ...withoutKernelAddress(mtu) }
}

function linkDifferences(bridge: Link, plan: BridgePlan): string[] {
  return differencesOf(bridge, wantedLink(plan))
}

/** The kernel's own link-local address comes late and with duplicate detection; what is needed is set by hand. */
export function withoutKernelAddress(mtu: number): { ipv6AddressGeneration?: 'none' } {
  return hasIpv6(mtu) ? { ipv6AddressGeneration: 'none' } : {}
}

function mendAddresses(rtnl: Rtnl, index: number, plan: BridgePlan): string[] {
  const look = () => rtnl.addresses({ link: index })
  const strange = strangeAddresses(look(), plan)
  // First, since with the first IPv4 address of a subnet the kernel deletes the others of that subnet.
  for (const one of strange) rtnl.run(deleteAddress(one), { tolerate: ['EADDRNOTAVAIL'] })
  const changed = changedAddresses(look(), plan)
  mendChangedAddresses(rtnl, changed)
  const missing = missingAddresses(look(), plan)
  rtnl.batch(missing.map((address) => replaceAddress(newAddress(index, address))))
  // With the new ones the kernel makes theirs, not always all of them.
  const routes = mendAddressRoutes(rtnl, addressedLink(index, plan))
  return [
    ...strange.map(({ address }) => `it had the address ${address}`),
    ...changed.map(({ text }) => `it had the address ${text}`),
    ...missing.map((address) => `the address ${address} was missing`),
    ...routes.map(mended),
  ]
}

function addressedLink(link: number, { name, addresses }: BridgePlan): AddressedLink {
  const forwarding = interfaceSysctl('ipv6', { interfaceName: name, setting: 'forwarding' })
  const isRouter = readSysctlIfThere(undefined, forwarding) === '1'
  return { link, addresses, isWhole: true, isRouter }
}

function strangeAddresses(found: readonly Address[], { addresses }: BridgePlan): Address[] {
  const wanted = new Set(addresses)
  return found.filter(({ address }) => !wanted.has(address))
}

function missingAddresses(found: readonly Address[], { addresses }: BridgePlan): string[] {
  const usable = new Set(found.filter(isUsableAddress).map(({ address }) => address))
  return addresses.filter((address) => !usable.has(address))
}
