// What must still go: endpoints and networks whose driver could not confirm their end. Tried again with back-off,
// and at once when the driver is back.

export type PendingRemoval = { kind: 'endpoint' | 'network'; id: string }

export type PendingRemovalsOptions = {
  /** Tries once; throws or leaves it pending when it cannot be done yet. */
  retry: (removal: PendingRemoval) => Promise<void>
  onError: (removal: PendingRemoval, error: unknown) => void
  firstDelayMs?: number
  maxDelayMs?: number
}

type Waiting = { removal: PendingRemoval; delayMs: number; timer: NodeJS.Timeout | undefined }

export class PendingRemovals implements Disposable {
  readonly #waiting = new Map<string, Waiting>()
  readonly #options: Required<PendingRemovalsOptions>
  #isClosed = false

  constructor({ firstDelayMs = 1_000, maxDelayMs = 60_000, ...options }: PendingRemovalsOptions) {
    this.#options = { firstDelayMs, maxDelayMs, ...options }
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Remembers it until `done`. Again for one that waits: nothing changes. */
  add(removal: PendingRemoval): void {
    if (this.#isClosed || this.#waiting.has(removal.id)) return
    const waiting: Waiting = { removal, delayMs: this.#options.firstDelayMs, timer: undefined }
    this.#waiting.set(removal.id, waiting)
    this.#wait(waiting)
  }

  done(id: string): void {
    clearTimeout(this.#waiting.get(id)?.timer)
    this.#waiting.delete(id)
  }

  /** Tries those again that `isMeant` picks: endpoints first, since networks wait for them. */
  async retryNow(isMeant: (removal: PendingRemoval) => boolean): Promise<void> {
    const meant = [...this.#waiting.values()].filter(({ removal }) => isMeant(removal))
    for (const kind of ['endpoint', 'network'] as const) {
      await Promise.all(
        meant.filter(({ removal }) => removal.kind === kind).map((waiting) => this.#try(waiting)),
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
    const { removal } = waiting
    try {
      await this.#options.retry(removal)
    } catch (error) {
      this.#options.onError(removal, error)
    }
    if (this.#waiting.get(removal.id) === waiting && !this.#isClosed) this.#wait(waiting)
  }
}
