// The networks of the cluster that this node uses, and those that it is about to leave.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { Backoff } from '../retry/backoff.ts'
import type { ClaimGateAccess } from './claim-gate.ts'
import type { RegisteredLimits } from './claim-transaction.ts'
import type { EndpointUse } from './cluster-listener.ts'
import { NetworkHere } from './network-here.ts'
import type { NetworkPeers } from './network-peers.ts'
import type { NodePresence } from './node-presence.ts'
import type { OwnBlockRecord } from './own-blocks.ts'
import type { PublishedMembers } from './published-members.ts'
import type { SharedNetwork, SharedNode } from './records.ts'
import type { CallLimits, SharedStore } from './shared-store.ts'

/** What must be known of a network to use it. */
export type SharedNetworkKey = Pick<SharedNetwork, 'id' | 'name' | 'subnets' | 'blockBits'>
export type AddressOf = { readonly address: string; readonly subnet: string }

export type NetworksInUseOptions = {
  readonly store: SharedStore
  readonly node: string
  /** Of this node. */
  readonly underlayAddress: string
  readonly blocks: OwnBlockRecord
  readonly presence: NodePresence
  readonly members: PublishedMembers
  readonly log: Logger
  /** An operator has removed the node, and it has not found out. */
  isRemoved(node: SharedNode): boolean
  /** Whether the store was there when it was last asked. */
  isCurrent(): boolean
  /** Whether the store is the one that is known; else it puts back what is missing. */
  assureWhole(): Promise<void>
  /** Whether the store has lost something just now. */
  isLoss(): Promise<boolean>
  /** There is something new to tell of the endpoints on other nodes. */
  peersChanged(networkId: string): void
  /** Of all that others may have. */
  readonly gate: ClaimGateAccess
  /** Endpoints of this node have what is another's by right. */
  lost(endpointIds: readonly string[]): void
  /** Another node needs a block of the subnet, and none is free; or that very block. */
  blockWanted(networkId: string, subnet: string, block?: string): void
  /** How many addresses of the subnet endpoints of this node hold, plugged or not. */
  heldHere(networkId: string, subnet: string): number | undefined
}

export class NetworksInUse {
  readonly #options: NetworksInUseOptions
  readonly #here = new Map<string, NetworkHere>()
  readonly #leaving = new Map<string, Promise<void>>()
  readonly #ending = new AbortController()

  constructor(options: NetworksInUseOptions) {
    this.#options = options
  }

  /** One more block of addresses of a subnet. */
  claim(network: SharedNetworkKey, subnet: string): Promise<void> {
    return this.#use(network).claim(subnet)
  }

  /** One more block of which none was free: nodes that have an empty one give it back. */
  recall(network: SharedNetworkKey, subnet: string): Promise<void> {
    return this.#use(network).recall(subnet)
  }

  /** The block of an address that somebody asked for. */
  claimFor(
    network: SharedNetworkKey,
    { address, subnet }: AddressOf,
    limits: CallLimits = {},
  ): Promise<void> {
    return this.#use(network).claimFor(address, subnet, limits)
  }

  /** A MAC that somebody asked for. */
  claimMac(network: SharedNetworkKey, macAddress: string, limits: CallLimits = {}): Promise<void> {
    return this.#use(network).macs.claim(macAddress, limits)
  }

