// This node's part in the cluster: what all nodes know is followed, what this node has is said, and both go on after the
// store was away. Who uses it hears of networks that come and go, and asks for addresses.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { Backoff } from '../retry/backoff.ts'
import { keys } from './keys.ts'
import { MemberPublisher } from './member-publisher.ts'
import { Mirror } from './mirror.ts'
import { NetworkHere } from './network-here.ts'
import type { NetworkPeers } from './network-peers.ts'
import { blocksOf, listNodes, type NodeReport, quarantineNode, removeFencedNode } from './node-directory.ts'
import { NodePresence, type Trouble } from './node-presence.ts'
import { type BlockStore, OwnBlockRecord } from './own-blocks.ts'
import { PublishedMembers } from './published-members.ts'
import { reader, SharedNetwork, type SharedNode } from './records.ts'
import { createSharedNetwork, deleteSharedNetwork, type ProposedNetwork } from './shared-networks.ts'
import type { CallLimits, SharedStore } from './shared-store.ts'
import { readWholeNetwork, type WholeNetwork } from './whole-network.ts'

export type ClusterOptions = {
  readonly store: SharedStore
  readonly node: SharedNode
  /** Of networks that are created here: the most addresses of a block, as a power of two. */
  readonly mostBlockBits: number
  /** The durable store of this node. */
  readonly records: BlockStore
  readonly log: Logger
}

/** Who is told what happens in the cluster. None of it may throw. */
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
  /** An operator has removed this node: nothing that it has in networks of the cluster is its own any more. */
  removed(): Promise<void>
}

export class Cluster {
  readonly blocks: OwnBlockRecord
  readonly members: PublishedMembers
  readonly mostBlockBits: number
  readonly #options: ClusterOptions
  readonly #presence: NodePresence
  readonly #networks: Mirror<SharedNetwork>
  readonly #publisher: MemberPublisher
  readonly #here = new Map<string, NetworkHere>()
  readonly #leaving = new Map<string, Promise<void>>()
  readonly #ending = new AbortController()
  /** Why the store cannot be followed now. */
  #lost: Trouble | undefined
  #listener: ClusterListener | undefined
  #running: Promise<unknown> | undefined

