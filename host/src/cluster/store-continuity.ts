// Nothing that the shared store does not hold any more is believed to be gone before it is known that the store itself is
// whole. If it is not, this node puts back what it has.
import { setTimeout as sleep } from 'node:timers/promises'
import { KeyedQueue } from '@conet/sdk'
import type { Logger } from 'pino'
import { Backoff } from '../retry/backoff.ts'
import type { BlockStore } from './own-blocks.ts'
import type { CallLimits, SharedStore } from './shared-store.ts'
import { StoreGeneration } from './store-generation.ts'

export type StoreReplaced = {
  readonly since: string
  /** All that this node has was looked at since. */
  readonly isPutBack: boolean
  /** What somebody else has in the store now. */
  readonly conflicts: readonly string[]
}

export type StoreContinuityOptions = {
  readonly store: SharedStore
  readonly records: BlockStore
  /** Of the machine. */
  readonly identity: string
  readonly log: Logger
  /** Writes to the store what this node has and the store has not. Resolves to what others have there. May be repeated. */
  putBack(limits: CallLimits): Promise<string[]>
}

/** So long after a loss a list may lack what others have not put back yet. */
const othersMs = 30_000

/** What this node has written in the last while may be lost with an older copy without its notice, if all are ended by force. */
const keepMs = 30_000
const keepAgainMs = 2_000
const leaveMs = 1_000

/** Somebody who has the same may let it go. */
const conflictRetryMs = 10_000

export class StoreContinuity {
  readonly #options: StoreContinuityOptions
  readonly #generation: StoreGeneration
  readonly #queue = new KeyedQueue()
  #replaced: StoreReplaced | undefined
  #replacedAt = Number.NEGATIVE_INFINITY

  constructor(options: StoreContinuityOptions) {
    this.#options = options
    this.#generation = new StoreGeneration(options.store, options)
  }

  /** Since this process has started: the store was lost, or is an older copy. */
  get replaced(): StoreReplaced | undefined {
    return this.#replaced
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
    return performance.now() - this.#replacedAt < othersMs
  }

  /** Notes now and then how far the store is, until the signal aborts. Called once. */
  async follow(signal: AbortSignal): Promise<void> {
    // A node that writes nothing asks for nothing.
    let isWhole = false
    while (!signal.aborted) {
      try {
        if (!isWhole) await this.assure(signal)
        isWhole = await this.#generation.keep({ signal })
        if (isWhole) await sleep(keepMs, undefined, { signal, ref: false })
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
    const sight = await this.#generation.look({ signal })
    if (sight.isReplaced) await this.#mend(signal)
    await this.#generation.remember(sight, { signal })
  }

  async #mend(signal: AbortSignal): Promise<void> {
    const { log, putBack } = this.#options
    const since = this.#replaced?.isPutBack === false ? this.#replaced.since : new Date().toISOString()
    this.#replaced = { since, isPutBack: false, conflicts: [] }
    this.#replacedAt = performance.now()
    log.error({ since }, 'cluster: the shared store has lost what it held, or is an older copy; put back')
    const conflicts = await putBack({ signal })
    this.#replaced = { since, isPutBack: true, conflicts }
    if (conflicts.length === 0) return
    log.error({ conflicts }, 'cluster: others have in the shared store what is this node’s')
    void this.#tryAgain(signal)
  }

  /** Until nobody has what is this node's. */
  async #tryAgain(signal: AbortSignal): Promise<void> {
    const since = this.#replaced?.since
    while (!signal.aborted) {
      await sleep(conflictRetryMs, undefined, { signal, ref: false }).catch(() => undefined)
      if (signal.aborted || this.#replaced === undefined || this.#replaced.since !== since) return
      try {
        const conflicts = await this.#options.putBack({ signal })
        this.#replaced = { ...this.#replaced, conflicts }
        if (conflicts.length === 0) return
      } catch (err) {
        this.#options.log.debug({ err }, 'cluster: what is this node’s is not put back yet')
      }
    }
  }
}
