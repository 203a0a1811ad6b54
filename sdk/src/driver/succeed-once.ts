// Work that is to succeed once: asked for again it is not done again, after a failure it is tried anew.

export class SucceedOnce {
  #done: Promise<void> | undefined
  #succeeded: Promise<void> | undefined

  /** Does the work unless it was done or is under way. Rejects as the work does. */
  ensure(work: () => Promise<void>): Promise<void> {
    if (this.#done !== undefined) return this.#done
    const attempt = work()
    this.#done = attempt
    attempt.then(
      () => {
        this.#succeeded = attempt
      },
      () => {
        // All who wait for it fail with it; who comes later begins anew.
        if (this.#done === attempt) this.#done = undefined
      },
    )
    return attempt
  }

  /** Whether it was done, or is under way. */
  get isBegun(): boolean {
    return this.#done !== undefined
  }

  /** Whether it was done: there is nothing to wait for. */
  get isDone(): boolean {
    return this.#done !== undefined && this.#done === this.#succeeded
  }

  /** Waits for what is under way, well or badly. */
  async ended(): Promise<void> {
    await this.#done?.catch(() => undefined)
  }

  /** Lets the work be done again. */
  forget(): void {
    this.#done = undefined
  }
}
