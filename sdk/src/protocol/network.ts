// Networks as a driver sees them, and the calls of their life.
import { type Static, Type } from 'typebox'
import { Cidr, Document, Fault, Id, IpAddress, Labels, NetworkName } from './primitives.ts'

/** One subnet of a network. */
export const NetworkSubnet = Type.Object({
  subnet: Cidr,
  /** The address of the way out, to be held by the driver; absent on a network without one. */
  gateway: Type.Optional(IpAddress),
})
export type NetworkSubnet = Static<typeof NetworkSubnet>

/** A network, complete: what `network/create` makes so, and what comes along with each of its endpoints. */
export const Network = Type.Object({
  id: Id,
  name: NetworkName,
  labels: Labels,
  /** True: members reach each other and nothing else. */
  internal: Type.Boolean(),
  /** IPv4 and IPv6 in any number; addresses in them are handed out by the host. */
  subnets: Type.Array(NetworkSubnet),
  /**
   * Only for a driver with `segments`: the number by which tunnels tell this network from others (a VNI, a key), the
   * same on every host.
   */
  segmentId: Type.Optional(Type.Integer({ minimum: 0 })),
  /** The user's document, checked against the driver's `configSchema` before the call. */
  config: Document,
  /**
   * The policy of every attached container until it gets one of its own, checked against the driver's `policySchema`.
   * A driver without one may leave it aside.
   */
  defaultPolicy: Type.Optional(Document),
})
export type Network = Static<typeof Network>

/** Params of `network/create`. Repeated with the same content: checks and mends. */
export const CreateNetworkParams = Type.Object({ network: Network })
export type CreateNetworkParams = Static<typeof CreateNetworkParams>

/** Params of `network/delete`, which succeeds for a network that is gone. */
export const DeleteNetworkParams = Type.Object({ networkId: Id })
export type DeleteNetworkParams = Static<typeof DeleteNetworkParams>

/** What is wrong with a network, as far as one look shows: `bridge cnb0 is down`. A repeated create mends it. */
export const NetworkFault = Type.Object({
  networkId: Id,
  fault: Fault,
})
export type NetworkFault = Static<typeof NetworkFault>

/** Result of `network/list`: the networks that exist, also those nobody asked for. */
export const ListNetworksResult = Type.Object({
  networkIds: Type.Array(Id),
  faults: Type.Optional(Type.Array(NetworkFault)),
})
export type ListNetworksResult = Static<typeof ListNetworksResult>
