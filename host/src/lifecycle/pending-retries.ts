// What must be tried again: endpoints and networks that could not be removed, or not be made as they should be. With
// back-off, and at once when somebody says that it is worth while.

export type Pending = { kind: 'endpoint' | 'network'; id: string }

export type PendingRetriesOptions = {
  /** Begins the id of the operation, which is the same over all tries at one object: `remove`. */
  verb: string
  /** Tries once; throws or leaves it pending when it cannot be done yet. */
  retry: (pending: Pending, operation: { id: string; attempt: number }) => Promise<void>
  onError: (pending: Pending, error: unknown) => void
  firstDelayMs?: number
  maxDelayMs?: number
}

type Waiting = {
  pending: Pending
  /** Why it waits, as far as somebody has said. */
  reason: string | undefined
  attempt: number
  delayMs: number
  timer: NodeJS.Timeout | undefined
}

export class PendingRetries implements Disposable {
  readonly #waiting = new Map<string, Waiting>()
  readonly #options: Required<PendingRetriesOptions>
  #isClosed = false

  constructor({ firstDelayMs = 1_000, maxDelayMs = 60_000, ...options }: PendingRetriesOptions) {
    this.#options = { firstDelayMs, maxDelayMs, ...options }
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Remembers it until `done`. Again for one that waits: nothing changes but the reason. */
  add(pending: Pending, reason?: string): void {
    if (this.#isClosed) return
    const known = this.#waiting.get(pending.id)
    if (known !== undefined) {
      known.reason = reason ?? known.reason
      return
    }
    const { firstDelayMs: delayMs } = this.#options
    const waiting: Waiting = { pending, reason, attempt: 0, delayMs, timer: undefined }
    this.#waiting.set(pending.id, waiting)
    this.#wait(waiting)
  }

  has(id: string): boolean {
    return this.#waiting.has(id)
  }

  /** Why it could not be done when it was tried last; undefined: it is not pending, or nobody has said. */
  reasonOf(id: string): string | undefined {
    return this.#waiting.get(id)?.reason
  }

  done(id: string): void {
    if (this.#waiting.size === 0) return
    clearTimeout(this.#waiting.get(id)?.timer)
    this.#waiting.delete(id)
  }

  /** Tries those again that `isMeant` picks: endpoints first, since networks wait for them. */
  async retryNow(isMeant: (pending: Pending) => boolean): Promise<void> {
    const meant = [...this.#waiting.values()].filter(({ pending }) => isMeant(pending))
    for (const kind of ['endpoint', 'network'] as const) {
      await Promise.all(
        meant.filter(({ pending }) => pending.kind === kind).map((waiting) => this.#try(waiting)),
      )
    }
  }

  [Symbol.dispose](): void {
    this.#isClosed = true
    for (const { timer } of this.#waiting.values()) clearTimeout(timer)
    this.#waiting.clear()
  }

  #wait(waiting: Waiting): void {
    clearTimeout(waiting.timer)
    waiting.timer = setTimeout(() => void this.#try(waiting), waiting.delayMs)
    waiting.delayMs = Math.min(waiting.delayMs * 2, this.#options.maxDelayMs)
  }

  async #try(waiting: Waiting): Promise<void> {
    const { pending } = waiting
    const { verb, retry } = this.#options
    waiting.attempt += 1
    try {
      await retry(pending, { id: `${verb}-${pending.id}`, attempt: waiting.attempt })
    } catch (error) {
      waiting.reason = error instanceof Error ? error.message : String(error)
      this.#options.onError(pending, error)
    }
    if (this.#waiting.get(pending.id) === waiting && !this.#isClosed) this.#wait(waiting)
  }
}
