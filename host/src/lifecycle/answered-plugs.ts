// Plugs that their driver has answered and that are not on record yet. Who tells a driver what should be waits for
// them, or another instance of the driver would never hear of them.

export class AnsweredPlugs {
  readonly #byDriver = new Map<string, Set<Promise<unknown>>>()

  /** Runs `work`, which brings the answer of a plug on record. */
  async record<T>(driver: string, work: () => Promise<T>): Promise<T> {
    const running = work()
    const all = this.#byDriver.get(driver) ?? new Set()
    this.#byDriver.set(driver, all)
    all.add(running)
    try {
      return await running
    } finally {
      all.delete(running)
      if (all.size === 0) this.#byDriver.delete(driver)
    }
  }

  /** Resolves when those that are answered now are on record, or have failed. */
  async recorded(driver: string): Promise<void> {
    await Promise.allSettled(this.#byDriver.get(driver) ?? [])
  }
}