  /** Gives the claims of MACs back that `isHeld` says are not in use, if the store is there. */
  async tidyMacs(network: SharedNetworkKey, isHeld: (macAddress: string) => boolean): Promise<void> {
    if (!this.#options.isCurrent()) return
    await this.#use(network).macs.tidy(isHeld, { signal: this.#ending.signal })
  }

  /** Gives a block back that `isEmpty` says is not in use, if the store is there. */
  async giveBack(network: SharedNetworkKey, block: string, isEmpty: () => boolean): Promise<void> {
    if (!this.#options.isCurrent()) return
    await this.#use(network).giveBack(block, isEmpty, { signal: this.#ending.signal })
  }

  /** The network is used here from now on: what others do to its blocks is followed. */
  use(network: SharedNetworkKey): void {
    this.#use(network)
  }

  /**
   * Nothing here uses the network any more: all that this node has of it is given back, as soon as the store is there,
   * unless `isUnused` says that it is used again.
   */
  leave(network: SharedNetworkKey, isUnused: () => boolean): Promise<void> {
    const running = this.#leaving.get(network.id)
    if (running !== undefined) return running
    const leaving = this.#leave(network, isUnused).finally(() => this.#leaving.delete(network.id))
    this.#leaving.set(network.id, leaving)
    return leaving
  }

  /** The endpoints on other nodes; undefined while the network is not used here. */
  peersOf(networkId: string): NetworkPeers | undefined {
    return this.#here.get(networkId)?.peers
  }

  /** The network is gone: this node has nothing of it. */
  forget(networkId: string): void {
    const { blocks } = this.#options
    blocks.remove(networkId, blocks.all(networkId))
    const here = this.#here.get(networkId)
    this.#here.delete(networkId)
    void here?.close()
  }

  /** Writes what this node has of a network to a store that has lost it. Resolves to what others have there. */
  putBack(network: SharedNetworkKey, inUse: EndpointUse, limits: CallLimits): Promise<string[]> {
    return this.#use(network).putBack(inUse, limits)
  }

  /** What this node and another one both use, for people. */
  contested(inUse: (networkId: string) => EndpointUse): string[] {
    return [...this.#here].flatMap(([networkId, here]) => here.contested(inUse(networkId)))
  }

  /** The same of what these nodes had of networks that are used here. */
  async speakFor(nodes: ReadonlySet<string>, limits: RegisteredLimits): Promise<void> {
    for (const here of this.#here.values()) await here.speakFor(nodes, limits)
  }

  async close(): Promise<void> {
    this.#ending.abort()
    await Promise.all(this.#leaving.values())
    await Promise.all([...this.#here.values()].map((here) => here.close()))
  }

  async #leave(network: SharedNetworkKey, isUnused: () => boolean): Promise<void> {
    const { signal } = this.#ending
    const backoff = new Backoff({ firstMs: 100, mostMs: 5_000 })
    while (!signal.aborted && isUnused()) {
      try {
        // What is still on its way to the store would come after all was taken away.
        await this.#options.members.settled(network.id, signal)
        const here = this.#use(network)
        await here.letGo(isUnused, { signal })
        if (!isUnused() || here.isBusy) return
        this.#here.delete(network.id)
        await here.close()
        return
      } catch (err) {
        if (signal.aborted) return
        this.#options.log.debug({ networkId: network.id, err }, 'addresses are not given back yet')
        await sleep(backoff.nextMs(), undefined, { signal }).catch(() => undefined)
      }
    }
  }

  #use(network: SharedNetworkKey): NetworkHere {
    const known = this.#here.get(network.id)
    if (known !== undefined) return known
    const {
      store,
      node,
      underlayAddress,
      blocks,
      presence,
      log,
      peersChanged,
      blockWanted,
      heldHere,
      lost,
      isRemoved,
      assureWhole,
      isLoss,
      gate,
    } = this.#options
    const networkId = network.id
    const here = new NetworkHere({
      store,
      node,
      underlayAddress,
      network,
      own: blocks,
      registered: (what, limits) => presence.registered(what, limits),
      refused: () => presence.refused(),
      adoptionFailed: (err) => log.error({ networkId, err }, 'a block of this node is not on record here'),
      peersChanged: () => peersChanged(networkId),
      gate,
      blockWanted: (subnet, block) => blockWanted(networkId, subnet, block),
      heldHere: (subnet) => heldHere(networkId, subnet),
      lost,
      isRemoved,
      log,
      assureWhole,
      isLoss,
    })
    this.#here.set(networkId, here)
    return here
  }
}
