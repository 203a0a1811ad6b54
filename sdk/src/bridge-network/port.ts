// The host's side of an endpoint's veth: what makes it a port of the bridge, and telling the others who is behind it.
import {
  announce,
  type Namespace,
  type RouteRequest,
  type Rtnl,
  replaceForwardingEntry,
  setBridgePort,
  setLink,
} from '../linux/index.ts'
import { withoutPrefix } from './addressing.ts'
import { withoutKernelAddress } from './bridge-device.ts'
import type { EndpointPlan } from './endpoint-plan.ts'

export type PlugTask = {
  readonly rtnl: Rtnl
  readonly plan: EndpointPlan
  /** Index of the bridge. */
  readonly bridge: number
  /** Whether the others are told who is there: see AddressHistory. */
  readonly isAnnounced: boolean
  /** Hears what a repeated plug found different and has mended. */
  repaired(what: string): void
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

/** What a new port does anyway. */
function isUsual({ isolated, hairpin, ...others }: EndpointPlan['port']['flags']): boolean {
  return !isolated && !hairpin && Object.keys(others).length === 0
}

/** Tells those who had one of the addresses under another MAC. */
export function announceEndpoint(
  { rtnl, plan }: Pick<PlugTask, 'rtnl' | 'plan'>,
  { port, sandbox }: { port: number; sandbox: Namespace },
): void {
  // The bridge drops what comes in until the kernel has worked off that the link came up: later, or at once for
  // whoever asks for the state of the link.
  rtnl.link(port)
  const { interfaceName, macAddress } = plan
  announce(sandbox, { interfaceName, macAddress, addresses: plan.addresses.map(withoutPrefix) })
}
