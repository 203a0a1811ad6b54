// A plug of what is plugged: compares everything with what should be and mends it in place. Off the hot path.
import { ConetError } from '../errors/index.ts'
import {
  changedAddresses,
  deleteForwardingEntry,
  isUsableAddress,
  KernelError,
  type Link,
  mendAddressRoutes,
  mendChangedAddresses,
  type Namespace,
  type RouteRequest,
  type Rtnl,
  replaceAddress,
  setBridgePort,
  setLink,
  usualLink,
} from '../linux/index.ts'
import { deleteStrayAddresses, newAddress } from './addresses.ts'
import { isIpv6 } from './addressing.ts'
import { setLinkAnew, withoutKernelAddress } from './bridge-device.ts'
import { differencesOf } from './differences.ts'
import type { EndpointPlan } from './endpoint-plan.ts'
import { switchIpv6On } from './ipv6-switch.ts'
import { type MendedRoutes, mendRoutes } from './mend-routes.ts'
import { endpointOfAlias } from './names.ts'
import {
  allFlags,
  announceAfterAnswer,
  hasPin,
  mendFlags,
  type PlugTask,
  pin,
  portLink,
  strayEntry,
  switchOn,
} from './port.ts'
import { mended } from './route-words.ts'

export type PluggedTask = PlugTask & {
  readonly sandbox: Namespace
  readonly inner: Rtnl
  /** What has the port's name. */
  readonly port: Link
}

/**
 * Throws `conflict` when the port's name is somebody else's, `inUse` when the endpoint is plugged into another
 * sandbox. Answers what keeps routes out, when all else of the port and the interface is mended and told.
 */
export function checkPlugged(task: PluggedTask): Omit<MendedRoutes, 'done'> {
  const { inner, plan, port, sandbox, repaired } = task
  assertOurs(task)
  const peer = peerOf(task)
  const outside = mendPort(task)
  const ofLink = [...mendInterface(inner, peer, plan), ...mendAddresses({ sandbox, inner }, peer.index, plan)]
  const { done, ...refused } = mendRoutes(inner, peer.index, plan)
  const inside = [...ofLink, ...done]
  for (const what of outside) repaired(`port ${plan.port.name}: ${what}`)
  for (const what of inside)
    repaired(`interface ${plan.interfaceName} of endpoint ${plan.endpointId}: ${what}`)
  if (outside.length + inside.length > 0) announceAfterAnswer(task, { port: port.index, sandbox })
  return refused
}

/** Whatever its alias is: nobody else has a veth of this name in the network's bridge. */
function assertOurs({ plan: { endpointId, port }, bridge, port: found }: PluggedTask): void {
  const { name, kind = 'device', alias, master } = found
  if (kind === 'veth' && (alias === undefined || alias === port.alias || master === bridge)) return
  throw new ConetError(
    'conflict',
    `plug endpoint ${endpointId}: the interface "${name}" exists and is not its port (kind ${kind}, alias ${alias ?? 'none'})`,
    { details: { interfaceName: name }, help: `Rename or delete the interface "${name}".` },
  )
}

/** The other end, by the indexes that both ends know of each other: its name may have been changed inside. */
function peerOf({ inner, port, plan }: PluggedTask): Link {
  const peer = port.parent === undefined ? undefined : inner.link(port.parent)
  if (peer?.kind === 'veth' && peer.parent === port.index) return peer
  const { endpointId, sandboxPath } = plan
  const message = `plug endpoint ${endpointId} into ${sandboxPath}: it is plugged into another sandbox`
  throw new ConetError('inUse', message, { help: 'Unplug it there first.' })
}

function mendPort({ rtnl, plan, bridge, port }: PluggedTask): string[] {
  const { index } = port
  const wanted = { ...portLink(plan), master: bridge }
  const differences = differencesOf(port, wanted)
  if (differences.length > 0) setLinkAnew(rtnl, port, wanted)
  // As of a new port: in another bridge it lost what this one did at it.
  if (port.master !== bridge) rtnl.run(setBridgePort(index, plan.port.flags))
  else if (mendFlags(rtnl, port, allFlags(plan.port.flags)).length > 0)
    differences.push('what the bridge does at it was changed')
  const ofMac = plan.port.isPinned
    ? mendPin(rtnl, port, plan)
    : deleteStray(rtnl, { index, master: bridge }, plan)
  const ofAddresses = deleteStrayAddresses(rtnl, index)
  return [...differences, ...ofAddresses, ...ofMac, ...bringUp(rtnl, port), ...switchOn(rtnl, port)]
}

