// How long operations took and how they ended. What is noted before somebody listens waits for them: the library that
// makes histograms of it is loaded when conetd serves already.

import { ConetError } from '@conet/sdk'

export type Timing = {
  /** `endpoint.plug` */
  readonly operation: string
  /** `ok`, or the kind of the error. */
  readonly outcome: string
  readonly seconds: number
}

/** Enough for the time until somebody listens. */
const mostWaiting = 10_000

export class OperationTimings {
  #waiting: Timing[] = []
  #listener: ((timing: Timing) => void) | undefined

  note(timing: Timing): void {
    if (this.#listener !== undefined) this.#listener(timing)
    else if (this.#waiting.length < mostWaiting) this.#waiting.push(timing)
  }

  /** Runs `work` and notes how long it took. */
  async time<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const began = performance.now()
    let outcome = 'ok'
    try {
      return await work()
    } catch (error) {
      outcome = ConetError.is(error) ? error.kind : 'internal'
      throw error
    } finally {
      this.note({ operation, outcome, seconds: (performance.now() - began) / 1000 })
    }
  }

  /** Hears of everything from the start on. Call it once. */
  listen(listener: (timing: Timing) => void): void {
    this.#listener = listener
    for (const timing of this.#waiting.splice(0)) listener(timing)
  }
}
