// One accepted connection to a driver: typed calls over the peer. It lives as long as the connection; what happens
// after it is for the session to say.
import {
  type CallMeta,
  ConetError,
  checkResult,
  onAbort,
  type Params,
  type RequestMethod,
  type Result,
  requests,
} from '@conet/sdk'
import { type JsonRpcPeer, JsonText } from '@conet/sdk/jsonrpc'
import { faultOfCode, isTrouble, namingCall, wasMissed } from './call-failure.ts'
import type { CallLedger } from './call-ledger.ts'
import { CallLine } from './call-line.ts'
import type { DriverDocuments } from './driver-documents.ts'
import type { DriverIdentity, Introduction } from './handshake.ts'
import type { ProgressBook } from './progress-book.ts'
import type { SyncAnswers } from './sync-answers.ts'
import type { Violations } from './violations.ts'

/** `initialize` is the session's own. */
export type CallMethod = Exclude<RequestMethod, 'initialize'>

/** W3C trace context, as the client sent it. */
export type Trace = { readonly traceparent: string; readonly tracestate?: string }

export type CallOptions = {
  /** The same over all attempts at one operation. */
  readonly operationId: string
  /** Default 1. */
  readonly attempt?: number
  /** Default: what the host allows for such calls. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  readonly trace?: Trace
}

/** What can be asked of a driver: by its name, or on one connection of it during the sync. */
export type DriverCalls = {
  readonly driver: DriverIdentity
  readonly documents: DriverDocuments
  /**
   * Calls are sent in the order in which they are made; the request is on its way when this returns, unless calls of
   * this driver have to wait now: then they go in this order later, with what is left of their time. Rejects with a
   * ConetError: the driver's own, or `deadlineExceeded`, `cancelled`, `driverUnavailable`, `protocolViolation`,
   * `messageTooLarge`, `overloaded`, `unsupported`.
   */
  call<M extends CallMethod>(method: M, params: Params<M>, options: CallOptions): Promise<Result<M>>
}

/** What can be asked of a driver on one connection, before others may ask. */
export type SyncCalls = DriverCalls & {
  /** One page of `driver/sync`, as JSON. Rejects as `call` does. */
  sync(page: JsonText, options: CallOptions): Promise<Result<'driver/sync'>>
}

/** What ends something does not wait behind what makes something: it is what frees the driver. Nor does what is about it. */
const urgentMethods: ReadonlySet<CallMethod> = new Set([
  'endpoint/unplug',
  'endpoint/delete',
  'network/delete',
  'driver/probe',
  'driver/drain',
])

export type DriverLinkOptions = {
  /** For calls on networks and endpoints that name no time of their own. */
  readonly callTimeoutMs: number
  readonly ledger: CallLedger
  readonly progress: ProgressBook
  readonly violations: Violations
  readonly syncAnswers: SyncAnswers
  /** Told of each call that was not answered within its time. */
  onMissed(error: ConetError): void
  /** Told of each call that was answered with a result, and when it was sent (`performance.now()`). */
  onAnswered(sentMs: number): void
  /** Told of failures that may lie with what the driver depends on. */
  onTrouble(): void
}

type Budget = CallOptions & { readonly timeoutMs: number }

/** JSON that was made before is sent as it is. */
type Content<M extends CallMethod> = Params<M> | JsonText

export class DriverLink implements SyncCalls {
  readonly driver: DriverIdentity
  readonly documents: DriverDocuments
  readonly #peer: JsonRpcPeer
  readonly #methods: ReadonlySet<string>
  readonly #options: DriverLinkOptions
  readonly #line: CallLine
  readonly #idleListeners: (() => void)[] = []
  /** Calls on networks and endpoints that have not ended, those that wait in line among them. */
  #underWay = 0

  constructor(peer: JsonRpcPeer, { driver, documents }: Introduction, options: DriverLinkOptions) {
    this.#peer = peer
    this.driver = driver
    this.documents = documents
    this.#methods = new Set(driver.capabilities.methods)
    this.#options = options
    this.#line = new CallLine(driver.limits.maxInFlight)
  }

  offers(method: CallMethod): boolean {
    return this.#methods.has(method)
  }

  call<M extends CallMethod>(method: M, params: Params<M>, options: CallOptions): Promise<Result<M>> {
    return this.#ask(method, params, options)
  }

  sync(page: JsonText, options: CallOptions): Promise<Result<'driver/sync'>> {
    return this.#ask('driver/sync', page, options)
  }

  async #ask<M extends CallMethod>(method: M, params: Content<M>, options: CallOptions): Promise<Result<M>> {
    if (!this.offers(method)) throw this.#unsupported(method)
    const budget = { ...options, timeoutMs: options.timeoutMs ?? this.#timeoutOf(method) }
    const isCounted = method !== 'driver/ping' && !isAboutDriver(method)
    if (isCounted) this.#underWay += 1
    try {
      if (method === 'driver/ping') return await this.#send(method, params, budget)
      return await this.#inLine(method, params, budget)
    } catch (error) {
      throw this.#explain(error, params)
    } finally {
      if (isCounted) this.#ended()
    }
  }

  /** Resolves when no call on a network or endpoint is under way. Rejects with the signal's reason. */
  idle(signal: AbortSignal): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const listener = onAbort(signal, () => reject(signal.reason))
      this.#idleListeners.push(() => {
        listener[Symbol.dispose]()
        resolve()
      })
    })
  }

  /** One call on a network or endpoint less. */
  #ended(): void {
    this.#underWay -= 1
    if (this.#underWay === 0) for (const resolve of this.#idleListeners.splice(0)) resolve()
  }

  async #inLine<M extends CallMethod>(method: M, params: Content<M>, budget: Budget): Promise<Result<M>> {
    const { timeoutMs, signal } = budget
    const turn = this.#line.enter({ what: method, timeoutMs, signal, isUrgent: urgentMethods.has(method) })
    const left = turn === undefined ? budget : { ...budget, timeoutMs: await turn }
    try {
      return await this.#send(method, params, left)
    } finally {
      this.#line.leave()
    }
  }

  async #send<M extends CallMethod>(method: M, params: Content<M>, budget: Budget): Promise<Result<M>> {
    const { ledger, progress, onAnswered } = this.#options
    const { signal } = budget
    const timeoutMs = Math.max(1, Math.ceil(budget.timeoutMs))
    const entry = ledger.begin(method, budget)
    const open = method === 'driver/ping' ? undefined : progress.open(entry, timeoutMs)
    let isFailure = true
    try {
      const meta = metaOf(budget, timeoutMs, open?.token)
      const content = params instanceof JsonText ? params.with('_meta', meta) : { ...params, _meta: meta }
      const answer = await this.#peer.request(method, content, { timeoutMs, signal, onSent: open?.onSent })
      const result = this.#checked(method, answer)
      isFailure = false
      onAnswered(entry.startedMs)
      return result
    } finally {
      ledger.end(entry, { isFailure })
      open?.[Symbol.dispose]()
    }
  }

  #checked<M extends CallMethod>(method: M, answer: unknown): Result<M> {
    const { syncAnswers } = this.#options
    if (syncAnswers.isChecked(method, answer)) return answer
    try {
      const result = checkResult(method, answer)
      if (method === 'driver/sync') syncAnswers.remember(result)
      return result
    } catch (error) {
      if (ConetError.is(error)) this.#options.violations.add('bad-answer', error.message)
      throw error
    }
  }

  /** A sync is about everything the driver has, a ping about nothing: these have times of their own. */
  #timeoutOf(method: CallMethod): number {
    return method.startsWith('driver/') ? requests[method].timeoutMs : this.#options.callTimeoutMs
  }

  #explain(error: unknown, params: object): unknown {
    if (!ConetError.is(error)) return error
    const { violations, onTrouble, onMissed } = this.#options
    const fault = faultOfCode(error)
    if (fault !== undefined) violations.add('bad-answer', fault)
    if (isTrouble(error)) onTrouble()
    const explained = namingCall(error, this.driver.name, params)
    if (wasMissed(error)) onMissed(explained)
    return explained
  }

  #unsupported(method: string): ConetError {
    return new ConetError('unsupported', `driver "${this.driver.name}" does not offer ${method}`)
  }
}

/** Such calls hold up no handover. */
function isAboutDriver(method: CallMethod): boolean {
  return method === 'driver/probe' || method === 'driver/drain'
}

function metaOf(
  { operationId, attempt = 1, trace }: CallOptions,
  timeoutMs: number,
  progressToken: string | undefined,
): CallMeta {
  const meta: CallMeta = { operationId, attempt, timeoutMs }
  if (progressToken !== undefined) meta.progressToken = progressToken
  if (trace === undefined) return meta
  meta.traceparent = trace.traceparent
  if (trace.tracestate !== undefined) meta.tracestate = trace.tracestate
  return meta
}
