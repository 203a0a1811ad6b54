// A block of addresses for a node that finds none free: whoever has an empty one is asked to give it back, and for a moment
// it is waited for.
import { ConetError, deadline } from '@conet/sdk'
import type { AddressBlocks } from './address-blocks.ts'
import type { OwnWishes } from './own-wishes.ts'
import type { CallLimits, Condition } from './shared-store.ts'

/** For other nodes to give an empty block back, from when they can know the wish: two writes of a store that may be slow. */
const recallMs = 3_000
/** Then the wish is told anew: who was just emptying a block, or was away for a moment, gives it back now. */
const askAgainMs = 500

export type BlockRecallOptions = {
  readonly blocks: Pick<AddressBlocks, 'hasFree'>
  readonly wishes: Pick<OwnWishes, 'ask' | 'unask'>
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
    const { blocks, wishes, claim, signal, waitMs = recallMs } = this.#options
    using limit = deadline(waitMs, `wait for a block of ${subnet}`, signal)
    let isClaimed = false
    try {
      await this.#ask(subnet)
      while (!isClaimed && !limit.signal.aborted) {
        await this.#freedSoon(subnet, limit.signal)
        if (limit.signal.aborted) break
        if (blocks.hasFree(subnet)) isClaimed = await this.#isClaimed(subnet)
        else await this.#ask(subnet)
      }
    } finally {
      // Who waits for the block has it already.
      void wishes.unask(subnet)
    }
    if (!isClaimed) await claim(subnet)
  }

  async #ask(subnet: string): Promise<void> {
    const { wishes, registered } = this.#options
    await wishes.ask({ subnet }, { condition: await registered({}) })
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

  /** Resolves when a block of the subnet is free, when it is time to ask again, or when the signal aborts. */
  async #freedSoon(subnet: string, signal: AbortSignal): Promise<void> {
    using pause = deadline(askAgainMs, `wait for a block of ${subnet}`, signal)
    await this.#freed(subnet, pause.signal)
  }

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
