// What an endpoint is to the host: the record of one attachment's realisation, from the intent to the tombstone.
import { type PluggedInterface, PlugResult, PortMapping, Route } from '@conet/sdk'
import { type Static, Type } from 'typebox'

export const EndpointState = Type.Union([
  /** On record; the driver has not confirmed it. */
  Type.Literal('creating'),
  /** The driver has it, no sandbox does. */
  Type.Literal('created'),
  /** On its way into a sandbox. */
  Type.Literal('plugging'),
  Type.Literal('plugged'),
  /** To be removed, or half made. Its addresses stay reserved until the driver has confirmed that it is gone. */
  Type.Literal('deleting'),
])
export type EndpointState = Static<typeof EndpointState>

/** The interface as the host asks the driver for it. */
export const InterfacePlan = Type.Object({
  name: Type.String(),
  macAddress: Type.String(),
  addresses: Type.Array(Type.String()),
  mtu: Type.Optional(Type.Integer()),
  defaultRoute: Type.Boolean(),
  routes: Type.Array(Route),
})
export type InterfacePlan = Static<typeof InterfacePlan>

export const EndpointRecord = Type.Object({
  id: Type.String(),
  networkId: Type.String(),
  /** The container's handle. */
  handle: Type.String(),
  /** The attachment's name. */
  attachment: Type.String(),
  /** Who asked: a failed `plug` takes its attachment back, a failed `up` leaves what the client configured. */
  madeBy: Type.Union([Type.Literal('plug'), Type.Literal('up')]),
  /** Ascending over all endpoints: the order in which they were made. */
  order: Type.Integer(),
  state: EndpointState,
  interface: InterfacePlan,
  /** Which hold on a sandbox it was made for: a container that is up again has another one. */
  hold: Type.Optional(Type.String()),
  options: Type.Record(Type.String(), Type.Unknown()),
  /** Where the driver hands out the addresses: what the client asked for. */
  requestedAddresses: Type.Optional(Type.Array(Type.String())),
  /** The document that is to be in force; absent: none, or its driver takes none. */
  policy: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  /** The ports that it asks for, in its order. */
  portMappings: Type.Optional(Type.Array(PortMapping)),
  /** Another number after each change of the two. */
  policyRevision: Type.Optional(Type.Integer()),
  /** Present: the driver may have another policy in force. It is told again. */
  diverged: Type.Optional(
    Type.Object({
      since: Type.String(),
      reason: Type.String(),
      /** What may be mapped still, so that nobody else gets it. */
      portMappings: Type.Array(PortMapping),
    }),
  ),
  /** What the driver answered to the plug. */
  result: Type.Optional(PlugResult),
  /** By the names of interfaces of which nobody said an MTU: what they came into the sandbox with. */
  foundMtus: Type.Optional(Type.Record(Type.String(), Type.Integer())),
  createdAt: Type.String(),
  /** Of the request that made it, if its client said that it may ask again. */
  requestKey: Type.Optional(Type.String()),
  lastError: Type.Optional(Type.String()),
  /** Since when it is `deleting`. */
  buriedAt: Type.Optional(Type.String()),
})
export type EndpointRecord = Static<typeof EndpointRecord>

/** The interfaces that it has in its sandbox, or is to have. */
export function interfaceNames({
  interface: plan,
  result,
}: Pick<EndpointRecord, 'result'> & { interface: Pick<InterfacePlan, 'name'> }): string[] {
  const made = result?.interfaces.map(({ name }) => name) ?? []
  return made.includes(plan.name) ? made : [plan.name, ...made]
}

/**
 * These of its interfaces as the host holds them: one that the driver leaves to it keeps the MTU that it came with, where nobody
 * said another.
 */
export function asHeld<T extends PluggedInterface>(
  { foundMtus = {} }: Pick<EndpointRecord, 'foundMtus'>,
  interfaces: readonly T[],
): T[] {
  return interfaces.map((made) => {
    const mtu = made.configuredBy === 'host' ? (made.mtu ?? foundMtus[made.name]) : made.mtu
    return mtu === undefined ? made : { ...made, mtu }
  })
}

/** Whether a sandbox holds it, or may hold it. */
export function isInSandbox({ state, result }: EndpointRecord): boolean {
  return state === 'plugging' || state === 'plugged' || (state === 'deleting' && result !== undefined)
}

/** Whether the driver should have it: what a sync names. */
export function isWanted(endpoint: EndpointRecord): boolean {
  return endpoint.state === 'created' || endpoint.state === 'plugged'
}
