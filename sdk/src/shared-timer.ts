// One timer for many deadlines. Nearly all of them are met, so that none deserves a timer of its own.

/** The most that a timer of Node's can wait, in milliseconds. */
const mostDelayMs = 2 ** 31 - 1

export class SharedTimer {
  readonly #expire: (now: number) => number
  #timer: NodeJS.Timeout | undefined
  #dueAt = Number.POSITIVE_INFINITY

  /**
   * `expire` ends what is due at `now`, and says when the next is; Infinity if nothing is left. It may be called when
   * nothing is due, since what has ended before its time is not told. Times are `performance.now()`.
   */
  constructor(expire: (now: number) => number) {
    this.#expire = expire
  }

  /** Something is due at that time. */
  add(dueAt: number): void {
    if (dueAt < this.#dueAt) this.#start(dueAt)
  }

  /** `expire` is not called any more, unless something is added. */
  clear(): void {
    clearTimeout(this.#timer)
    this.#dueAt = Number.POSITIVE_INFINITY
  }

  #start(dueAt: number): void {
    clearTimeout(this.#timer)
    this.#dueAt = dueAt
    if (dueAt === Number.POSITIVE_INFINITY) return
    const delayMs = Math.min(Math.max(1, Math.ceil(dueAt - performance.now())), mostDelayMs)
    // It outlives what it was started for, which must not keep the process.
    this.#timer = setTimeout(() => this.#fire(), delayMs).unref()
  }

  #fire(): void {
    // What expires may add something: it is compared with nothing, and then with what is left.
    this.#dueAt = Number.POSITIVE_INFINITY
    const next = this.#expire(performance.now())
    if (next < this.#dueAt) this.#start(next)
  }
}
