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

  constructor({ perSecond, burst, now = () => performance.now() }: TokenBucketOptions) {
    this.#options = { perSecond, burst, now }
    this.#tokens = burst
    this.#filledAt = now()
  }

  /** Takes one if there is one. */
  take(): boolean {
    this.#fill()
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  #fill(): void {
    const { perSecond, burst, now } = this.#options
    const at = now()
    this.#tokens = Math.min(burst, this.#tokens + ((at - this.#filledAt) / 1000) * perSecond)
    this.#filledAt = at
  }
}
