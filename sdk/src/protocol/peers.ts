// The directory of a network that spans hosts: who is on the other hosts, and behind which tunnel end. The host keeps
// it, wherever that may be; a driver only hears what changed.
import { type Static, Type } from 'typebox'
import { Id, IpAddress, MacAddress } from './primitives.ts'

/** An endpoint of the network on another host. */
export const Peer = Type.Object({
  endpointId: Id,
  macAddress: MacAddress,
  /** All that the endpoint has, IPv4 and IPv6. */
  addresses: Type.Array(IpAddress),
  /** The underlay address of its host, to which tunnels lead. */
  tunnelAddress: IpAddress,
})
export type Peer = Static<typeof Peer>

/** Names one state of a network's directory. The host makes it; to a driver it is the same or another, nothing else. */
export const PeersVersion = Type.String({ minLength: 1, maxLength: 128 })
export type PeersVersion = Static<typeof PeersVersion>

/** Params of `network/peers`: one batch of changes to the directory of one network. */
export const PeersParams = Type.Object({
  networkId: Id,
  /** The version that the batch builds on; null: a snapshot begins, which builds on nothing. */
  base: Type.Union([PeersVersion, Type.Null()]),
  /** What the driver holds when the batch is applied. */
  version: PeersVersion,
  /** True: the snapshot goes on with the next batch. On the last one it is false, and what the snapshot lacks goes. */
  more: Type.Boolean(),
  /** Ids of the endpoints that are gone. Comes before `set`; one that is not known is fine. */
  remove: Type.Array(Id),
  /** Endpoints that are new, or of which something changed. */
  set: Type.Array(Peer),
})
export type PeersParams = Static<typeof PeersParams>

/** Result of `network/peers`. */
export const PeersResult = Type.Object({
  /** What the driver holds now: the version of the batch. */
  version: PeersVersion,
})
export type PeersResult = Static<typeof PeersResult>
