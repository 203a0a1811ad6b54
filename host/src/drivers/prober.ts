// Asks a driver that offers it how things are with what it depends on: now and then, and soon after a call failed in a
// way that may lie there. What it finds is shown; it decides nothing.
import { ConetError, type ProbeResult } from '@conet/sdk'
import type { DriverLink } from './driver-link.ts'

/** The last finding; `error` where the probe itself failed. */
export type Health = ProbeResult & { readonly at: Date; readonly error?: string }

export type ProberOptions = {
  readonly probeIntervalMs: number
  /** Between a failure and the look that it causes; more failures cause no more looks. */
  readonly probeAfterFailureMs: number
  onHealth(health: Health): void
}

export class Prober implements Disposable {
  readonly #link: DriverLink
  readonly #options: ProberOptions
  readonly #ending = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #dueMs = 0
  #isProbing = false

  /** Looks at once. */
  constructor(link: DriverLink, options: ProberOptions) {
    this.#link = link
    this.#options = options
    this.#schedule(0)
  }

  [Symbol.dispose](): void {
    this.#ending.abort()
    clearTimeout(this.#timer)
  }

  /** Something failed: does not wait for the next look on the clock. */
  suspect(): void {
    const { probeAfterFailureMs } = this.#options
    if (this.#isProbing || performance.now() + probeAfterFailureMs >= this.#dueMs) return
    this.#schedule(probeAfterFailureMs)
  }

  #schedule(ms: number): void {
    if (this.#ending.signal.aborted) return
    clearTimeout(this.#timer)
    this.#dueMs = performance.now() + ms
    this.#timer = setTimeout(() => void this.#look(), ms)
  }

  async #look(): Promise<void> {
    this.#isProbing = true
    const health = await this.#probe()
    this.#isProbing = false
    if (this.#ending.signal.aborted) return
    if (health !== undefined) this.#options.onHealth(health)
    this.#schedule(this.#options.probeIntervalMs)
  }

  /** Undefined: the driver was too busy to be asked, so nothing is known anew. */
  async #probe(): Promise<Health | undefined> {
    const { signal } = this.#ending
    try {
      const found = await this.#link.call('driver/probe', {}, { operationId: 'probe', signal })
      return { ...found, at: new Date() }
    } catch (error) {
      if (ConetError.is(error, 'deadlineExceeded') && error.operationState === 'not-started') return undefined
      const message = error instanceof Error ? error.message : String(error)
      return { healthy: false, checks: [], error: message, at: new Date() }
    }
  }
}
