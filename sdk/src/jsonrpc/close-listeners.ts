// Those who hear of the end of a connection: each once, also who comes later.

/** Called once, when the connection is no more; without a reason if it ended in order. */
export type CloseListener = (reason: unknown) => void

export class CloseListeners {
  readonly #listeners: CloseListener[] = []
  readonly #onError: (error: unknown) => void
  #end: { readonly reason: unknown } | undefined

  /** `onError` gets what a listener throws; the others are called all the same. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  /** Why the connection has ended, if there was a reason. */
  get reason(): unknown {
    return this.#end?.reason
  }

  /** Called at once if the connection has ended. */
  add(listener: CloseListener): void {
    if (this.#end === undefined) this.#listeners.push(listener)
    else this.#tell(listener, this.#end.reason)
  }

  /** From now on who comes is told at once. To be followed by `tellAll`. */
  end(reason: unknown): void {
    this.#end = { reason }
  }

  /** Tells those who came before the end. */
  tellAll(): void {
    for (const listener of this.#listeners.splice(0)) this.#tell(listener, this.reason)
  }

  #tell(listener: CloseListener, reason: unknown): void {
    try {
      listener(reason)
    } catch (error) {
      this.#onError(error)
    }
  }
}