function mendPin(rtnl: Rtnl, { index }: Link, { macAddress }: EndpointPlan): string[] {
  if (hasPin(rtnl, index, macAddress)) return []
  rtnl.run(pin(index, macAddress))
  return ['the bridge did not know its MAC']
}

function deleteStray(
  rtnl: Rtnl,
  port: Pick<Link, 'index' | 'master'>,
  { macAddress }: EndpointPlan,
): string[] {
  const stray = strayEntry(rtnl, port, macAddress)
  if (stray === undefined) return []
  const { link } = stray
  const owner = link === port.master ? 'self' : 'master'
  rtnl.run(deleteForwardingEntry({ link, macAddress, owner }), { tolerate: ['ENOENT'] })
  return ['the bridge led what is sent to its MAC elsewhere']
}

/** What is set for who listens, as by a bridge or a macvlan of its own, is the container's affair. */
const { promiscuous: _, allMulticast: __, ...interfaceSettings } = usualLink

function mendInterface(inner: Rtnl, peer: Link, plan: EndpointPlan): string[] {
  const { interfaceName, macAddress, mtu, port } = plan
  const wanted = { ...interfaceSettings, alias: port.alias, macAddress, mtu, ...withoutKernelAddress(mtu) }
  const differences = differencesOf(peer, wanted)
  if (differences.length > 0) setLinkAnew(inner, peer, wanted)
  if (peer.name !== interfaceName) {
    differences.push(`its name was ${peer.name}`)
    putAside(inner, plan)
    const what = () => `an interface "${interfaceName}"`
    orConflict({ plan, what }, () => inner.run(setLink(peer.index, { name: interfaceName })))
  }
  return [...differences, ...bringUp(inner, peer)]
}

/** Another endpoint's interface that has the name, where somebody has swapped them; its own is given to it when its turn comes. */
function putAside(inner: Rtnl, { interfaceName, port }: EndpointPlan): void {
  const holder = inner.link(interfaceName)
  if (holder?.kind !== 'veth' || endpointOfAlias(holder) === undefined) return
  inner.run(setLink(holder.index, { name: port.name }))
}

function bringUp(rtnl: Rtnl, { index, isUp }: Link): string[] {
  if (isUp) return []
  rtnl.run(setLink(index, { up: true }))
  return ['it was down']
}

/** What others have added stays: a container may give itself addresses. */
function mendAddresses(
  { sandbox, inner }: Pick<PluggedTask, 'sandbox' | 'inner'>,
  link: number,
  { addresses, linkLocal, interfaceName, routes }: EndpointPlan,
): string[] {
  const own = [...addresses, linkLocal ?? []].flat()
  const changed = changedAddresses(inner.addresses({ link }), { name: interfaceName, addresses: own })
  mendChangedAddresses(inner, changed)
  const found = inner.addresses({ link }).filter(isUsableAddress)
  const usable = new Set(found.map(({ address }) => address))
  const replace = (address: string) => replaceAddress(newAddress(link, address))
  const missing = addresses.filter((address) => !usable.has(address))
  const ofSwitch = missing.some(isIpv6) ? switchIpv6On(sandbox, interfaceName) : []
  inner.batch(missing.map(replace))
  if (linkLocal !== undefined && !usable.has(linkLocal) && ranUnlessOff(inner, replace(linkLocal)))
    missing.push(linkLocal)
  // With the new ones the kernel makes theirs, but where an address of the container's own has one to the same subnet.
  const standing = own.filter((address) => address !== linkLocal || usable.has(address))
  const ofRoutes = mendAddressRoutes(inner, { link, addresses: standing, routes, isWhole: true })
  return [
    ...ofSwitch,
    ...changed.map(({ text }) => `it had the address ${text}`),
    ...missing.map((address) => `the address ${address} was missing`),
    ...ofRoutes.map(mended),
  ]
}

/** False where IPv6 is switched off in the sandbox, and nothing needs it. */
function ranUnlessOff(inner: Rtnl, request: RouteRequest): boolean {
  try {
    inner.run(request)
    return true
  } catch (error) {
    if (!KernelError.is(error, 'EACCES')) throw error
    return false
  }
}

type Obstacle = { readonly plan: EndpointPlan; what(): string }

function orConflict({ plan, what }: Obstacle, work: () => void): void {
  try {
    work()
  } catch (cause) {
    if (!KernelError.is(cause, 'EEXIST')) throw cause
    const { endpointId, sandboxPath } = plan
    const message = `plug endpoint ${endpointId}: the sandbox ${sandboxPath} has ${what()}`
    throw new ConetError('conflict', message, { cause, help: 'remove it from the container' })
  }
}