  /** Knows what is on the disk; nothing is asked of the store before `start`. */
  constructor(options: ClusterOptions) {
    const { store, node, records, log } = options
    this.#options = options
    this.mostBlockBits = options.mostBlockBits
    this.blocks = new OwnBlockRecord(records, (networkId) => this.#listener?.blocksChanged(networkId))
    this.#presence = new NodePresence({
      store,
      node,
      removed: () => this.#dropAll(),
      changed: (trouble) => this.#report(trouble),
    })
    this.#networks = new Mirror({
      store,
      prefix: keys.networks,
      parse: reader(SharedNetwork),
      changed: (changes) => {
        for (const { key, after } of changes)
          if (after === undefined) this.#listener?.networkGone(key)
          else this.#listener?.networkSeen(after)
      },
      listed: (ids) => {
        this.#lost = undefined
        this.#listener?.networksKnown(ids)
      },
      lost: (error) => {
        this.#lost = { since: this.#lost?.since ?? new Date(), error }
      },
    })
    this.#publisher = new MemberPublisher({
      store,
      node: node.name,
      condition: () => this.#presence.condition,
      refused: () => this.#presence.refused(),
      failed: (err) => log.debug({ err }, 'what this node has is not in the shared store yet'),
    })
    this.members = new PublishedMembers(this.#publisher, node.underlayAddress)
  }

  get node(): string {
    return this.#options.node.name
  }

  /** Why the node has no part in the cluster now. */
  get trouble(): Trouble | undefined {
    return this.#presence.trouble ?? this.#lost
  }

  /** What this node wants to say and could not yet. */
  get behind(): number {
    return this.#publisher.behind
  }

  /** Whether the store was there when it was last asked. */
  get isCurrent(): boolean {
    return this.#networks.isCurrent && this.#presence.condition !== undefined
  }

  /** Joins, follows and says, until `stop`. Called once. */
  start(listener: ClusterListener): void {
    this.#listener = listener
    const { signal } = this.#ending
    this.#running = Promise.all([
      this.#presence.follow(signal),
      this.#networks.follow(signal),
      this.#publisher.follow(signal),
    ])
  }

  /** What this node has stays its own; others see that it is away. */
  async stop(): Promise<void> {
    this.#ending.abort()
    await this.#running
    await Promise.all(this.#leaving.values())
    await Promise.all([...this.#here.values()].map((here) => here.close()))
    this.#options.store.close()
  }

  /** As `createSharedNetwork`; only a node that is registered may. */
  async createNetwork(
    propose: (known: readonly SharedNetwork[]) => Promise<ProposedNetwork>,
    limits: CallLimits = {},
  ): Promise<ProposedNetwork> {
    const registered = {
      condition: () => this.#presence.registered('create a network of the cluster', limits),
      refused: () => this.#presence.refused(),
    }
    // Before anything is proposed, which a driver here makes at once.
    await registered.condition()
    return createSharedNetwork(this.#options.store, propose, { ...limits, registered })
  }

  /** As `deleteSharedNetwork`. */
  deleteNetwork(network: Parameters<typeof deleteSharedNetwork>[1], limits: CallLimits = {}): Promise<void> {
    return deleteSharedNetwork(this.#options.store, network, limits)
  }

  /** One more block of addresses of a subnet. */
  claim(network: SharedNetworkKey, subnet: string): Promise<void> {
    return this.#use(network).claim(subnet)
  }

  /** The block of an address that somebody asked for. */
  claimFor(
    network: SharedNetworkKey,
    { address, subnet }: AddressOf,
    limits: CallLimits = {},
  ): Promise<void> {
    return this.#use(network).claimFor(address, subnet, limits)
  }

  /** Gives a block back that `isEmpty` says is not in use, if the store is there. */
  async giveBack(network: SharedNetworkKey, block: string, isEmpty: () => boolean): Promise<void> {
    if (!this.isCurrent) return
    await this.#use(network).giveBack(block, isEmpty, { signal: this.#ending.signal })
  }

  /** Of each node: how many blocks of a subnet it has. Only of networks that are used here. */
  blockUse(networkId: string, subnet: string): Record<string, number> | undefined {
    return this.#here.get(networkId)?.use(subnet)
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
    this.blocks.remove(networkId, this.blocks.all(networkId))
    const here = this.#here.get(networkId)
    this.#here.delete(networkId)
    void here?.close()
  }

  nodes(): Promise<NodeReport[]> {
    return listNodes(this.#options.store)
  }

  /** The blocks that a node has of networks. */
  blocksOf(node: string, networkIds: Iterable<string>): Promise<Map<string, string[]>> {
    return blocksOf(this.#options.store, { node, networkIds })
  }

  quarantineNode(name: string): Promise<void> {
    return quarantineNode(this.#options.store, name)
  }

  removeFencedNode(name: string): Promise<void> {
    return removeFencedNode(this.#options.store, name)
  }

  /** What is known of a network on all nodes; undefined while the store is away. */
  async wholeNetwork(networkId: string): Promise<WholeNetwork | undefined> {
    try {
      return await readWholeNetwork(this.#options.store, networkId)
    } catch (err) {
      this.#options.log.debug({ networkId, err }, 'cluster: what other nodes have is not known now')
      return undefined
    }
  }

  async #leave(network: SharedNetworkKey, isUnused: () => boolean): Promise<void> {
    const { signal } = this.#ending
    const backoff = new Backoff({ firstMs: 100, mostMs: 5_000 })
    while (!signal.aborted && isUnused()) {
      try {
        // What is still on its way to the store would come after all was taken away.
        await this.members.settled(network.id, signal)
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
    const { store, node, log } = this.#options
    const networkId = network.id
    const here = new NetworkHere({
      store,
      node: node.name,
      network,
      own: this.blocks,
      registered: (what, limits) => this.#presence.registered(what, limits),
      refused: () => this.#presence.refused(),
      adoptionFailed: (err) => log.error({ networkId, err }, 'a block of this node is not on record here'),
      peersChanged: () => this.#listener?.peersChanged(networkId),
    })
    this.#here.set(networkId, here)
    return here
  }

  /** What the node had in the store before, and may use no more. */
  async #tellHeld(): Promise<void> {
    const { store, node, log } = this.#options
    try {
      const prefix = keys.heldBy(node.name)
      const { entries } = await store.list(prefix, { signal: this.#ending.signal })
      this.#listener?.networksHeld(entries.map(({ key }) => key.slice(prefix.length)))
    } catch (err) {
      // The next registration asks again.
      log.debug({ err }, 'cluster: what this node holds is not known yet')
    }
  }

  async #dropAll(): Promise<void> {
    for (const networkId of this.blocks.networks) this.forget(networkId)
    await this.#listener?.removed()
  }

  #report(trouble: Trouble | undefined): void {
    const { log, node } = this.#options
    if (trouble === undefined) {
      log.info({ node: node.name }, 'cluster: this node takes part')
      void this.#tellHeld()
    } else log.warn({ node: node.name, err: trouble.error }, 'cluster: this node has no part now')
  }
}

/** What must be known of a network to use it. */
export type SharedNetworkKey = Pick<SharedNetwork, 'id' | 'name' | 'subnets' | 'blockBits'>
export type AddressOf = { readonly address: string; readonly subnet: string }
