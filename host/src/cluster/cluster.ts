// This node's part in the cluster: what all nodes know is followed, what this node has is said, and both go on after the
// store was away. Who uses it hears of networks that come and go, and asks for addresses.
import { setMaxListeners } from 'node:events'
import type { Logger } from 'pino'
import type { StoreReplaced } from '../domain/store-replaced.ts'
import { changeSharedNetwork, type NetworkChange } from './change-shared-network.ts'
import { ClaimGate } from './claim-gate.ts'
import type { ClusterListener } from './cluster-listener.ts'
import { HeldNetworks } from './held-networks.ts'
import { KnownNodes } from './known-nodes.ts'
import { MemberPublisher } from './member-publisher.ts'
import { NetworkDirectory } from './network-directory.ts'
import { NetworksInUse } from './networks-in-use.ts'
import { NodeOperations } from './node-operations.ts'
import { NodePresence, type Trouble } from './node-presence.ts'
import { ObeyedRemovals } from './obeyed-removals.ts'
import { type BlockStore, OwnBlockRecord } from './own-blocks.ts'
import { PublishedMembers } from './published-members.ts'
import { PutBack } from './put-back.ts'
import type { SharedNetwork, SharedNode } from './records.ts'
import {
  createSharedNetwork,
  deleteSharedNetwork,
  type ProposedNetwork,
  type Registered,
} from './shared-networks.ts'
import type { CallLimits, SharedStore } from './shared-store.ts'
import { StoreContinuity } from './store-continuity.ts'
import { readWholeNetwork, type WholeNetwork } from './whole-network.ts'

export type ClusterOptions = {
  readonly store: SharedStore
  readonly node: SharedNode
  /** Of networks that are created here: the most addresses of a block, as a power of two. */
  readonly mostBlockBits: number
  /** After the store has lost something: how long hosts are waited for that have not put back what they have. */
  readonly awaitHostsMs: number
  /** For so long at least it is told that the store has lost something. */
  readonly lossShownMs?: number
  /** The durable store of this node. */
  readonly records: BlockStore
  /** Throws while other nodes could not reach this machine; `what` begins the message. */
  assertReachable?(what: string): void
  readonly log: Logger
}

export class Cluster {
  readonly blocks: OwnBlockRecord
  readonly members: PublishedMembers
  /** All nodes, for who operates them. */
  readonly nodes: NodeOperations
  /** What this node has of networks. */
  readonly networks: NetworksInUse
  readonly mostBlockBits: number
  readonly #options: ClusterOptions
  readonly #presence: NodePresence
  readonly #directory: NetworkDirectory
  readonly #continuity: StoreContinuity
  readonly #nodes: KnownNodes
  readonly #publisher: MemberPublisher
  readonly #held: HeldNetworks
  readonly #putBack: PutBack
  readonly #ending = new AbortController()
  readonly #assureWhole = () => this.#continuity.assure(this.#ending.signal)
  readonly #isLoss = () => this.#continuity.isLoss(this.#ending.signal)
  #listener: ClusterListener | undefined
  /** What the log has: it is not told again with each try. */
  #reported: Trouble | undefined
  #running: Promise<unknown> | undefined

