// A crash came between the claim of a block and its record: what the store says is this node's, is; unless it is an old copy.
import type { AddressBlocks } from './address-blocks.ts'
import type { BlockOfSubnet } from './network-grid.ts'
import type { OwnBlockRecord } from './own-blocks.ts'
import type { SharedNetwork } from './records.ts'

export type AdoptedBlocksOptions = {
  readonly network: Pick<SharedNetwork, 'id' | 'subnets'>
  readonly blocks: Pick<AddressBlocks, 'own'>
  readonly own: Pick<OwnBlockRecord, 'has'>
  /** Runs it after all else that is done to the blocks. */
  run(work: () => Promise<void>): Promise<void>
  /** Whether what is known of the store came after what this node has given back last. */
  isNewerThanOwn(): boolean
  /** Asks the store for the names of all blocks that are this node's. */
  mine(): Promise<readonly string[]>
  keep(block: string, subnet: string): void
  /** Rejects when the node stops. */
  assureWhole(): Promise<void>
  /** Tried again when the blocks change. */
  failed(reason: unknown): void
}

export class AdoptedBlocks {
  readonly #options: AdoptedBlocksOptions

  constructor(options: AdoptedBlocksOptions) {
    this.#options = options
  }

  /** Somebody has taken blocks or given them back. */
  blocksChanged(): void {
    if (this.#strangers().length === 0) return
    const { assureWhole, run, failed } = this.#options
    const adopt = () => void run(() => this.#adopt()).catch(failed)
    void assureWhole().then(adopt, () => undefined)
  }

  async #adopt(): Promise<void> {
    const { isNewerThanOwn, mine, keep } = this.#options
    if (!isNewerThanOwn() || this.#strangers().length === 0) return
    // What the store has lost is remembered for a while.
    const there = await mine()
    if (!isNewerThanOwn()) return
    for (const { block, subnet } of this.#strangers()) if (there.includes(block)) keep(block, subnet)
  }

  /** Blocks that are this node's in the store and not on record. */
  #strangers(): BlockOfSubnet[] {
    const { blocks, own, network } = this.#options
    return network.subnets.flatMap(({ subnet }) =>
      blocks
        .own(subnet)
        .filter((block) => !own.has(network.id, block))
        .map((block) => ({ block, subnet })),
    )
  }
}
