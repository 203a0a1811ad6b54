// How fast a side may be spoken to unasked. It owns no socket and no timer: it says how long to read nothing.

/** How much may come unasked; a message costs one, and one more for each 2 KiB of it. */
export type PaceOptions = {
  readonly perSecond: number
  readonly burst: number
}

const charactersForOne = 2048
/** The end of the connection is seen again after so long at most. */
const longestRestMs = 500

/** Measures what comes unasked against that; a peer with `pace` has one. */
export class Pace {
  readonly #options: PaceOptions
  readonly #now: () => number
  #left: number
  #filledAt: number

  /** `now`: milliseconds that never run backwards. */
  constructor(options: PaceOptions, now: () => number = () => performance.now()) {
    this.#options = options
    this.#now = now
    this.#left = options.burst
    this.#filledAt = now()
  }

  /** A message of that length has come. How long to rest until the next one is welcome; 0: not at all. */
  restAfter(length: number): number {
    const { perSecond, burst } = this.#options
    const now = this.#now()
    const refilled = this.#left + ((now - this.#filledAt) / 1_000) * perSecond
    const left = Math.min(burst, refilled) - 1 - length / charactersForOne
    // No rest is longer, so more debt than that would never be worked off.
    this.#left = Math.max(left, (-perSecond * longestRestMs) / 1_000)
    this.#filledAt = now
    return this.#left >= 0 ? 0 : (-this.#left / perSecond) * 1_000
  }
}
