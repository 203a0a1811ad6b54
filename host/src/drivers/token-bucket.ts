// Lets through so many a second on average, and a burst at first. It owns no timer: time passes when it is asked.

export type TokenBucketOptions = {
  readonly perSecond: number
  readonly burst: number
  /** Milliseconds that never run backwards; injected by tests. */
  readonly now?: () => number
}

export class TokenBucket {
  readonly #options: Required<TokenBucketOptions>
  #tokens: number
  #filledAt: number
  #dropped = 0

  constructor({ perSecond, burst, now = () => performance.now() }: TokenBucketOptions) {
    this.#options = { perSecond, burst, now }
    this.#tokens = burst
    this.#filledAt = now()
  }

  /** Takes one if there is one; else counts it as dropped. */
  take(): boolean {
    this.#fill()
    if (this.#tokens < 1) {
      this.#dropped += 1
      return false
    }
    this.#tokens -= 1
    return true
  }

  /** How many were dropped since this was asked last. */
  takeDropped(): number {
    const dropped = this.#dropped
    this.#dropped = 0
    return dropped
  }

  #fill(): void {
    const { perSecond, burst, now } = this.#options
    const at = now()
    this.#tokens = Math.min(burst, this.#tokens + ((at - this.#filledAt) / 1000) * perSecond)
    this.#filledAt = at
  }
}
