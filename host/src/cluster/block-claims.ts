// How a node comes to further blocks of a network: those that are free, those that others give back, and that of an
// address that somebody asked for.
import { ConetError, deadline } from '@conet/sdk'
import type { AddressBlocks } from './address-blocks.ts'
import { BlockRecall } from './block-recall.ts'
import type { ClaimGateAccess } from './claim-gate.ts'
import type { OwnWishes } from './own-wishes.ts'
import type { CallLimits, Condition } from './shared-store.ts'

export type BlockClaimsOptions = {
  readonly blocks: AddressBlocks
  readonly wishes: Pick<OwnWishes, 'ask' | 'unask'>
  /** The network's name. */
  readonly network: string
  /** Runs it after all else that is done to the blocks. */
  run<T>(work: () => Promise<T>): Promise<T>
  /** What every write depends on; throws while the node is not registered. */
  registered(limits: CallLimits, what?: string): Promise<Condition>
  readonly gate: ClaimGateAccess
  /** The block is this node's now. */
  keep(block: string, subnet: string): void
  readonly signal: AbortSignal
}

const listMs = 3_000

export class BlockClaims {
  readonly #options: BlockClaimsOptions
  /** Under way, by subnet: who comes meanwhile waits for the same. */
  readonly #running = new Map<string, Promise<void>>()
  readonly #recall: BlockRecall

  constructor(options: BlockClaimsOptions) {
    this.#options = options
    const claim = (subnet: string) => this.claim(subnet)
    this.#recall = new BlockRecall({ ...options, claim })
  }

  /** Somebody has taken blocks or given them back. */
  blocksChanged(): void {
    this.#recall.blocksChanged()
  }

  /** One more block of a subnet. For all who ask while it is under way it is the same one. */
  claim(subnet: string): Promise<void> {
    const running = this.#running.get(subnet)
    if (running !== undefined) return running
    const claim = this.#claim(subnet).finally(() => this.#running.delete(subnet))
    this.#running.set(subnet, claim)
    return claim
  }

  /** One more block of a subnet of which none was free: nodes that have an empty one give it back. Throws as `claim`. */
  recall(subnet: string): Promise<void> {
    return this.#recall.run(subnet)
  }

  /** The block of an address that somebody asked for. */
  async claimFor(address: string, subnet: string, limits: CallLimits): Promise<void> {
    const { blocks, registered, gate, keep, run } = this.#options
    const what = `take address ${address} of network ${this.#options.network}`
    await registered(limits, what)
    const take = (conditions: readonly Condition[]) =>
      run(async () => {
        const condition = await registered(limits, what)
        const block = await blocks.claimFor(address, subnet, { ...limits, condition, gate: conditions })
        keep(block, subnet)
      })
    await gate.run(what, take, limits)
  }

  /** What is waited for is waited for outside of the turn: a store that is being put back needs it. */
  async #claim(subnet: string): Promise<void> {
    const { blocks, registered, gate, keep, run, signal } = this.#options
    // First, since it knows at once that the store is away.
    await registered({})
    const take = async (conditions: readonly Condition[]) => {
      await this.#listed()
      await run(async () => {
        const condition = await registered({})
        const block = await blocks.claim(subnet, { condition, gate: conditions })
        keep(block, subnet)
      })
    }
    await gate.run(this.#what, take, { signal })
  }

  get #what(): string {
    return `take addresses of network ${this.#options.network}`
  }

  async #listed(): Promise<void> {
    const what = `read the blocks of network ${this.#options.network}`
    using limit = deadline(listMs, what, this.#options.signal)
    try {
      await this.#options.blocks.current(limit.signal)
    } catch (cause) {
      throw new ConetError('clusterUnavailable', `${what}: the shared store does not answer`, {
        cause,
        details: { network: this.#options.network },
        help: 'look whether etcd runs and whether this host reaches it: conet status',
      })
    }
  }
}
