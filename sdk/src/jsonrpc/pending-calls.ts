// Our own calls that wait for an answer: their deadlines, their signals, and the ids of those that were given up,
// so that a late answer is told from one that nobody asked for. It sends nothing.
import { addAbortListener } from 'node:events'
import { ConetError } from '../errors/index.ts'
import type { MessageId } from './envelope.ts'

/** How many given-up ids are remembered; the answer to an older one counts as unknown. */
const maxGivenUp = 4096

/** How long a call may take, and who may give it up. */
export type CallOptions = {
  /** How long to wait for the answer; at most 2^31 - 1, which is what a timer can do. */
  readonly timeoutMs: number
  /** Gives the call up when it aborts. */
  readonly signal?: AbortSignal | undefined
  /** Called as soon as the call is sent, with what gives it so many milliseconds from then on while it waits. */
  onSent?(extend: (timeoutMs: number) => void): void
}

type PendingCall = {
  readonly method: string
  readonly reject: (error: ConetError) => void
  timer: NodeJS.Timeout
  readonly listener: Disposable | undefined
}

export type AddedCall = CallOptions & {
  readonly id: MessageId
  readonly method: string
  /** Called once at most: by the deadline, the signal or `failAll`. */
  readonly reject: (error: ConetError) => void
}

export class PendingCalls {
  readonly #calls = new Map<MessageId, PendingCall>()
  readonly #givenUp = new Set<MessageId>()
  readonly #onGivenUp: (id: MessageId) => void

  constructor(onGivenUp: (id: MessageId) => void) {
    this.#onGivenUp = onGivenUp
  }

  get size(): number {
    return this.#calls.size
  }

  add({ id, method, timeoutMs, signal, reject }: AddedCall): void {
    const timer = this.#startTimer(id, method, timeoutMs)
    const listener = signal && addAbortListener(signal, () => this.#giveUp(id, cancelled(method, signal)))
    this.#calls.set(id, { method, reject, timer, listener })
  }

  /** So many milliseconds from now, for a call that still waits. */
  extend(id: MessageId, timeoutMs: number): void {
    const call = this.#calls.get(id)
    if (call === undefined) return
    clearTimeout(call.timer)
    call.timer = this.#startTimer(id, call.method, timeoutMs)
  }

  /** Whether an answer with that id is awaited, comes late, or was never asked for. */
  expects(id: MessageId): 'awaited' | 'late' | 'unknown' {
    if (this.#calls.has(id)) return 'awaited'
    return this.#givenUp.delete(id) ? 'late' : 'unknown'
  }

  /** The call has its answer. */
  remove(id: MessageId): void {
    const call = this.#calls.get(id)
    if (call === undefined) return
    this.#calls.delete(id)
    clearTimeout(call.timer)
    call.listener?.[Symbol.dispose]()
  }

  failAll(reasonFor: (method: string) => ConetError): void {
    for (const [id, { method, reject }] of [...this.#calls]) {
      this.remove(id)
      reject(reasonFor(method))
    }
  }

  #startTimer(id: MessageId, method: string, timeoutMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#giveUp(id, new ConetError('deadlineExceeded', `${method}: no answer within ${timeoutMs} ms`))
    }, timeoutMs)
  }

  #giveUp(id: MessageId, error: ConetError): void {
    const call = this.#calls.get(id)
    if (call === undefined) return
    this.remove(id)
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
