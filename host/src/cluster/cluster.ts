// This node's part in the cluster: what all nodes know is followed, what this node has is said, and both go on after the
// store was away. Who uses it hears of networks that come and go, and asks for addresses.
import type { StoreReplaced } from '../domain/store-replaced.ts'
import { changeSharedNetwork, type NetworkChange } from './change-shared-network.ts'
import type { ClusterListener } from './cluster-listener.ts'
import { ClusterParts, type ClusterPartsOptions } from './cluster-parts.ts'
import type { NetworksInUse } from './networks-in-use.ts'
import { NodeOperations } from './node-operations.ts'
import type { Trouble } from './node-presence.ts'
import type { OwnBlockRecord } from './own-blocks.ts'
import type { PublishedMembers } from './published-members.ts'
import type { SharedNetwork } from './records.ts'
import {
  createSharedNetwork,
  deleteSharedNetwork,
  type ProposedNetwork,
  type Registered,
} from './shared-networks.ts'
import type { CallLimits } from './shared-store.ts'
import { readWholeNetwork, type WholeNetwork } from './whole-network.ts'

export type ClusterOptions = Omit<
  ClusterPartsOptions,
  'signal' | 'listener' | 'registrationChanged' | 'readingChanged'
> & {
  /** Of networks that are created here: the most addresses of a block, as a power of two. */
  readonly mostBlockBits: number
}

export class Cluster {
  /** All nodes, for who operates them. */
  readonly nodes: NodeOperations
  readonly #options: ClusterOptions
  readonly #parts: ClusterParts
  readonly #ending = new AbortController()
  #listener: ClusterListener | undefined
  /** As the log has it: it is not told again with each try. */
  #tookPart: boolean | undefined
  #running: Promise<unknown> | undefined

  /** Knows what is on the disk; nothing is asked of the store before `start`. */
  constructor(options: ClusterOptions) {
    this.#options = options
    this.#parts = new ClusterParts({
      ...options,
      signal: this.#ending.signal,
      listener: () => this.#listener,
      registrationChanged: (trouble) => this.#registrationChanged(trouble),
      readingChanged: () => this.#report(),
    })
    this.nodes = new NodeOperations(options.store, () => this.#parts.nodes.all)
  }

  get blocks(): OwnBlockRecord {
    return this.#parts.blocks
  }

  get members(): PublishedMembers {
    return this.#parts.members
  }

  /** What this node has of networks. */
  get networks(): NetworksInUse {
    return this.#parts.networks
  }

  get mostBlockBits(): number {
    return this.#options.mostBlockBits
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
    return this.#options.store.refusal ?? this.#parts.presence.trouble ?? this.#parts.directory.trouble
  }

  /** The store has lost something, and what was done about it; undefined some time after all is mended. */
  get storeReplaced(): StoreReplaced | undefined {
    return this.#parts.continuity.replaced
  }

  /** What this node and another one both use since, for people. */
  get contested(): string[] {
    return this.networks.contested((networkId) => this.#parts.putBack.inUse(networkId))
  }

  /** What this node wants to say and could not yet. */
  get behind(): number {
    return this.#parts.publisher.behind
  }

  /** Whether the store was there when it was last asked. */
  get isCurrent(): boolean {
    return this.#parts.isCurrent
  }

  /** Whether this node has joined, and has not heard since that it has no part. */
  get hasJoined(): boolean {
    return this.#parts.presence.condition !== undefined && this.#parts.directory.wasRead
  }

  /** Joins, follows and says, until `stop`. Called once. */
  start(listener: ClusterListener): void {
    this.#listener = listener
    this.#running = this.#parts.follow()
  }

  /** What this node has stays its own; others see that it is away. */
  async stop(): Promise<void> {
    this.#ending.abort()
    await this.#running
    await this.networks.close()
    await this.#parts.continuity.leave()
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
    this.#parts.directory.tellIfGone(networkId)
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
      condition: () => this.#parts.presence.registered(what, limits),
      refused: () => this.#parts.presence.refused(),
    }
  }

  #registrationChanged(trouble: Trouble | undefined): void {
    this.#report()
    if (trouble !== undefined) return
    void this.#parts.held.tell()
    void this.#reclaim()
    this.#listener?.joined()
  }

  /** Each time that this node takes part, and that it does not any more, once. */
  #report(): void {
    const { log, node } = this.#options
    const { presence, directory } = this.#parts
    const trouble = presence.trouble ?? directory.trouble
    // It has not joined yet.
    if (trouble === undefined && presence.condition === undefined) return
    const takesPart = trouble === undefined
    if (takesPart === this.#tookPart) return
    this.#tookPart = takesPart
    if (takesPart) log.info({ node: node.name }, 'cluster: this node takes part')
    else log.warn({ node: node.name, err: trouble.error }, 'cluster: this node has no part now')
  }

  /** What is this node's, and the store does not say so, though it has lost nothing. Never rejects. */
  async #reclaim(): Promise<void> {
    const { putBack, continuity } = this.#parts
    const { signal } = this.#ending
    try {
      const missing = await putBack.missing({ signal })
      if (missing.size > 0) await continuity.reclaim(missing, signal)
    } catch (err) {
      // The next registration asks again.
      this.#options.log.debug(
        { err },
        'cluster: it is not known yet whether the store has what this node has',
      )
    }
  }
}
