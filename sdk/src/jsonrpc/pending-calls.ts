// Our own calls that wait for an answer: their numbers, deadlines and signals, and the ids of those that were given
// up, so that a late answer is told from one that nobody asked for. It sends nothing.
import { ConetError } from '../errors/index.ts'
import { onAbort } from '../on-abort.ts'
import { SharedTimer } from '../shared-timer.ts'
import type { MessageId, Outcome } from './envelope.ts'
import { errorFromWire } from './wire-error.ts'

/** How many given-up ids are remembered; the answer to an older one counts as unknown. */
const maxGivenUp = 4096

/** How long a call may take, and who may give it up. */
export type CallOptions = {
  /** How long to wait for the answer. */
  readonly timeoutMs: number
  /** Gives the call up when it aborts. */
  readonly signal?: AbortSignal | undefined
  /** Called as soon as the call is sent, with what gives it so many milliseconds from then on while it waits. */
  readonly onSent?: ((extend: (timeoutMs: number) => void) => void) | undefined
}

/** Settles the promise of the caller. */
type Settle = { resolve(result: unknown): void; reject(error: ConetError): void }

type PendingCall = {
  readonly method: string
  /** Undefined once it is settled: what a map has held it may keep for a while, with all that it refers to. */
  settle: Settle | undefined
  timeoutMs: number
  dueAt: number
  readonly listener: Disposable | undefined
}

export class PendingCalls {
  readonly #calls = new Map<MessageId, PendingCall>()
  readonly #givenUp = new Set<MessageId>()
  readonly #onGivenUp: (id: MessageId) => void
  readonly #deadlines = new SharedTimer((now) => this.#expire(now))
  #lastId = 0

  constructor(onGivenUp: (id: MessageId) => void) {
    this.#onGivenUp = onGivenUp
  }

  get size(): number {
    return this.#calls.size
  }

  /** An id that no call of this connection has had. */
  nextId(): number {
    this.#lastId += 1
    return this.#lastId
  }

  /** The call was sent. It is settled once: by its answer, its deadline, its signal or `failAll`. */
  add(id: number, method: string, { timeoutMs, signal }: CallOptions, settle: Settle): void {
    const listener = signal && onAbort(signal, () => this.#giveUp(id, cancelled(method, signal)))
    const dueAt = performance.now() + timeoutMs
    this.#calls.set(id, { method, settle, timeoutMs, dueAt, listener })
    this.#deadlines.add(dueAt)
  }

  /** So many milliseconds from now, for a call that still waits. */
  extend(id: MessageId, timeoutMs: number): void {
    const call = this.#calls.get(id)
    if (call === undefined) return
    call.timeoutMs = timeoutMs
    call.dueAt = performance.now() + timeoutMs
    this.#deadlines.add(call.dueAt)
  }

  /** An answer has come; says whether somebody waited for it, did so before, or never asked. */
  settle(id: MessageId, outcome: Outcome): 'awaited' | 'late' | 'unknown' {
    const call = this.#take(id)
    if (call === undefined) return this.#givenUp.delete(id) ? 'late' : 'unknown'
    if ('result' in outcome) call.resolve(outcome.result)
    else call.reject(errorFromWire(outcome.error))
    return 'awaited'
  }

  /** The connection has ended: there will be no answers. */
  failAll(reasonFor: (method: string) => ConetError): void {
    this.#deadlines.clear()
    for (const [id, { method }] of [...this.#calls]) this.#take(id)?.reject(reasonFor(method))
  }

  #take(id: MessageId): Settle | undefined {
    const call = this.#calls.get(id)
    if (call === undefined) return undefined
    this.#calls.delete(id)
    call.listener?.[Symbol.dispose]()
    const { settle } = call
    call.settle = undefined
    return settle
  }

  #expire(now: number): number {
    for (const [id, { method, timeoutMs, dueAt }] of [...this.#calls]) {
      if (dueAt > now) continue
      this.#giveUp(id, new ConetError('deadlineExceeded', `${method}: no answer within ${timeoutMs} ms`))
    }
    return Math.min(...[...this.#calls.values()].map(({ dueAt }) => dueAt))
  }

  #giveUp(id: MessageId, error: ConetError): void {
    const call = this.#take(id)
    if (call === undefined) return
    this.#remember(id)
    call.reject(error)
    this.#onGivenUp(id)
  }

  #remember(id: MessageId): void {
    this.#givenUp.add(id)
    if (this.#givenUp.size <= maxGivenUp) return
    for (const oldest of this.#givenUp) {
      this.#givenUp.delete(oldest)
      return
    }
  }
}

export function cancelled(
  method: string,
  signal: AbortSignal,
  options: { operationState?: 'not-started' } = {},
): ConetError {
  return new ConetError('cancelled', `${method}: given up by the caller`, {
    cause: signal.reason,
    ...options,
  })
}
