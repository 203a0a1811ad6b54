// Whether somebody still wants what is being done. An AbortSignal costs microseconds, so it is made for who asks only.

/** Shared, and never written to: most are never listened to. */
const noListeners: (() => void)[] = []

export class Cancellation {
  #isCancelled = false
  #reason: unknown
  #controller: AbortController | undefined
  #listeners: (() => void)[] = noListeners

  /** Cancelled when a signal aborts, for one that does not outlive the work. */
  static of(signal: AbortSignal): Cancellation {
    const cancellation = new Cancellation()
    const cancel = () => cancellation.cancel(signal.reason)
    if (signal.aborted) cancel()
    else signal.addEventListener('abort', cancel, { once: true })
    return cancellation
  }

  get isCancelled(): boolean {
    return this.#isCancelled
  }

  /** Why; undefined before. */
  get reason(): unknown {
    return this.#reason
  }

  /** The same as a signal, for interfaces that take one; it aborts with the reason. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#isCancelled) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** The first reason stays. */
  cancel(reason: unknown): void {
    if (this.#isCancelled) return
    this.#isCancelled = true
    this.#reason = reason
    this.#controller?.abort(reason)
    const listeners = this.#listeners
    this.#listeners = noListeners
    for (const listener of listeners) listener()
  }

  /**
   * The work has ended: who listened is let go. V8's maps keep what was in them alive for a while after it was deleted,
   * and with it all that it refers to.
   */
  end(): void {
    this.#listeners = noListeners
  }

  /** Calls `listener` once, when it is cancelled; at once if it was. */
  onCancel(listener: () => void): void {
    if (this.#isCancelled) listener()
    else if (this.#listeners.length === 0) this.#listeners = [listener]
    else this.#listeners.push(listener)
  }
}
