// The time that each call has. One timer serves all of them: nearly every call ends long before its time is over.
import type { Cancellation } from '../cancellation.ts'
import { ConetError } from '../errors/index.ts'
import { SharedTimer } from '../shared-timer.ts'

export class CallClock {
  readonly #limits = new Set<CallLimit>()
  readonly #timer = new SharedTimer((now) => this.#expire(now))

  /** Cancels with `deadlineExceeded` after so many milliseconds; `what` opens the error's message. */
  start(what: string, timeoutMs: number, cancellation: Cancellation): CallLimit {
    const limit = new CallLimit(what, timeoutMs, cancellation)
    this.#limits.add(limit)
    this.#timer.add(limit.dueAt)
    return limit
  }

  /** Grants so many milliseconds from now, if that is later than what was granted before. */
  extend(limit: CallLimit, timeoutMs: number): void {
    limit.dueAt = Math.max(limit.dueAt, performance.now() + timeoutMs)
  }

  /** The call has ended. */
  stop(limit: CallLimit): void {
    this.#limits.delete(limit)
  }

  #expire(now: number): number {
    let next = Number.POSITIVE_INFINITY
    for (const limit of this.#limits) {
      if (limit.dueAt <= now) this.#end(limit)
      else next = Math.min(next, limit.dueAt)
    }
    return next
  }

  #end(limit: CallLimit): void {
    this.#limits.delete(limit)
    const { what, since, dueAt, cancellation } = limit
    const allowedMs = Math.round(dueAt - since)
    cancellation.cancel(new ConetError('deadlineExceeded', `${what}: no answer within ${allowedMs} ms`))
  }
}

export class CallLimit {
  readonly what: string
  readonly since = performance.now()
  readonly cancellation: Cancellation
  dueAt: number

  constructor(what: string, timeoutMs: number, cancellation: Cancellation) {
    this.what = what
    this.cancellation = cancellation
    this.dueAt = this.since + timeoutMs
  }
}
