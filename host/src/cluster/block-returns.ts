// What this node gives back of a network: blocks that are empty, blocks that the store says are its own and that are not, and
// all of it when it leaves.
import type { BlockTransactions } from './block-transactions.ts'
import type { RegisteredLimits } from './claim-transaction.ts'
import { GivingBack } from './giving-back.ts'
import { leaveNetwork } from './leave-network.ts'
import type { MacClaims } from './mac-claims.ts'
import type { BlockOfSubnet } from './network-grid.ts'
import { blocksOf } from './node-directory.ts'
import type { OwnBlockRecord } from './own-blocks.ts'
import { whatIsLost } from './put-claims-back.ts'
import type { SharedNetwork } from './records.ts'
import type { CallLimits, Condition, SharedStore } from './shared-store.ts'

export type BlockReturnsOptions = {
  readonly store: SharedStore
  readonly node: string
  readonly network: Pick<SharedNetwork, 'id' | 'name'>
  readonly own: Pick<OwnBlockRecord, 'has' | 'all' | 'of' | 'remove'>
  readonly transactions: Pick<BlockTransactions, 'giveBack'>
  readonly macs: Pick<MacClaims, 'tidy'>
  /** Runs it after all else that is done to the blocks. */
  run<T>(work: () => Promise<T>): Promise<T>
  /** What every write depends on; throws while the node is not registered. */
  registered(limits: CallLimits): Promise<Condition>
  /** A write was refused because the condition did not hold. */
  refused(): void
  readonly signal: AbortSignal
}

export class BlockReturns {
  readonly #options: BlockReturnsOptions
  readonly #givingBack: GivingBack

  constructor(options: BlockReturnsOptions) {
    this.#options = options
    this.#givingBack = new GivingBack({ settle: () => this.#settle(), signal: options.signal })
  }

  /** Whether what the store says as of a revision came after what was given back last. */
  isKnownAt(revision: number): boolean {
    return this.#givingBack.isKnownAt(revision)
  }

  /** Names of all blocks that the store says are this node's. */
  async mine(limits: CallLimits): Promise<string[]> {
    const { store, network, node } = this.#options
    const blocks = await blocksOf(store, { node, networkIds: [network.id] }, limits)
    return blocks.get(network.id) ?? []
  }

  /** Others may take it from now on, unless `isEmpty` says that it has come into use. */
  giveBack(block: string, isEmpty: () => boolean, limits: CallLimits): Promise<void> {
    const { own, network, run, registered, transactions } = this.#options
    return run(async () => {
      const condition = await registered(limits)
      if (!isEmpty() || !own.has(network.id, block)) return
      own.remove(network.id, [block])
      await this.#givingBack.run(() => transactions.giveBack(block, { ...limits, condition }))
    })
  }

  /** Gives all back and says that the node has nothing of the network. False: `isUnused` says that it has come into use. */
  letGo(isUnused: () => boolean, limits: CallLimits): Promise<boolean> {
    const { network, own, macs, run, registered } = this.#options
    return run(async () => {
      const condition = await registered(limits)
      // The store is asked first: while it is away this node goes on with what it has.
      const mine = await this.mine(limits)
      if (!isUnused()) return false
      await macs.tidy(() => false, { ...limits, condition })
      own.remove(network.id, own.all(network.id))
      await this.#givingBack.run(() => leaveNetwork(this.#options, mine, { ...limits, condition }))
      return true
    })
  }

  /**
   * What the store has as this node's (`there`), and is neither on record nor in use, others may have from now on. In the
   * turn of who calls it.
   */
  giveBackStrange(
    there: readonly string[],
    inUse: readonly BlockOfSubnet[],
    limits: RegisteredLimits,
  ): Promise<void> {
    return this.#givingBack.run(() => this.#strangeBack(there, inUse, limits))
  }

  async #strangeBack(
    there: readonly string[],
    inUse: readonly BlockOfSubnet[],
    limits: RegisteredLimits,
  ): Promise<number> {
    const { own, network, store, transactions } = this.#options
    const { strange } = whatIsLost({ own: own.of(network.id), inUse, there })
    for (const block of strange) await transactions.giveBack(block, limits)
    return store.revision
  }

  /** Whose the blocks are that were given back without an answer. */
  #settle(): Promise<number> {
    const { run, registered, signal } = this.#options
    return run(async () => {
      const condition = await registered({ signal })
      return this.#strangeBack(await this.mine({ signal }), [], { signal, condition })
    })
  }
}
