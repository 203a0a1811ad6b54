// The requests of the other side that are being answered: how many there may be, the signal of each, and how the end
// of a handler becomes a reply. It neither reads nor writes.
import { Cancellation } from '../cancellation.ts'
import { ConetError } from '../errors/index.ts'
import type { MessageId, Outcome } from './envelope.ts'
import type { JsonObject } from './framing.ts'
import { errorToWire, UnknownMethodError } from './wire-error.ts'

/** What a handler gets beside the request. */
export type RequestContext = {
  /** Cancelled when the caller gives the request up, and when the connection ends. */
  readonly cancellation: Cancellation
  /** The same as a signal. */
  readonly signal: AbortSignal
}

/**
 * Answers requests. What it returns (undefined becomes null) or throws is the one reply. A ConetError crosses as it
 * is, UnknownMethodError as -32601; anything else is a bug and crosses as "internal error".
 */
export type RequestHandler = (
  method: string,
  params: JsonObject | undefined,
  context: RequestContext,
) => unknown

export class ServedRequest implements RequestContext {
  readonly id: MessageId
  readonly method: string
  readonly cancellation = new Cancellation()
  #params: JsonObject | undefined

  constructor(id: MessageId, method: string, params: JsonObject | undefined) {
    this.id = id
    this.method = method
    this.#params = params
  }

  get params(): JsonObject | undefined {
    return this.#params
  }

  get signal(): AbortSignal {
    return this.cancellation.signal
  }

  /** It has its answer: lets go of what it held. */
  end(): void {
    this.#params = undefined
    this.cancellation.end()
  }
}

export type ServedRequestsOptions = {
  readonly maxInFlight: number
  /** Requests that are let through however many are under way, and take nobody's place. */
  readonly urgentMethods: readonly string[]
  /** Sends the one reply of a request. */
  reply(request: ServedRequest, outcome: Outcome): void
  /** Gets what a handler threw that is no expected failure. */
  onBug(error: unknown, method: string): void
  /** The last request has its answer. */
  onIdle(): void
}

export class ServedRequests {
  readonly #options: ServedRequestsOptions
  /** By the id as text: 1 and "1" are two ids, but many who send them could not tell the answers apart. */
  readonly #requests = new Map<string, ServedRequest>()
  /** Those of them that are not urgent. */
  #counted = 0

  constructor(options: ServedRequestsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#requests.size
  }

  hasRoomFor(method: string): boolean {
    return this.#isUrgent(method) || this.#counted < this.#options.maxInFlight
  }

  has(id: MessageId): boolean {
    return this.#requests.has(String(id))
  }

  add(request: ServedRequest): void {
    this.#requests.set(String(request.id), request)
    if (!this.#isUrgent(request.method)) this.#counted += 1
  }

  /** Cancels that request; one that is gone needs nothing. */
  cancel(id: MessageId): void {
    const request = this.#requests.get(String(id))
    request?.cancellation.cancel(new ConetError('cancelled', `${request.method}: given up by the caller`))
  }

  cancelAll(cause: unknown): void {
    for (const { cancellation, method } of [...this.#requests.values()]) {
      cancellation.cancel(new ConetError('cancelled', `${method}: the connection ended`, { cause }))
    }
  }

  /** Starts the handler now; the reply goes out when it ends. Never throws. */
  serve(request: ServedRequest, handler: RequestHandler): void {
    try {
      const result = handler(request.method, request.params, request)
      if (result instanceof Promise) this.#await(request, result)
      else this.#end(request, { result: result ?? null })
    } catch (error) {
      this.#fail(request, error)
    }
  }

  #isUrgent(method: string): boolean {
    return this.#options.urgentMethods.includes(method)
  }

  #await(request: ServedRequest, result: Promise<unknown>): void {
    result.then(
      (value) => this.#end(request, { result: value ?? null }),
      (error: unknown) => this.#fail(request, error),
    )
  }

  #fail(request: ServedRequest, error: unknown): void {
    this.#end(request, { error: errorToWire(this.#expected(error, request)) })
  }

  #end(request: ServedRequest, outcome: Outcome): void {
    this.#requests.delete(String(request.id))
    if (!this.#isUrgent(request.method)) this.#counted -= 1
    request.end()
    this.#options.reply(request, outcome)
    if (this.#requests.size === 0) this.#options.onIdle()
  }

  /** What may cross the wire of what a handler threw; the rest goes to `onBug` too. */
  #expected(error: unknown, { method, cancellation }: ServedRequest): unknown {
    if (ConetError.is(error) || error instanceof UnknownMethodError) return error
    // Node's own functions end an aborted wait with an error of their own.
    const { isCancelled, reason } = cancellation
    if (isCancelled && error instanceof Error && error.name === 'AbortError') return reason
    this.#options.onBug(error, method)
    return error
  }
}
