// When a socket is dialled again: after a back-off, or, where the driver was refused, when the reason may be gone.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Backoff } from '../retry/backoff.ts'
import type { SessionTiming } from './session-options.ts'

export class Redial {
  readonly #backoff: Backoff
  readonly #stableMs: number
  #nextRetry: Date | undefined
  #reconsidering = new AbortController()

  constructor({
    firstBackoffMs,
    mostBackoffMs,
    stableMs,
  }: Pick<SessionTiming, 'firstBackoffMs' | 'mostBackoffMs' | 'stableMs'>) {
    this.#backoff = new Backoff({ firstMs: firstBackoffMs, mostMs: mostBackoffMs })
    this.#stableMs = stableMs
  }

  /** When it is dialled again; undefined if that is not planned. */
  get nextRetry(): Date | undefined {
    return this.#nextRetry
  }

  /** A connection that was ready from then on (`performance.now()`) has ended. */
  endedAfter(readyMs: number): void {
    if (performance.now() - readyMs >= this.#stableMs) this.#backoff.reset()
  }

  /** The driver is refused now: what may change that counts from here on. */
  refused(): void {
    this.#reconsidering = new AbortController()
  }

  /** What the driver was refused for may be gone. */
  reconsider(): void {
    this.#reconsidering.abort()
  }

  async afterLoss(signal: AbortSignal): Promise<void> {
    const ms = this.#backoff.nextMs()
    this.#nextRetry = new Date(Date.now() + ms)
    await sleep(ms, undefined, { signal })
    this.#nextRetry = undefined
  }

  async afterRefusal(signal: AbortSignal): Promise<void> {
    const { signal: reconsidered } = this.#reconsidering
    if (!reconsidered.aborted) await once(reconsidered, 'abort', { signal })
  }
}
