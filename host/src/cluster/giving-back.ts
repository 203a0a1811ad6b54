// Blocks that this node gives back: from then on until the store has answered nobody knows whose they are.
import { setTimeout as sleep } from 'node:timers/promises'
import { Backoff } from '../retry/backoff.ts'

export type GivingBackOptions = {
  /** Asks the store what it still has of what was given back, and gives that back. Resolves to the revision then. */
  settle(): Promise<number>
  readonly signal: AbortSignal
}

export class GivingBack {
  readonly #options: GivingBackOptions
  /** The revision at which it was done last; infinite while nobody knows. */
  #at = 0
  #isSettling = false

  constructor(options: GivingBackOptions) {
    this.#options = options
  }

  /** Whether what the store says as of a revision came after what was given back last. */
  isKnownAt(revision: number): boolean {
    return revision >= this.#at
  }

  /** `work` resolves to the revision. After a failure the store is asked until it answers, and this rejects. */
  async run(work: () => Promise<number>): Promise<void> {
    this.#at = Number.POSITIVE_INFINITY
    try {
      this.#at = await work()
    } catch (error) {
      void this.#settle()
      throw error
    }
  }

  async #settle(): Promise<void> {
    if (this.#isSettling) return
    this.#isSettling = true
    const { settle, signal } = this.#options
    const backoff = new Backoff({ firstMs: 100, mostMs: 5_000 })
    while (!signal.aborted && this.#at === Number.POSITIVE_INFINITY) {
      await sleep(backoff.nextMs(), undefined, { signal }).catch(() => undefined)
      // While the store is away, which is told elsewhere, it is asked again.
      this.#at = signal.aborted ? this.#at : await settle().catch(() => this.#at)
    }
    this.#isSettling = false
  }
}
