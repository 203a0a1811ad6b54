// What must be tried again: endpoints and networks that could not be removed, or not be made as they should be. With
// back-off, and at once when somebody says that it is worth while.
import { type Look, SeenTroubles } from './seen-troubles.ts'

export type Pending = { kind: 'endpoint' | 'network'; id: string }

export type PendingRetriesOptions = {
  /** Begins the id of the operation, which is the same over all tries at one object: `remove`. */
  verb: string
  /** Tries once; throws or leaves it pending when it cannot be done yet. */
  retry: (pending: Pending, operation: { id: string; attempt: number }) => Promise<void>
  /** `isNews`: it has not failed for this reason since it waits. */
  onError: (pending: Pending, error: unknown, isNews: boolean) => void
  firstDelayMs?: number
  maxDelayMs?: number
}

type Waiting = {
  pending: Pending
  /** Why it waits, as far as somebody has said. */
  reason: string | undefined
  /** The reasons that somebody has heard of. */
  readonly told: Set<string>
  /** The try under way, and the one after it. */
  running?: Promise<void> | undefined
  next?: Promise<void> | undefined
  attempt: number
  delayMs: number
  timer: NodeJS.Timeout | undefined
}

/** One that fails each time for another reason is not told of for ever. */
const mostTold = 4

export class PendingRetries implements Disposable {
  readonly #waiting = new Map<string, Waiting>()
  readonly #seen = new SeenTroubles()
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
    const waiting: Waiting = { pending, reason, told: new Set(), attempt: 0, delayMs, timer: undefined }
    this.#waiting.set(pending.id, waiting)
    this.#wait(waiting)
  }

  /** It was tried, here or elsewhere, and is tried again. */
  failed(pending: Pending, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    this.add(pending, reason)
    this.#options.onError(pending, error, this.#isNews(pending.id, reason))
  }

  has(id: string): boolean {
    return this.#waiting.has(id)
  }

  /** Somebody looks from now on: what he finds is shown, and nothing is tried for it. */
  look(source: string): Look {
    return this.#seen.look(source)
  }

  /** Why it is tried again, or what was seen of it. */
  troubleOf(id: string): string | undefined {
    return this.reasonOf(id) ?? this.#seen.troubleOf(id)
  }

  /** Why it could not be done when it was tried last; undefined: it is not pending, or nobody has said. */
  reasonOf(id: string): string | undefined {
    return this.#waiting.get(id)?.reason
  }

  /** Also when nothing was pending. */
  done(id: string): void {
    this.#seen.mended(id)
    if (this.#waiting.size === 0) return
    clearTimeout(this.#waiting.get(id)?.timer)
    this.#waiting.delete(id)
  }

  /**
   * Tries those again that `isMeant` picks: endpoints first, since networks wait for them. One that is being tried is tried
   * once more after that, however many ask for it meanwhile.
   */
  async retryNow(isMeant: (pending: Pending) => boolean): Promise<void> {
    const meant = [...this.#waiting.values()].filter(({ pending }) => isMeant(pending))
    for (const kind of ['endpoint', 'network'] as const) {
      await Promise.all(
        meant.filter(({ pending }) => pending.kind === kind).map((waiting) => this.#tryNext(waiting)),
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
    waiting.timer = setTimeout(() => void this.#tryAlone(waiting), waiting.delayMs)
    waiting.delayMs = Math.min(waiting.delayMs * 2, this.#options.maxDelayMs)
  }

  #isNews(id: string, reason: string): boolean {
    const told = this.#waiting.get(id)?.told
    if (told === undefined || told.has(reason) || told.size >= mostTold) return false
    told.add(reason)
    return true
  }

  #tryNext(waiting: Waiting): Promise<void> {
    if (waiting.running === undefined) return this.#tryAlone(waiting)
    waiting.next ??= waiting.running.then(async () => {
      waiting.next = undefined
      if (this.#isWaiting(waiting)) await this.#tryAlone(waiting)
    })
    return waiting.next
  }

  /** No two tries at one object wait for the same driver. */
  #tryAlone(waiting: Waiting): Promise<void> {
    waiting.running ??= this.#try(waiting).finally(() => {
      waiting.running = undefined
    })
    return waiting.running
  }

  #isWaiting(waiting: Waiting): boolean {
    return this.#waiting.get(waiting.pending.id) === waiting && !this.#isClosed
  }

  async #try(waiting: Waiting): Promise<void> {
    const { pending } = waiting
    const { verb, retry } = this.#options
    waiting.attempt += 1
    try {
      await retry(pending, { id: `${verb}-${pending.id}`, attempt: waiting.attempt })
    } catch (error) {
      if (this.#isWaiting(waiting)) this.failed(pending, error)
    }
    if (this.#isWaiting(waiting)) this.#wait(waiting)
  }
}
