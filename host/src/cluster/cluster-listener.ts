// Who is told what happens in the cluster.
import type { SharedNetwork } from './records.ts'

/** What endpoints of this node have in a network. */
export type EndpointUse = {
  /** Without prefix lengths. */
  readonly addresses: readonly string[]
  /** Those that somebody asked for. */
  readonly macAddresses: readonly string[]
}

/** None of it may throw. */
export type ClusterListener = {
  /** A network is new here, or was changed. */
  networkSeen(network: SharedNetwork): void
  networkGone(id: string): void
  /** All networks that there are, each time a doubt has ended. */
  networksKnown(ids: ReadonlySet<string>): void
  /** Networks of which the store says that this node has something. */
  networksHeld(ids: readonly string[]): void
  /** There is something new to tell a driver of the endpoints on other nodes. */
  peersChanged(networkId: string): void
  /** This node has other blocks of a network's subnets than before. */
  blocksChanged(networkId: string): void
  /** Another node needs a block of the subnet, and none is free; or that very block, which was its own. */
  blockWanted(networkId: string, subnet: string, block?: string): void
  /** An endpoint of another node has, by right, an address or a MAC that these have too: they are to let it go. May be repeated. */
  lost(endpointIds: readonly string[]): void
  /** An operator has removed this node: nothing that it has in networks of the cluster is its own any more. */
  removed(): Promise<void>
  /** This node is registered, maybe again. */
  joined(): void
  /** The store has lost what it held: all networks of the cluster that are on record here, to be written there again. */
  networksOnRecord(): SharedNetwork[]
  /** How many addresses of the subnet endpoints of this node hold, plugged or not. */
  heldHere(networkId: string, subnet: string): number | undefined
  inUse(networkId: string): EndpointUse
}
