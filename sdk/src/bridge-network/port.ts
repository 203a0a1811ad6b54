// The host's side of an endpoint's veth: what makes it a port of the bridge, and telling the others who is behind it.
import {
  announce,
  type BridgePortSettings,
  type ForwardingEntry,
  KernelError,
  type Link,
  type Namespace,
  type RouteRequest,
  type Rtnl,
  replaceForwardingEntry,
  setBridgePort,
  setLink,
  usualBridgePort,
  usualLink,
} from '../linux/index.ts'
import { withoutPrefix } from './addressing.ts'
import type { AfterAnswer } from './after-answer.ts'
import { withoutKernelAddress } from './bridge-device.ts'
import { differencesOf, eachChangeTo } from './differences.ts'
import type { EndpointPlan } from './endpoint-plan.ts'

export type PlugTask = {
  readonly rtnl: Rtnl
  readonly plan: EndpointPlan
  /** Index of the bridge. */
  readonly bridge: number
  /** Whether the others are told who is there: see AddressHistory. */
  readonly isAnnounced: boolean
  readonly afterAnswer: AfterAnswer
  /** It was plugged there before, and is to be so again: what the container has done since is its own affair. */
  readonly isAgain: boolean
  /** Hears what a repeated plug found different and has mended. */
  repaired(what: string): void
  /** Hears what of the container's own stands before what was to be. */
  yielded(what: string): void
}

/** Alias and port flags before it is up: what is up has an owner, and does what it may do only. */
export function portRequests(index: number, { port, mtu, macAddress }: EndpointPlan): RouteRequest[] {
  const { alias, flags } = port
  return [
    setLink(index, { alias, ...withoutKernelAddress(mtu) }),
    ...(isUsual(flags) ? [] : [setBridgePort(index, flags)]),
    ...(port.isPinned ? [pin(index, macAddress)] : []),
    setLink(index, { up: true }),
  ]
}

/** The bridge knows where the MAC is, and learns no other place of it. Repeatable. */
export function pin(port: number, macAddress: string): RouteRequest {
  return replaceForwardingEntry({ link: port, macAddress, owner: 'master' })
}

/** Whether it does. With a local entry it would take for itself what is sent there. */
export function hasPin(rtnl: Rtnl, port: number, macAddress: string): boolean {
  const wanted = macAddress.toLowerCase()
  return rtnl
    .forwardingEntries({ link: port })
    .some(
      ({ macAddress: found, vlan, permanent, local }) =>
        found === wanted && vlan === undefined && permanent && !local,
    )
}

/**
 * Of a port that learns: what else somebody has set for its MAC, and nothing that it sends undoes for sure. A sticky entry stays
 * though it ages, for what is sent keeps it young; one that was learned elsewhere does not age.
 */
export function strayEntry(
  rtnl: Rtnl,
  { index, master: bridge }: Pick<Link, 'index' | 'master'>,
  macAddress: string,
): ForwardingEntry | undefined {
  const found = bridge === undefined ? undefined : rtnl.forwardingEntry({ bridge, macAddress })
  if (found === undefined || (found.link === index && !found.local)) return undefined
  return found.permanent || found.sticky || found.externallyLearned ? found : undefined
}

export type PortFlags = Partial<BridgePortSettings>

/** What the kernel has the port of a new veth do: it takes it for one of 10 Gbit/s. */
const usualPort: BridgePortSettings = { ...usualBridgePort, cost: 2 }

/** All that the bridge does at the port; what its plan leaves open is as the kernel makes it. */
export function allFlags(flags: PortFlags): BridgePortSettings {
  return { ...usualPort, ...flags }
}

function isUsual(flags: EndpointPlan['port']['flags']): boolean {
  return differencesOf(usualPort, flags).length === 0
}

/** Has the bridge do at one of its ports what it is to do there. Answers what was changed, in words. */
export function mendFlags(
  rtnl: Rtnl,
  { index, bridgePort }: Pick<Link, 'index' | 'bridgePort'>,
  wanted: BridgePortSettings,
): string[] {
  const found: BridgePortSettings = bridgePort ?? usualPort
  rtnl.batch(eachChangeTo(found, wanted).map((change) => setBridgePort(index, change)))
  return differencesOf(found, wanted)
}

/** Whether somebody has taken it out of service: where a link runs the kernel has its port forward. */
export function isSwitchedOff({ isRunning, bridgePort }: Link): boolean {
  return isRunning && bridgePort?.state !== undefined && bridgePort.state !== 'forwarding'
}

/** Has it forward again, and says in words what it did. */
export function switchOn(rtnl: Rtnl, port: Link): string[] {
  if (port.master === undefined || !isSwitchedOff(port)) return []
  // ENETDOWN: the other end went down meanwhile, and with its return the kernel does the same. EBUSY: somebody has switched on the
  // spanning tree, and with its end the kernel does.
  rtnl.run(setBridgePort(port.index, { state: 'forwarding' }), { tolerate: ['ENETDOWN', 'EBUSY'] })
  return [`its state in the bridge was ${port.bridgePort?.state}`]
}

/** What the host's side of the veth is apart from its bridge. */
export function portLink({ port: { alias, macAddress }, mtu }: Pick<EndpointPlan, 'port' | 'mtu'>) {
  return { ...usualLink, alias, macAddress, mtu, ...withoutKernelAddress(mtu) }
}

/** Once the plug is answered, tells those who had one of the addresses under another MAC. The sandbox is open until then. */
export function announceAfterAnswer(
  { rtnl, plan, afterAnswer }: Pick<PlugTask, 'rtnl' | 'plan' | 'afterAnswer'>,
  { port, sandbox }: { port: number; sandbox: Namespace },
): void {
  const { endpointId, interfaceName, macAddress } = plan
  const addresses = plan.addresses.map(withoutPrefix)
  afterAnswer.add(`announce endpoint ${endpointId}`, () => {
    // The bridge drops what comes in until the kernel has worked off that the link came up: later, or at once for
    // whoever asks for the state of the link.
    if (rtnl.link(port) === undefined) return
    tolerateGone(() => announce(sandbox, { interfaceName, macAddress, addresses }))
  })
}

/** It may have been unplugged, or taken down inside, meanwhile. */
function tolerateGone(work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!KernelError.is(error, 'ENODEV') && !KernelError.is(error, 'ENETDOWN')) throw error
  }
}
