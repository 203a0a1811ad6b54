// The requests of the other side that are being answered: how many there may be, the signal of each, and how the end
// of a handler becomes a reply. It neither reads nor writes.
import { ConetError } from '../errors/index.ts'
import type { MessageId, Outcome } from './envelope.ts'
import type { JsonObject } from './framing.ts'
import { errorToWire, UnknownMethodError } from './wire-error.ts'

/** What a handler gets beside the request. */
export type RequestContext = {
  /** Aborts when the caller gives the request up, and when the connection ends. */
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

export class ServedRequest {
  readonly id: MessageId
  readonly method: string
  readonly params: JsonObject | undefined
  readonly controller = new AbortController()

  constructor(id: MessageId, method: string, params: JsonObject | undefined) {
    this.id = id
    this.method = method
    this.params = params
  }
}

export type ServedRequestsOptions = {
  readonly maxInFlight: number
  /** Gets what a handler threw that is no expected failure. */
  onBug(error: unknown, method: string): void
  /** The last request has its answer. */
  onIdle(): void
}

export class ServedRequests {
  readonly #options: ServedRequestsOptions
  /** By the id as text: the JSON-RPC library cannot tell 1 from "1" while both wait in its queue. */
  readonly #requests = new Map<string, ServedRequest>()

  constructor(options: ServedRequestsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#requests.size
  }

  get isFull(): boolean {
    return this.#requests.size >= this.#options.maxInFlight
  }

  has(id: MessageId): boolean {
    return this.#requests.has(String(id))
  }

  add(request: ServedRequest): void {
    this.#requests.set(String(request.id), request)
  }

  /** Aborts the signal of that request; a request that is gone needs nothing. */
  cancel(id: MessageId): void {
    const request = this.#requests.get(String(id))
    request?.controller.abort(new ConetError('cancelled', `${request.method}: given up by the caller`))
  }

  abortAll(reason: unknown): void {
    for (const { controller, method } of [...this.#requests.values()]) {
      const error = new ConetError('cancelled', `${method}: the connection ended`, { cause: reason })
      controller.abort(error)
    }
  }

  /** Runs the handler; never rejects. */
  async serve(request: ServedRequest, handler: RequestHandler): Promise<Outcome> {
    const { method, params, controller } = request
    try {
      return { result: await handler(method, params, { signal: controller.signal }) }
    } catch (error) {
      return { error: errorToWire(this.#expected(error, request)) }
    } finally {
      this.#requests.delete(String(request.id))
      if (this.#requests.size === 0) this.#options.onIdle()
    }
  }

  /** What may cross the wire of what a handler threw; the rest goes to `onBug` too. */
  #expected(error: unknown, { method, controller: { signal } }: ServedRequest): unknown {
    if (ConetError.is(error) || error instanceof UnknownMethodError) return error
    // Node's own functions end an aborted wait with an error of their own.
    if (signal.aborted && error instanceof Error && error.name === 'AbortError') return signal.reason
    this.#options.onBug(error, method)
    return error
  }
}
