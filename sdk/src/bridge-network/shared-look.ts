// A look that takes as long for one as for many: one is for all who ask while the one before it is under way.

export class SharedLook<Wish> {
  readonly #look: (wishes: readonly Wish[]) => Promise<void>
  #waiting: Wish[] = []
  #next: Promise<void> | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(look: (wishes: readonly Wish[]) => Promise<void>) {
    this.#look = look
  }

  /** Resolves when a look that began after this call has ended. Throws what it throws, to all whom it was for. */
  join(wishes: readonly Wish[]): Promise<void> {
    this.#waiting.push(...wishes)
    this.#next ??= this.#afterThatOne()
    return this.#next
  }

  /** Resolves when none is under way or waits. */
  async idle(): Promise<void> {
    await this.#last
  }

  #afterThatOne(): Promise<void> {
    const next = this.#last.then(() => {
      const wishes = this.#waiting
      this.#waiting = []
      this.#next = undefined
      return this.#look(wishes)
    })
    this.#last = next.catch(() => undefined)
    return next
  }
}
