// The parts of a node's part in the cluster, and which of them hears of what.
import { setMaxListeners } from 'node:events'
import type { Logger } from 'pino'
import { ClaimGate } from './claim-gate.ts'
import type { ClusterListener } from './cluster-listener.ts'
import { HeldNetworks } from './held-networks.ts'
import { KnownNodes } from './known-nodes.ts'
import { MemberPublisher } from './member-publisher.ts'
import { NetworkDirectory } from './network-directory.ts'
import { NetworksInUse } from './networks-in-use.ts'
import { NodePresence, type Trouble } from './node-presence.ts'
import { ObeyedRemovals } from './obeyed-removals.ts'
import { type BlockStore, OwnBlockRecord } from './own-blocks.ts'
import { PublishedMembers } from './published-members.ts'
import { PutBack } from './put-back.ts'
import type { SharedNode } from './records.ts'
import type { SharedStore } from './shared-store.ts'
import { StoreContinuity } from './store-continuity.ts'

export type ClusterPartsOptions = {
  readonly store: SharedStore
  readonly node: SharedNode
  /** After the store has lost something: how long hosts are waited for that have not put back what they have. */
  readonly awaitHostsMs: number
  /** For so long at least it is told that the store has lost something. */
  readonly lossShownMs?: number
  /** The durable store of this node. */
  readonly records: BlockStore
  /** Throws while other nodes could not reach this machine; `what` begins the message. */
  assertReachable?(what: string): void
  readonly log: Logger
  /** Ends all of them. */
  readonly signal: AbortSignal
  /** Undefined before the node has started. */
  listener(): ClusterListener | undefined
  /** The node is registered, or not any more. */
  registrationChanged(trouble: Trouble | undefined): void
  /** Whether the store can be read, maybe. */
  readingChanged(): void
}

export class ClusterParts {
  readonly blocks: OwnBlockRecord
  readonly presence: NodePresence
  readonly continuity: StoreContinuity
  readonly directory: NetworkDirectory
  readonly nodes: KnownNodes
  readonly publisher: MemberPublisher
  readonly members: PublishedMembers
  readonly networks: NetworksInUse
  readonly held: HeldNetworks
  readonly putBack: PutBack
  readonly #options: ClusterPartsOptions
  readonly #assureWhole = () => this.continuity.assure(this.#options.signal)
  readonly #isLoss = () => this.continuity.isLoss(this.#options.signal)

  constructor(options: ClusterPartsOptions) {
    const { store, node, records, log, signal, listener } = options
    this.#options = options
    // All that follows the store listens to it.
    setMaxListeners(Number.POSITIVE_INFINITY, signal)
    this.blocks = new OwnBlockRecord(records, (networkId) => listener()?.blocksChanged(networkId))
    this.presence = this.#openPresence()
    this.continuity = this.#openContinuity()
    this.directory = this.#openDirectory()
    this.nodes = this.#openNodes()
    this.publisher = this.#openPublisher()
    this.members = new PublishedMembers(this.publisher, node.underlayAddress)
    this.networks = this.#openNetworks()
    this.held = new HeldNetworks({ store, node: node.name, log, signal, listener })
    const { presence, nodes, blocks, networks, publisher, held } = this
    const own = { presence, nodes, blocks, networks, publisher, held }
    this.putBack = new PutBack({ store, node: node.name, ...own, listener })
  }

  /** Until the signal aborts. Called once. */
  follow(): Promise<unknown> {
    const { signal } = this.#options
    return Promise.all([
      this.presence.follow(signal),
      this.directory.follow(),
      this.publisher.follow(signal),
      this.nodes.follow(),
      this.continuity.follow(signal),
    ])
  }

  /** Whether the store was there when it was last asked. */
  get isCurrent(): boolean {
    return this.directory.isCurrent && this.presence.condition !== undefined
  }

  #openPresence(): NodePresence {
    const options = this.#options
    const { store, node, records } = options
    return new NodePresence({
      ...{ store, node, obeyed: new ObeyedRemovals(records) },
      assertReachable: (what) => options.assertReachable?.(what),
      changed: (trouble) => options.registrationChanged(trouble),
      removed: () => this.#dropAll(),
    })
  }

  #openContinuity(): StoreContinuity {
    const { store, node, records, awaitHostsMs, lossShownMs, log } = this.#options
    return new StoreContinuity({
      ...{ store, records, identity: node.identity, awaitMs: awaitHostsMs, shownMs: lossShownMs, log },
      nodes: () => this.nodes.all,
      putBack: (limits, networkIds) => this.putBack.run(limits, networkIds),
      speakFor: (absent, limits) => this.putBack.speakFor(absent, limits),
    })
  }

  #openDirectory(): NetworkDirectory {
    const { store, listener, signal, log } = this.#options
    const lost = () => this.continuity.doubt()
    const changed = () => this.#options.readingChanged()
    const assureWhole = this.#assureWhole
    return new NetworkDirectory({ store, listener, signal, log, lost, changed, assureWhole })
  }

  #openNodes(): KnownNodes {
    const { store, records, node, signal, log } = this.#options
    const { identity } = node
    const seenHere = () => void this.presence.look()
    return new KnownNodes({ store, records, identity, isLoss: this.#isLoss, seenHere, signal, log })
  }

  #openPublisher(): MemberPublisher {
    const { store, node, log } = this.#options
    return new MemberPublisher({
      store,
      node: node.name,
      condition: () => this.presence.condition,
      refused: () => this.presence.refused(),
      failed: (err) => log.debug({ err }, 'what this node has is not in the shared store yet'),
    })
  }

  #openNetworks(): NetworksInUse {
    const { store, node, log, listener } = this.#options
    const { name, underlayAddress } = node
    const assure = this.#assureWhole
    return new NetworksInUse({
      ...{ store, node: name, underlayAddress, log, assureWhole: assure, isLoss: this.#isLoss },
      blocks: this.blocks,
      presence: this.presence,
      members: this.members,
      isCurrent: () => this.isCurrent,
      isRemoved: (known) => this.nodes.isRemoved(known),
      gate: new ClaimGate({ store, continuity: this.continuity, assure }),
      peersChanged: (networkId) => listener()?.peersChanged(networkId),
      lost: (endpointIds) => listener()?.lost(endpointIds),
      blockWanted: (...wanted) => listener()?.blockWanted(...wanted),
      heldHere: (...of) => listener()?.heldHere(...of),
    })
  }

  async #dropAll(): Promise<void> {
    for (const networkId of this.blocks.networks) this.networks.forget(networkId)
    await this.#options.listener()?.removed()
  }
}
