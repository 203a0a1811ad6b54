// A bound on how much runs at once, first come first served.

export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free === 0)
      return new Promise<void>((resolve) => this.#waiting.push(resolve)).then(() => this.#hold(work))
    this.#free -= 1
    return this.#hold(work)
  }

  #hold<T>(work: () => Promise<T>): Promise<T> {
    const running = work()
    running.then(this.#release, this.#release)
    return running
  }

  /** A slot passes from hand to hand, so that nobody who comes later gets in between. */
  readonly #release = (): void => {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free += 1
    else next()
  }
}
