// Those who wait for a condition that events change: looked at again on each event, given up after a time.

type Waiter = { isMet(): boolean; settle(): void }

export class Waiters {
  readonly #waiting = new Set<Waiter>()

  /** Resolves when the condition holds, or after the time; the caller looks which. */
  until(isMet: () => boolean, timeoutMs: number): Promise<void> {
    if (isMet()) return Promise.resolve()
    return new Promise((resolve) => {
      const settle = () => {
        clearTimeout(timer)
        this.#waiting.delete(waiter)
        resolve()
      }
      const waiter: Waiter = { isMet, settle }
      const timer = setTimeout(settle, timeoutMs)
      this.#waiting.add(waiter)
    })
  }

  /** Something has changed. */
  look(): void {
    for (const waiter of [...this.#waiting]) if (waiter.isMet()) waiter.settle()
  }
}
