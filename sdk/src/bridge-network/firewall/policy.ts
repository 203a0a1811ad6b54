// What the firewall does with a network, as membership of its bridge in the sets of the table. A network is a few
// elements, an endpoint none.

import { type HostService, type ServiceMember, serviceMembers } from './host-services.ts'

/** The sets of bridges, in the order in which they are written. */
export const setNames = [
  'bridges',
  'peers',
  'apart',
  'internal',
  'routed',
  'masqueraded',
  'hostless',
] as const

/** Those of a bridge with itself: what comes from it and goes back out of it. */
export const pairSets: ReadonlySet<string> = new Set(['peers', 'apart'] satisfies SetName[])

export type SetName = (typeof setNames)[number]

/** The sets that hold the bridge, in the order of `setNames`, and what of the machine it leads to nevertheless. */
export type Policy = readonly (SetName | ServiceMember)[]

export type PolicyInput = {
  readonly internal: boolean
  readonly icc: boolean
  readonly masquerade: boolean
  readonly hostAccess: boolean
  readonly hostServices?: readonly HostService[]
}

export function policyOf({ internal, icc, masquerade, hostAccess, hostServices = [] }: PolicyInput): Policy {
  const member: Record<SetName, boolean> = {
    bridges: true,
    peers: icc,
    apart: !icc,
    internal,
    routed: !internal && !masquerade,
    masqueraded: !internal && masquerade,
    hostless: !internal && !hostAccess,
  }
  const services = member.hostless ? serviceMembers(hostServices) : []
  return [...setNames.filter((name) => member[name]), ...services]
}

/** By bridge. */
export type Policies = ReadonlyMap<string, Policy>
