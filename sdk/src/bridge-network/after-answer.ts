// What the answer to a call need not wait for: done in the loop's next turn, when the answer is on its way.

export type AfterAnswerOptions = {
  /** Hears what failed; there is nobody else left to tell. */
  failed(what: string, error: unknown): void
}

type Work = { readonly what: string; readonly run: () => void }

/** Runs short synchronous work in the order in which it was handed over. */
export class AfterAnswer {
  readonly #options: AfterAnswerOptions
  #waiting: Work[] = []
  #turn: NodeJS.Immediate | undefined

  constructor(options: AfterAnswerOptions) {
    this.#options = options
  }

  /** `what` stands before the reason when it fails. */
  add(what: string, run: () => void): void {
    this.#waiting.push({ what, run })
    this.#turn ??= setImmediate(() => this.finish())
  }

  /** Does at once what waits, as at the end. May be repeated. */
  finish(): void {
    clearImmediate(this.#turn)
    this.#turn = undefined
    const works = this.#waiting
    this.#waiting = []
    for (const { what, run } of works) this.#attempt(what, run)
  }

  #attempt(what: string, run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#options.failed(what, error)
    }
  }
}
