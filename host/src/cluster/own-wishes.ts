// Blocks that this node has asked other nodes for. A wish makes each that reads it give up an empty block, so what is not
// needed any more is taken back: also what an earlier run of this node, or a call without an answer, has left in the store.
import { setTimeout as sleep } from 'node:timers/promises'
import { KeyedQueue } from '@conet/sdk'
import { Backoff } from '../retry/backoff.ts'
import type { BlockTransactions } from './block-transactions.ts'
import type { RegisteredLimits } from './claim-transaction.ts'
import type { CallLimits, Condition } from './shared-store.ts'

export type OwnWishesOptions = {
  readonly transactions: Pick<BlockTransactions, 'ask' | 'unask'>
  /** Subnets and blocks of which the store holds a wish of this node, as far as is known. */
  inStore(): readonly string[]
  /** What every write depends on; throws while the node is not registered. */
  registered(limits: CallLimits): Promise<Condition>
  readonly signal: AbortSignal
}

/** `block`: that one; absent: any of the subnet. */
export type WantedBlock = { readonly subnet: string; readonly block?: string }

export class OwnWishes {
  readonly #options: OwnWishesOptions
  /** Subnets and blocks. */
  readonly #needed = new Set<string>()
  /** What is done to one wish is done one after the other. */
  readonly #queue = new KeyedQueue()
  #isTidying = false

  constructor(options: OwnWishesOptions) {
    this.#options = options
  }

  /** Until `unask`, also where this throws. As `BlockTransactions`. */
  ask(wanted: WantedBlock, limits: RegisteredLimits): Promise<void> {
    const name = wanted.block ?? wanted.subnet
    this.#needed.add(name)
    return this.#queue.run(name, () => this.#options.transactions.ask(wanted, limits))
  }

  /** Of the subnet or the block that was asked for. At once, or as soon as the store is there, and this node registered. Never rejects. */
  async unask(name: string, limits: CallLimits = {}): Promise<void> {
    this.#needed.delete(name)
    try {
      await this.#takeBack(name, await this.#registered(limits))
    } catch {
      this.blocksChanged()
    }
  }

  /** Something else is in the store. */
  blocksChanged(): void {
    if (this.#unneeded().length > 0) void this.#tidy()
  }

  async #tidy(): Promise<void> {
    if (this.#isTidying) return
    this.#isTidying = true
    const { signal } = this.#options
    const backoff = new Backoff({ firstMs: 100, mostMs: 5_000 })
    for (let left = this.#unneeded(); left.length > 0 && !signal.aborted; left = this.#unneeded()) {
      try {
        const limits = await this.#registered({ signal })
        for (const name of left) await this.#takeBack(name, limits)
      } catch {
        // The store is away, which is told elsewhere: it is tried again.
      }
      await sleep(backoff.nextMs(), undefined, { signal, ref: false }).catch(() => undefined)
    }
    this.#isTidying = false
  }

  /** Who is not registered any more may have lost his name to another machine. */
  async #registered(limits: CallLimits): Promise<RegisteredLimits> {
    return { ...limits, condition: await this.#options.registered(limits) }
  }

  #takeBack(name: string, limits: RegisteredLimits): Promise<void> {
    return this.#queue.run(name, async () => {
      if (!this.#needed.has(name)) await this.#options.transactions.unask(name, limits)
    })
  }

  #unneeded(): string[] {
    return this.#options.inStore().filter((name) => !this.#needed.has(name))
  }
}
