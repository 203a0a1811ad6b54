// How long to wait before the next try. It neither sleeps nor knows what is tried.

export type BackoffOptions = {
  readonly firstMs: number
  readonly mostMs: number
  /** 0 ≤ x < 1; injected by tests. */
  readonly random?: () => number
}

/** Doubles from `firstMs` to `mostMs`, each time plus or minus a fifth, so that many who failed together spread out. */
export class Backoff {
  readonly #options: Required<BackoffOptions>
  #failures = 0

  constructor({ firstMs, mostMs, random = Math.random }: BackoffOptions) {
    this.#options = { firstMs, mostMs, random }
  }

  nextMs(): number {
    const { firstMs, mostMs, random } = this.#options
    const plain = Math.min(mostMs, firstMs * 2 ** Math.min(this.#failures, 30))
    this.#failures += 1
    return Math.round(Math.min(mostMs, plain * (0.8 + 0.4 * random())))
  }

  reset(): void {
    this.#failures = 0
  }
}
