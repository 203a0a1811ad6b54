// A network of the cluster on a node that uses it: the blocks of addresses that the node has of it. Follows the store only
// while it is used here.
import { ConetError, KeyedQueue } from '@conet/sdk'
import { AddressBlocks } from './address-blocks.ts'
import { BlockClaims } from './block-claims.ts'
import { GivingBack } from './giving-back.ts'
import { MacClaims } from './mac-claims.ts'
import { NetworkPeers } from './network-peers.ts'
import { blocksOf } from './node-directory.ts'
import { lettingGo } from './node-holdings.ts'
import type { OwnBlockRecord } from './own-blocks.ts'
import { putClaimsBack } from './put-claims-back.ts'
import type { SharedNetwork } from './records.ts'
import type { CallLimits, Condition, SharedStore } from './shared-store.ts'

export type NetworkHereOptions = {
  readonly store: SharedStore
  readonly node: string
  readonly underlayAddress?: string | undefined
  readonly network: Pick<SharedNetwork, 'id' | 'name' | 'subnets' | 'blockBits'>
  readonly own: Pick<OwnBlockRecord, 'has' | 'all' | 'of' | 'add' | 'remove'>
  /** What every write depends on; throws while the node is not registered. */
  registered(what: string, limits: CallLimits): Promise<Condition>
  /** A write was refused because the condition did not hold. */
  refused(): void
  /** A block that the store says is this node's is not on record here; tried again when the blocks change. */
  adoptionFailed(reason: unknown): void
  /** There is something new to tell of the endpoints on other nodes. */
  peersChanged(): void
  /** Another node needs a block of the subnet, and none is free. */
  blockWanted(subnet: string): void
  /** Whether the store is the one that is known; else what is missing there is put back. Rejects when that cannot be known. */
  assureWhole(): Promise<void>
  /** Whether the store has lost something just now. Rejects as `assureWhole`. */
  isLoss(): Promise<boolean>
}

/** Of one transaction, below what etcd takes. */
const blocksAtOnce = 100

export class NetworkHere {
  readonly #options: NetworkHereOptions
  readonly #blocks: AddressBlocks
  readonly #macs: MacClaims
  readonly #ending = new AbortController()
  readonly #following: Promise<unknown>
  /** Who is on the other nodes. */
  readonly peers: NetworkPeers
  /** What is done to the blocks is done one after the other. */
  readonly #queue = new KeyedQueue()
  readonly #givingBack: GivingBack
  readonly #claims: BlockClaims

