// What the lifecycle needs of the cluster: networks that all hosts know, blocks of addresses, and a way to say what is
// here. Knows no store.

import type { PeersDifference } from '../cluster/network-peers.ts'
import type { SharedNetwork } from '../cluster/records.ts'
import type { ProposedNetwork } from '../cluster/shared-networks.ts'
import type { WholeNetwork } from '../cluster/whole-network.ts'

type Limits = { readonly signal?: AbortSignal | undefined }

export type ClusterNetwork = Pick<SharedNetwork, 'id' | 'name' | 'subnets' | 'blockBits'>

export type ClusterPeers = {
  /** What a driver is to be told next; undefined: nothing is new, or nothing is known yet. */
  next(): PeersDifference | undefined
  /** The driver holds it. */
  told(difference: PeersDifference): void
  /** Nobody knows what the driver holds. */
  forgotten(): void
  /** The host and the container that have a MAC on another host. */
  holderOf(macAddress: string): { readonly node: string; readonly container: string } | undefined
}

/** All that rejects does so with `clusterUnavailable` while the shared store is away. */
export type ClusterAccess = {
  /** This host's name. */
  readonly node: string
  /** The most addresses that a block of a new network has, as a power of two. */
  readonly mostBlockBits: number
  /** Whether the shared store answered when it was last asked. */
  readonly isCurrent: boolean
  /** Throws `failedPrecondition` while other hosts could not reach this one; `what` begins the message. */
  assertReachable(what: string): void
  /**
   * `propose` sees all networks of the cluster and chooses what is free, or throws; called again when others came first.
   * After `clusterUnavailable` the network may be there: the same request again tells.
   */
  createNetwork(
    propose: (known: readonly SharedNetwork[]) => Promise<ProposedNetwork>,
    limits: Limits,
  ): Promise<ProposedNetwork>
  /**
   * `change` makes another record of what the store has now; called again when others came first. Resolves to what is
   * there then. After `clusterUnavailable` it may be there, unless the error says `not-started`; the directory tells.
   */
  changeNetwork(
    id: string,
    change: (known: SharedNetwork) => Promise<SharedNetwork>,
    limits: Limits,
  ): Promise<SharedNetwork>
  /** Throws `inUse` that names the hosts with something of it. May be repeated. */
  deleteNetwork(
    network: Pick<SharedNetwork, 'id' | 'name' | 'type' | 'segmentId'>,
    limits: Limits,
  ): Promise<void>
  /** What all hosts have of a network; undefined while the shared store is away. */
  wholeNetwork(networkId: string): Promise<Pick<WholeNetwork, 'members'> | undefined>
  /** Nothing of a network is here any more: the listener is told if it has gone meanwhile. */
  tellIfGone(networkId: string): void
  /** What this host has of networks. */
  readonly networks: {
    /** One more block of a subnet is this host's. Throws `addressesExhausted` with the use per host. */
    claim(network: ClusterNetwork, subnet: string): Promise<void>
    /** As `claim`, where none was free: hosts that have an empty one are asked to give it back. */
    recall(network: ClusterNetwork, subnet: string): Promise<void>
    /** The block of an address is this host's. Throws `addressInUse` that names the host that has it. */
    claimFor(
      network: ClusterNetwork,
      of: { readonly address: string; readonly subnet: string },
      limits: Limits,
    ): Promise<void>
    /** A MAC that somebody asked for is this host's. Throws `addressInUse` that names the host that has it. */
    claimMac(network: ClusterNetwork, macAddress: string, limits: Limits): Promise<void>
    /** Others may have the MACs that this host has claimed, but for those that `isHeld` says are used. */
    tidyMacs(network: ClusterNetwork, isHeld: (macAddress: string) => boolean): Promise<void>
    /** Others may have the block, unless `isEmpty` says that it is used again. */
    giveBack(network: ClusterNetwork, block: string, isEmpty: () => boolean): Promise<void>
    /** The network is used here. */
    use(network: ClusterNetwork): void
    /** All of the network is given back as soon as that can be, unless `isUnused` says that it is used again. */
    leave(network: ClusterNetwork, isUnused: () => boolean): Promise<void>
    /** The endpoints of a network on other hosts; undefined while it is not used here. */
    peersOf(networkId: string): ClusterPeers | undefined
    /** The network is gone: this host has nothing of it. */
    forget(networkId: string): void
  }
  readonly members: {
    /** Other hosts are to know this. At once, or as soon as the store is there. */
    publish(member: {
      readonly networkId: string
      readonly endpointId: string
      readonly macAddress: string
      readonly addresses: string[]
      readonly container: string
    }): void
    withdraw(member: { readonly networkId: string; readonly endpointId: string }): void
    /** Other hosts are to know how many addresses, by subnet, endpoints hold that are not published. */
    publishUnplugged(networkId: string, addresses: Record<string, number>): void
    isPublished(endpointId: string): boolean
    /** Waits so long at most until other hosts can read of the endpoint. */
    published(endpointId: string, timeoutMs: number): Promise<void>
  }
}