  /** Knows what is on the disk; nothing is asked of the store before `start`. */
  constructor(options: ClusterOptions) {
    const { store, node, records, log } = options
    const { signal } = this.#ending
    this.#options = options
    // All that follows the store listens to it.
    setMaxListeners(Number.POSITIVE_INFINITY, signal)
    this.mostBlockBits = options.mostBlockBits
    this.nodes = new NodeOperations(store, () => this.#nodes.all)
    this.blocks = new OwnBlockRecord(records, (networkId) => this.#listener?.blocksChanged(networkId))
    this.#presence = this.#openPresence()
    this.#continuity = this.#openContinuity()
    const listener = () => this.#listener
    const assureWhole = this.#assureWhole
    const doubt = () => this.#continuity.doubt()
    this.#directory = new NetworkDirectory({ store, assureWhole, lost: doubt, listener, signal, log })
    const seenHere = () => void this.#presence.look()
    const { identity } = node
    const isLoss = this.#isLoss
    this.#nodes = new KnownNodes({ store, records, identity, isLoss, seenHere, signal, log })
    this.#publisher = new MemberPublisher({
      store,
      node: node.name,
      condition: () => this.#presence.condition,
      refused: () => this.#presence.refused(),
      failed: (err) => log.debug({ err }, 'what this node has is not in the shared store yet'),
    })
    this.members = new PublishedMembers(this.#publisher, node.underlayAddress)
    this.networks = this.#openNetworks()
    this.#held = new HeldNetworks({ store, node: node.name, log, signal, listener })
    const { blocks, networks } = this
    const [presence, nodes, publisher, held] = [this.#presence, this.#nodes, this.#publisher, this.#held]
    this.#putBack = new PutBack({ store, presence, nodes, blocks, networks, publisher, held, listener })
  }

  get node(): string {
    return this.#options.node.name
  }

  /** Of the machine, whatever its name. */
  get identity(): string {
    return this.#options.node.identity
  }

  /** Throws `failedPrecondition` while other nodes could not reach this machine; `what` begins the message. */
  assertReachable(what: string): void {
    this.#options.assertReachable?.(what)
  }

  /** Why the node has no part in the cluster now. */
  get trouble(): Trouble | undefined {
    return this.#options.store.refusal ?? this.#presence.trouble ?? this.#directory.trouble
  }

  /** The store has lost something, and what was done about it; undefined some time after all is mended. */
  get storeReplaced(): StoreReplaced | undefined {
    return this.#continuity.replaced
  }

  /** What this node and another one both use since, for people. */
  get contested(): string[] {
    return this.networks.contested((networkId) => this.#putBack.inUse(networkId))
  }

  /** What this node wants to say and could not yet. */
  get behind(): number {
    return this.#publisher.behind
  }

  /** Whether the store was there when it was last asked. */
  get isCurrent(): boolean {
    return this.#directory.isCurrent && this.#presence.condition !== undefined
  }

  /** Joins, follows and says, until `stop`. Called once. */
  start(listener: ClusterListener): void {
    this.#listener = listener
    const { signal } = this.#ending
    this.#running = Promise.all([
      this.#presence.follow(signal),
      this.#directory.follow(),
      this.#publisher.follow(signal),
      this.#nodes.follow(),
      this.#continuity.follow(signal),
    ])
  }

  /** What this node has stays its own; others see that it is away. */
  async stop(): Promise<void> {
    this.#ending.abort()
    await this.#running
    await this.networks.close()
    await this.#continuity.leave()
    this.#options.store.close()
  }

  /** As `createSharedNetwork`; only a node that is registered may. */
  async createNetwork(
    propose: (known: readonly SharedNetwork[]) => Promise<ProposedNetwork>,
    limits: CallLimits = {},
  ): Promise<ProposedNetwork> {
    const registered = this.#registered('create a network of the cluster', limits)
    // Before anything is proposed, which a driver here makes at once.
    await registered.condition()
    return createSharedNetwork(this.#options.store, propose, { ...limits, registered })
  }

  /** As `changeSharedNetwork`; only a node that is registered may. */
  changeNetwork(id: string, change: NetworkChange, limits: CallLimits = {}): Promise<SharedNetwork> {
    const registered = this.#registered('change a network of the cluster', limits)
    return changeSharedNetwork(this.#options.store, { id, change }, { ...limits, registered })
  }

  /** As `deleteSharedNetwork`. */
  deleteNetwork(network: Parameters<typeof deleteSharedNetwork>[1], limits: CallLimits = {}): Promise<void> {
    return deleteSharedNetwork(this.#options.store, network, limits)
  }

  /** The listener is told if the network is gone: it may have been in use here when that was heard. */
  tellIfGone(networkId: string): void {
    this.#directory.tellIfGone(networkId)
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

  #registered(what: string, limits: CallLimits): Registered {
    return {
      condition: () => this.#presence.registered(what, limits),
      refused: () => this.#presence.refused(),
    }
  }

  #openPresence(): NodePresence {
    const { store, node, records } = this.#options
    return new NodePresence({
      store,
      node,
      obeyed: new ObeyedRemovals(records),
      assertReachable: (what) => this.assertReachable(what),
      removed: () => this.#dropAll(),
      changed: (trouble) => this.#report(trouble),
    })
  }

  #openContinuity(): StoreContinuity {
    const { store, node, records, awaitHostsMs, lossShownMs, log } = this.#options
    return new StoreContinuity({
      ...{ store, records, identity: node.identity, awaitMs: awaitHostsMs, shownMs: lossShownMs, log },
      nodes: () => this.#nodes.all,
      putBack: (limits, networkIds) => this.#putBack.run(limits, networkIds),
      speakFor: (absent, limits) => this.#putBack.speakFor(absent, limits),
    })
  }

  #openNetworks(): NetworksInUse {
    const { store, node, log } = this.#options
    const { name, underlayAddress } = node
    const assure = this.#assureWhole
    return new NetworksInUse({
      ...{ store, node: name, underlayAddress, log, assureWhole: assure, isLoss: this.#isLoss },
      blocks: this.blocks,
      presence: this.#presence,
      members: this.members,
      isCurrent: () => this.isCurrent,
      isRemoved: (known) => this.#nodes.isRemoved(known),
      gate: new ClaimGate({ store, continuity: this.#continuity, assure }),
      peersChanged: (networkId) => this.#listener?.peersChanged(networkId),
      lost: (endpointIds) => this.#listener?.lost(endpointIds),
      blockWanted: (...wanted) => this.#listener?.blockWanted(...wanted),
    })
  }

  async #dropAll(): Promise<void> {
    for (const networkId of this.blocks.networks) this.networks.forget(networkId)
    await this.#listener?.removed()
  }

  #report(trouble: Trouble | undefined): void {
    const { log, node } = this.#options
    if (trouble === undefined) {
      log.info({ node: node.name }, 'cluster: this node takes part')
      void this.#held.tell()
      const { missing } = this.#putBack
      if (missing.size > 0) void this.#continuity.reclaim(missing, this.#ending.signal)
      this.#listener?.joined()
    } else if (trouble.since !== this.#reported?.since) {
      log.warn({ node: node.name, err: trouble.error }, 'cluster: this node has no part now')
    }
    this.#reported = trouble
  }
}
