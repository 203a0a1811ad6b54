// A block of addresses for a node that finds none free: whoever has an empty one is asked to give it back, and for a moment
// it is waited for.
import { ConetError, deadline } from '@conet/sdk'
import type { AddressBlocks } from './address-blocks.ts'
import type { CallLimits, Condition } from './shared-store.ts'

/** For other nodes to give an empty block back: a few messages. */
const recallMs = 1_000

export type BlockRecallOptions = {
  readonly blocks: Pick<AddressBlocks, 'ask' | 'unask' | 'hasFree'>
  /** Takes a block of the subnet; throws `addressesExhausted`. */
  claim(subnet: string): Promise<void>
  registered(limits: CallLimits): Promise<Condition>
  readonly signal: AbortSignal
  readonly waitMs?: number
}

export class BlockRecall {
  readonly #options: BlockRecallOptions
  /** Under way, by subnet: who comes meanwhile waits for the same. */
  readonly #running = new Map<string, Promise<void>>()
  /** Called whenever the blocks have changed. */
  readonly #looking = new Set<() => void>()

  constructor(options: BlockRecallOptions) {
    this.#options = options
  }

  /** Somebody has taken blocks or given them back. */
  blocksChanged(): void {
    for (const look of this.#looking) look()
  }

  /** For all who ask while it is under way it is the same one. Throws as the claim, if nobody gives one back in time. */
  run(subnet: string): Promise<void> {
    const running = this.#running.get(subnet)
    if (running !== undefined) return running
    const recall = this.#recall(subnet).finally(() => this.#running.delete(subnet))
    this.#running.set(subnet, recall)
    return recall
  }

  async #recall(subnet: string): Promise<void> {
    const { blocks, registered, claim, signal, waitMs = recallMs } = this.#options
    using limit = deadline(waitMs, `wait for a block of ${subnet}`, signal)
    await blocks.ask(subnet, { condition: await registered({}) })
    let isClaimed = false
    try {
      while (!isClaimed && !limit.signal.aborted) {
        await this.#freed(subnet, limit.signal)
        if (!limit.signal.aborted) isClaimed = await this.#isClaimed(subnet)
      }
    } finally {
      // One that is left is in nobody's way: the next is another wish. It goes with the last that this node has of the network.
      await blocks.unask(subnet).catch(() => undefined)
    }
    if (!isClaimed) await claim(subnet)
  }

  /** False: somebody else came first. */
  async #isClaimed(subnet: string): Promise<boolean> {
    try {
      await this.#options.claim(subnet)
      return true
    } catch (error) {
      if (ConetError.is(error, 'addressesExhausted')) return false
      throw error
    }
  }

  /** Resolves when a block of the subnet is free, or the signal aborts. */
  #freed(subnet: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!signal.aborted && !this.#options.blocks.hasFree(subnet)) return
        this.#looking.delete(look)
        signal.removeEventListener('abort', look)
        resolve()
      }
      this.#looking.add(look)
      signal.addEventListener('abort', look)
      look()
    })
  }
}
