// One operation at a time per key, in the order of their calls; different keys run side by side.

/** Queues work by key. Memory is bounded by what is waiting; it owns no timer and needs no close. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>()

  /**
   * Runs `work` when everything asked before it for `key` has ended, well or badly; at once, before this returns, if
   * nothing is. Settles as `work` does. What waits cannot be taken back: let `work` look at its own signal first.
   */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key)
    const result = before === undefined ? work() : before.then(work, work)
    const tail = result.catch(() => undefined)
    this.#tails.set(key, tail)
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key)
    })
    return result
  }

  /** Resolves when nothing is under way or waiting, what is asked for meanwhile included. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(this.#tails.values())
  }

  /** How many keys have work under way or waiting. */
  get size(): number {
    return this.#tails.size
  }
}
