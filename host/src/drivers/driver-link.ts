// One accepted connection to a driver: typed calls over the peer. It lives as long as the connection; what happens
// after it is for the session to say.
import {
  type CallMeta,
  ConetError,
  checkResult,
  type ErrorKind,
  type Params,
  type RequestMethod,
  type Result,
  requests,
} from '@conet/sdk'
import type { JsonRpcPeer } from '@conet/sdk/jsonrpc'
import type { DriverDocuments } from './driver-documents.ts'
import type { DriverIdentity, Introduction } from './handshake.ts'

/** `initialize` is the session's own. */
export type CallMethod = Exclude<RequestMethod, 'initialize'>

export type CallOptions = {
  /** The same over all attempts at one operation. */
  readonly operationId: string
  /** Default 1. */
  readonly attempt?: number
  /** Default: what the host allows for such calls. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  readonly traceparent?: string
}

/** What can be asked of a driver: a session, or one connection of it during the sync. */
export type DriverCalls = {
  readonly driver: DriverIdentity
  readonly documents: DriverDocuments
  /**
   * Calls are sent in the order in which they are made; the request is on its way when this returns. Rejects with a
   * ConetError: the driver's own, or `deadlineExceeded`, `cancelled`, `driverUnavailable`, `protocolViolation`,
   * `messageTooLarge`, `overloaded`, `unsupported`.
   */
  call<M extends CallMethod>(method: M, params: Params<M>, options: CallOptions): Promise<Result<M>>
}

/** Failures whose message does not tell which driver failed. */
const anonymousKinds: ReadonlySet<ErrorKind> = new Set([
  'deadlineExceeded',
  'driverUnavailable',
  'protocolViolation',
  'messageTooLarge',
  'overloaded',
  'internal',
])

export type DriverLinkOptions = {
  /** For calls on networks and endpoints that name no time of their own. */
  readonly callTimeoutMs: number
  /** Told of each call that was not answered within its time. */
  onMissed(error: ConetError): void
}

export class DriverLink implements DriverCalls {
  readonly driver: DriverIdentity
  readonly documents: DriverDocuments
  readonly #peer: JsonRpcPeer
  readonly #methods: ReadonlySet<string>
  readonly #options: DriverLinkOptions

  constructor(peer: JsonRpcPeer, { driver, documents }: Introduction, options: DriverLinkOptions) {
    this.#peer = peer
    this.driver = driver
    this.documents = documents
    this.#methods = new Set(driver.capabilities.methods)
    this.#options = options
  }

  async call<M extends CallMethod>(method: M, params: Params<M>, options: CallOptions): Promise<Result<M>> {
    if (!this.#methods.has(method)) throw this.#unsupported(method)
    const { signal } = options
    const timeoutMs = Math.max(1, Math.ceil(options.timeoutMs ?? this.#timeoutOf(method)))
    const meta: CallMeta = { operationId: options.operationId, attempt: options.attempt ?? 1, timeoutMs }
    if (options.traceparent !== undefined) meta.traceparent = options.traceparent
    try {
      const answer = await this.#peer.request(method, { ...params, _meta: meta }, { timeoutMs, signal })
      return checkResult(method, answer)
    } catch (error) {
      throw this.#explain(error)
    }
  }

  /** A sync is about everything the driver has, a ping about nothing: these have times of their own. */
  #timeoutOf(method: CallMethod): number {
    return method.startsWith('driver/') ? requests[method].timeoutMs : this.#options.callTimeoutMs
  }

  #explain(error: unknown): unknown {
    if (!ConetError.is(error) || !anonymousKinds.has(error.kind)) return error
    const { kind, message, fields, details, operationState, help } = error
    const explained = new ConetError(kind, `driver "${this.driver.name}": ${message}`, {
      cause: error,
      fields: [...fields],
      details: { ...details, driver: this.driver.name },
      operationState,
      ...(help !== undefined && { help }),
    })
    if (kind === 'deadlineExceeded') this.#options.onMissed(explained)
    return explained
  }

  #unsupported(method: string): ConetError {
    return new ConetError('unsupported', `driver "${this.driver.name}" does not offer ${method}`)
  }
}