  constructor(options: NetworkHereOptions) {
    const { store, node, underlayAddress, network, refused, peersChanged, blockWanted, isLoss } = options
    this.#options = options
    const changed = () => {
      this.#adopt()
      this.#claims.blocksChanged()
    }
    this.#blocks = new AddressBlocks({ store, node, network, refused, changed, wanted: blockWanted })
    this.#macs = new MacClaims({ store, node, network, refused })
    this.peers = new NetworkPeers({
      store,
      networkId: network.id,
      node,
      underlayAddress,
      isLoss,
      changed: peersChanged,
    })
    const { signal } = this.#ending
    this.#claims = new BlockClaims({
      blocks: this.#blocks,
      network: network.name,
      run: (work) => this.#run(work),
      registered: (limits) => this.#registered(limits),
      keep: (block, subnet) => this.#keep(block, subnet),
      signal,
    })
    this.#givingBack = new GivingBack({ settle: () => this.#settle(), signal })
    this.#following = Promise.all([this.#blocks.follow(signal), this.peers.follow(signal)])
  }

  /** Something is being done to the blocks, or waits for it. */
  get isBusy(): boolean {
    return this.#queue.size > 0
  }

  /** As `BlockClaims`. */
  claim(subnet: string): Promise<void> {
    return this.#claims.claim(subnet)
  }

  /** As `BlockClaims`. */
  recall(subnet: string): Promise<void> {
    return this.#claims.recall(subnet)
  }

  /** As `BlockClaims`. */
  claimFor(address: string, subnet: string, limits: CallLimits): Promise<void> {
    return this.#claims.claimFor(address, subnet, limits)
  }

  /** A MAC that somebody asked for. */
  claimMac(macAddress: string, limits: CallLimits): Promise<void> {
    return this.#run(async () =>
      this.#macs.claim(macAddress, { ...limits, condition: await this.#registered(limits) }),
    )
  }

  /** Claims of MACs that nobody here has any more are given back. */
  tidyMacs(isHeld: (macAddress: string) => boolean, limits: CallLimits): Promise<void> {
    return this.#run(async () =>
      this.#macs.tidy(isHeld, { ...limits, condition: await this.#registered(limits) }),
    )
  }

  /** Others may take it from now on, unless `isEmpty` says that it has come into use. */
  giveBack(block: string, isEmpty: () => boolean, limits: CallLimits): Promise<void> {
    return this.#run(async () => {
      const { own, network } = this.#options
      const condition = await this.#registered(limits)
      if (!isEmpty() || !own.has(network.id, block)) return
      own.remove(network.id, [block])
      await this.#givingBack.run(() => this.#blocks.giveBack(block, { ...limits, condition }))
    })
  }

  /** Gives all back and says that the node has nothing of the network. False: `isUnused` says that it has come into use. */
  letGo(isUnused: () => boolean, limits: CallLimits): Promise<boolean> {
    return this.#run(async () => {
      const { network, own } = this.#options
      const condition = await this.#registered(limits)
      // The store is asked first: while it is away this node goes on with what it has.
      const mine = await this.#mine(limits)
      if (!isUnused()) return false
      await this.#macs.tidy(() => false, { ...limits, condition })
      own.remove(network.id, own.all(network.id))
      await this.#givingBack.run(() => this.#clear(mine, condition, limits))
      return true
    })
  }

  /** Of each node: how many blocks of the subnet it has. */
  use(subnet: string): Record<string, number> {
    return this.#blocks.use(subnet)
  }

  /**
   * After the store has lost something: what it says is this node's and is not on record belongs to whoever claimed it
   * since; what is on record is written again. Resolves to what others have there. May be repeated.
   */
  putBack(macAddresses: readonly string[], limits: CallLimits): Promise<string[]> {
    return this.#run(async () => {
      const { own, network } = this.#options
      const condition = await this.#registered(limits)
      const there = await this.#mine(limits)
      await this.#givingBack.run(() => this.#giveBackStrange(there, { ...limits, condition }))
      const lost = own.of(network.id).filter(({ block }) => !there.includes(block))
      const rooms = { blocks: this.#blocks, macs: this.#macs }
      const conflicts = await putClaimsBack(rooms, { lost, macAddresses }, { ...limits, condition })
      return conflicts.map((conflict) => `${conflict} (network ${network.name})`)
    })
  }

  async close(): Promise<void> {
    this.#ending.abort()
    await this.#following
    await this.#queue.idle()
  }

  /** What the store has as this node's, and is not on record, others may have from now on. */
  async #giveBackStrange(
    there: readonly string[],
    limits: CallLimits & { condition: Condition },
  ): Promise<number> {
    const { own, network, store } = this.#options
    for (const block of there) if (!own.has(network.id, block)) await this.#blocks.giveBack(block, limits)
    return store.revision
  }

  /** Whose the blocks are that were given back without an answer. */
  #settle(): Promise<number> {
    const limits = { signal: this.#ending.signal }
    return this.#run(async () => {
      const condition = await this.#registered(limits)
      return this.#giveBackStrange(await this.#mine(limits), { ...limits, condition })
    })
  }

  async #mine(limits: CallLimits): Promise<string[]> {
    const { store, network, node } = this.#options
    const blocks = await blocksOf(store, { node, networkIds: [network.id] }, limits)
    return blocks.get(network.id) ?? []
  }

  async #clear(mine: readonly string[], condition: Condition, limits: CallLimits): Promise<number> {
    const { network, node } = this.#options
    const last = mine.slice(0, blocksAtOnce)
    for (const block of mine.slice(blocksAtOnce)) await this.#blocks.giveBack(block, { ...limits, condition })
    const { store, refused } = this.#options
    const { committed, revision } = await store.commit([condition], lettingGo(network.id, node, last), limits)
    if (committed) return revision
    refused()
    throw new ConetError(
      'clusterUnavailable',
      `leave network ${network.name}: node ${node} is not registered`,
    )
  }

  /** What the mirror says came after what this node has given back last. */
  get #isNewerThanOwn(): boolean {
    return !this.#ending.signal.aborted && this.#givingBack.isKnownAt(this.#blocks.revision)
  }

  #run<T>(work: () => Promise<T>): Promise<T> {
    return this.#queue.run('', work)
  }

  #registered(limits: CallLimits): Promise<Condition> {
    return this.#options.registered(`take addresses of network ${this.#options.network.name}`, limits)
  }

  #keep(block: string, subnet: string): void {
    this.#options.own.add({ networkId: this.#options.network.id, subnet, block })
  }

  /** A crash came between a claim and its record: what the store says is this node's, is; unless it is an old copy. */
  #adopt(): void {
    if (this.#strangers().length === 0) return
    const { assureWhole, adoptionFailed } = this.#options
    const adopt = () => void this.#run(async () => this.#adoptNow()).catch(adoptionFailed)
    // It is not known only when this node stops.
    void assureWhole().then(adopt, () => undefined)
  }

  #adoptNow(): void {
    if (!this.#isNewerThanOwn) return
    for (const { block, subnet } of this.#strangers()) this.#keep(block, subnet)
  }

  /** Blocks that are this node's in the store and not on record. */
  #strangers(): { block: string; subnet: string }[] {
    const { own, network } = this.#options
    return network.subnets.flatMap(({ subnet }) =>
      this.#blocks
        .own(subnet)
        .filter((block) => !own.has(network.id, block))
        .map((block) => ({ block, subnet })),
    )
  }
}
