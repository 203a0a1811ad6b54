// Nothing that the shared store does not hold any more is believed to be gone before it is known that the store itself is
// whole. If it is not, this node puts back what it has.
import { setTimeout as sleep } from 'node:timers/promises'
import { KeyedQueue, onAbort } from '@conet/sdk'
import type { StoreReplaced } from '../domain/store-replaced.ts'
import { Backoff } from '../retry/backoff.ts'
import { AwaitedNodes } from './awaited-nodes.ts'
import type { BlockStore } from './own-blocks.ts'
import { putBackAgain } from './put-back-again.ts'
import type { SharedNode } from './records.ts'
import type { SharedStore } from './shared-store.ts'
import { StoreGeneration } from './store-generation.ts'
import { StoreLoss, type StoreLossOptions } from './store-loss.ts'

export type StoreContinuityOptions = StoreLossOptions & {
  readonly store: SharedStore
  readonly records: BlockStore
  /** Of the machine. */
  readonly identity: string
  /** Nodes that the cluster had, as far as is known here. */
  nodes(): readonly SharedNode[]
}

/** So long after a loss a list may lack what others have not put back yet. */
const othersMs = 30_000

/** What this node has written in the last while may be lost with an older copy without its notice, if all are ended by force. */
const keepMs = 30_000
const keepAgainMs = 2_000
const leaveMs = 1_000

export class StoreContinuity {
  readonly #options: StoreContinuityOptions
  readonly #generation: StoreGeneration
  readonly #queue = new KeyedQueue()
  #loss: StoreLoss | undefined
  #lostAt = Number.NEGATIVE_INFINITY
  #awaited: AwaitedNodes | undefined
  /** What others had before this process was started is asked for, until there is a loss. */
  #reclaiming: AbortController | undefined
  /** How often it came into doubt that the store is the one that is known, and of which doubt it was known to be last. */
  #doubts = 1
  #assured = 0

  constructor(options: StoreContinuityOptions) {
    this.#options = options
    this.#generation = new StoreGeneration(options.store, options)
  }

  /** The store was lost, or is an older copy; undefined some time after all is mended. */
  get replaced(): StoreReplaced | undefined {
    return this.#loss?.told
  }

  /** What the store is called, unless it is in doubt that it is the one that is known. */
  get generation(): string | undefined {
    return this.#assured === this.#doubts ? this.#generation.known : undefined
  }

  /** The store was away, or does not say what it must: it is looked at before it is believed. */
  doubt(): void {
    this.#doubts += 1
  }

  /** Since this process has heard of a loss: who has to put back what is his. */
  get awaited(): AwaitedNodes | undefined {
    return this.#awaited
  }

  /** The store says that hosts are awaited, since a loss from before this process was started, or knew the store. */
  hearOfLoss(): void {
    const generation = this.#generation.known
    if (generation !== undefined) this.#awaited ??= this.#othersSince(generation)
  }

  /** Resolves when the store is known to be whole, or this node has put back what it has; rejects when the signal aborts. */
  assure(signal: AbortSignal): Promise<void> {
    return this.#queue.run('', async () => {
      const backoff = new Backoff({ firstMs: 100, mostMs: 5_000 })
      for (;;) {
        signal.throwIfAborted()
        try {
          return await this.#look(signal)
        } catch (err) {
          signal.throwIfAborted()
          this.#options.log.debug({ err }, 'cluster: it is not known yet whether the shared store is whole')
          await sleep(backoff.nextMs(), undefined, { signal })
        }
      }
    })
  }

  /** As `assure`; whether the store has lost something just now, which others put back too. */
  async isLoss(signal: AbortSignal): Promise<boolean> {
    await this.assure(signal)
    return performance.now() - this.#lostAt < othersMs
  }

  /**
   * Others have, since before this process was started, what endpoints here have of these networks: as after a loss, but
   * nothing is told, since nothing was lost now. What is contested tells itself. Never rejects.
   */
  async reclaim(networkIds: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    await this.assure(signal).catch(() => undefined)
    // After a loss all is put back.
    if (signal.aborted || this.#loss !== undefined) return
    this.#reclaiming?.abort()
    const reclaiming = new AbortController()
    this.#reclaiming = reclaiming
    using _end = onAbort(signal, () => reclaiming.abort())
    await putBackAgain(networkIds, { ...this.#options, found: () => undefined }, reclaiming.signal)
  }

  /** Notes now and then how far the store is, until the signal aborts. Called once. */
  async follow(signal: AbortSignal): Promise<void> {
    // A node that writes nothing asks for nothing.
    let isWhole = false
    while (!signal.aborted) {
      try {
        if (!isWhole) await this.assure(signal)
        isWhole = await this.#generation.keep({ signal })
        // It waits for its name, or has it since a moment ago.
        const nextMs = this.#options.store.written === 0 ? keepAgainMs : keepMs
        if (isWhole) await sleep(nextMs, undefined, { signal, ref: false })
      } catch (err) {
        if (signal.aborted) return
        isWhole = false
        this.#options.log.debug({ err }, 'cluster: how far the shared store is could not be noted')
        await sleep(keepAgainMs, undefined, { signal, ref: false }).catch(() => undefined)
      }
    }
  }

  /** The same for the last time; in a moment or not at all. */
  async leave(): Promise<void> {
    try {
      await this.#generation.keep({ timeoutMs: leaveMs })
    } catch (err) {
      this.#options.log.debug({ err }, 'cluster: how far the shared store is could not be noted at the end')
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const doubts = this.#doubts
    const sight = await this.#generation.look({ signal })
    if (sight.isReplaced) await this.#mend(sight.generation, signal)
    await this.#generation.remember(sight, { signal })
    this.#assured = doubts
  }

  async #mend(generation: string, signal: AbortSignal): Promise<void> {
    const loss = this.#begin(generation)
    this.#options.log.error(
      { since: loss.since },
      'cluster: the shared store has lost what it held, or is an older copy; put back',
    )
    await loss.putBack(signal)
    void loss.mended(signal).then(() => {
      if (this.#loss === loss) this.#loss = undefined
    })
  }

  /** What was done about the one before is done anew. */
  #begin(generation: string): StoreLoss {
    this.#awaited = this.#othersSince(generation)
    // It is the same one as long as nothing could be put back.
    const since = this.#loss?.isPutBack === false ? this.#loss.since : new Date().toISOString()
    this.#loss?.end()
    this.#reclaiming?.abort()
    this.#loss = new StoreLoss(this.#options, { since, awaited: this.#awaited })
    this.#lostAt = performance.now()
    return this.#loss
  }

  /** Undefined: who does not know of himself knows of nobody. */
  #othersSince(generation: string): AwaitedNodes | undefined {
    const { store, identity, nodes } = this.#options
    const known = nodes()
    const others = known.filter((node) => node.identity !== identity)
    return others.length === known.length ? undefined : new AwaitedNodes(store, generation, others)
  }
}
