// This node's part in the cluster: what all nodes know is followed, what this node has is said, and both go on after the
// store was away. Who uses it hears of networks that come and go, and asks for addresses.
import type { Logger } from 'pino'
import { changeSharedNetwork, type NetworkChange } from './change-shared-network.ts'
import type { ClusterListener } from './cluster-listener.ts'
import { keys } from './keys.ts'
import { MemberPublisher } from './member-publisher.ts'
import { Mirror, type MirrorChange } from './mirror.ts'
import { NetworksInUse } from './networks-in-use.ts'
import { NodeOperations } from './node-operations.ts'
import { NodePresence, type Trouble } from './node-presence.ts'
import { ObeyedRemovals } from './obeyed-removals.ts'
import { type BlockStore, OwnBlockRecord } from './own-blocks.ts'
import { PublishedMembers } from './published-members.ts'
import { putNetworkBack } from './put-network-back.ts'
import { reader, SharedNetwork, type SharedNode } from './records.ts'
import {
  createSharedNetwork,
  deleteSharedNetwork,
  type ProposedNetwork,
  type Registered,
} from './shared-networks.ts'
import type { CallLimits, SharedStore } from './shared-store.ts'
import { StoreContinuity, type StoreReplaced } from './store-continuity.ts'
import { readWholeNetwork, type WholeNetwork } from './whole-network.ts'

export type ClusterOptions = {
  readonly store: SharedStore
  readonly node: SharedNode
  /** Of networks that are created here: the most addresses of a block, as a power of two. */
  readonly mostBlockBits: number
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
  readonly #directory: Mirror<SharedNetwork>
  readonly #continuity: StoreContinuity
  readonly #publisher: MemberPublisher
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
    this.nodes = new NodeOperations(store)
    this.blocks = new OwnBlockRecord(records, (networkId) => this.#listener?.blocksChanged(networkId))
    this.#presence = new NodePresence({
      store,
      node,
      obeyed: new ObeyedRemovals(records),
      assertReachable: (what) => this.assertReachable(what),
      removed: () => this.#dropAll(),
      changed: (trouble) => this.#report(trouble),
    })
    this.#directory = this.#openDirectory()
    this.#continuity = new StoreContinuity({
      store,
      records,
      identity: node.identity,
      log,
      putBack: (limits) => this.#putBack(limits),
    })
    this.#publisher = new MemberPublisher({
      store,
      node: node.name,
      condition: () => this.#presence.condition,
      refused: () => this.#presence.refused(),
      failed: (err) => log.debug({ err }, 'what this node has is not in the shared store yet'),
    })
    this.members = new PublishedMembers(this.#publisher, node.underlayAddress)
    this.networks = new NetworksInUse({
      store,
      node: node.name,
      underlayAddress: node.underlayAddress,
      blocks: this.blocks,
      presence: this.#presence,
      members: this.members,
      log,
      isCurrent: () => this.isCurrent,
      assureWhole: () => this.#continuity.assure(this.#ending.signal),
      isLoss: () => this.#continuity.isLoss(this.#ending.signal),
      peersChanged: (networkId) => this.#listener?.peersChanged(networkId),
      blockWanted: (networkId, subnet) => this.#listener?.blockWanted(networkId, subnet),
    })
  }

  get node(): string {
    return this.#options.node.name
  }

  /** Throws `failedPrecondition` while other nodes could not reach this machine; `what` begins the message. */
  assertReachable(what: string): void {
    this.#options.assertReachable?.(what)
  }

  /** Why the node has no part in the cluster now. */
  get trouble(): Trouble | undefined {
    return this.#presence.trouble ?? this.#lost
  }

  /** Since this process has started: the store has lost something, and what was done about it. */
  get storeReplaced(): StoreReplaced | undefined {
    return this.#continuity.replaced
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
      this.#directory.follow(signal),
      this.#publisher.follow(signal),
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

  #openDirectory(): Mirror<SharedNetwork> {
    return new Mirror({
      store: this.#options.store,
      prefix: keys.networks,
      parse: reader(SharedNetwork),
      changed: (changes) => this.#networksChanged(changes),
      listed: () => {
        this.#lost = undefined
        this.#whenWhole(() => this.#listener?.networksKnown(new Set(this.#directory.records.keys())))
      },
      lost: (error) => {
        this.#lost = { since: this.#lost?.since ?? new Date(), error }
      },
    })
  }

  #networksChanged(changes: readonly MirrorChange<SharedNetwork>[]): void {
    for (const { key, after } of changes)
      if (after !== undefined) this.#listener?.networkSeen(after)
      else
        this.#whenWhole(() => {
          if (!this.#directory.records.has(key)) this.#listener?.networkGone(key)
        })
  }

  /** What a store does not hold says nothing before it is known that it has lost nothing. */
  #whenWhole(then: () => void): void {
    this.#continuity.assure(this.#ending.signal).then(then, () => undefined)
  }

  async #putBack(limits: CallLimits): Promise<string[]> {
    const condition = await this.#presence.confirmed('put back what this node has', limits)
    const conflicts: string[] = []
    for (const network of this.#listener?.networksOnRecord() ?? []) {
      conflicts.push(...(await putNetworkBack(this.#options.store, network, { ...limits, condition })))
      const macs = this.#listener?.claimedMacs(network.id) ?? []
      if (macs.length > 0 || this.blocks.all(network.id).length > 0)
        conflicts.push(...(await this.networks.putBack(network, macs, limits)))
    }
    this.#publisher.doubt()
    // What it has given back since is in an older copy still.
    void this.#tellHeld()
    return conflicts
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
    for (const networkId of this.blocks.networks) this.networks.forget(networkId)
    await this.#listener?.removed()
  }

  #report(trouble: Trouble | undefined): void {
    const { log, node } = this.#options
    if (trouble === undefined) {
      log.info({ node: node.name }, 'cluster: this node takes part')
      void this.#tellHeld()
      this.#listener?.joined()
    } else log.warn({ node: node.name, err: trouble.error }, 'cluster: this node has no part now')
  }
}
