// What the firewall does with a network, as membership of its bridge in the sets of the table. A network is a few
// elements, an endpoint none.

/** The sets of the table, in the order in which they are written. */
export const setNames = ['bridges', 'peers', 'internal', 'routed', 'masqueraded', 'hostless'] as const

export type SetName = (typeof setNames)[number]

/** The sets that hold the bridge, in the order of `setNames`. */
export type Policy = readonly SetName[]

export type PolicyInput = {
  readonly internal: boolean
  readonly icc: boolean
  readonly masquerade: boolean
  readonly hostAccess: boolean
}

export function policyOf({ internal, icc, masquerade, hostAccess }: PolicyInput): Policy {
  const member: Record<SetName, boolean> = {
    bridges: true,
    peers: icc,
    internal,
    routed: !internal && !masquerade,
    masqueraded: !internal && masquerade,
    hostless: !internal && !hostAccess,
  }
  return setNames.filter((name) => member[name])
}

/** By bridge. */
export type Policies = ReadonlyMap<string, Policy>
