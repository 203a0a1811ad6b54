// Whether somebody still wants what is being done. An AbortSignal costs microseconds, so it is made for who asks only.

export class Cancellation {
  #isCancelled = false
  #reason: unknown
  #controller: AbortController | undefined
  #listeners: Set<() => void> | undefined

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
    const listeners = this.#listeners ?? []
    this.#listeners = undefined
    for (const listener of listeners) listener()
  }

  /** Calls `listener` once, when it is cancelled; at once if it was. Returns what takes that back. */
  onCancel(listener: () => void): () => void {
    if (this.#isCancelled) {
      listener()
      return () => undefined
    }
    this.#listeners ??= new Set()
    this.#listeners.add(listener)
    return () => this.#listeners?.delete(listener)
  }
}
