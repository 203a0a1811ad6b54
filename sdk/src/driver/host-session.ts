// One connection of a host: handshake first, then calls. A connection ends without harm to the driver or to others.
import type { Socket } from 'node:net'
import type { Cancellation } from '../cancellation.ts'
import { ConetError, type ErrorKind } from '../errors/index.ts'
import { type JsonObject, JsonRpcPeer, UnknownMethodError } from '../jsonrpc/index.ts'
import {
  checkMeta,
  checkNotification,
  checkParams,
  type InitializedParams,
  type InitializeResult,
  negotiate,
  protocolVersions,
  type RejectedParams,
  type RequestMethod,
  type Result,
  requests,
  type Timeouts,
} from '../protocol/index.ts'
import type { CallRunner } from './call-runner.ts'
import type { RequestContext } from './calls-under-way.ts'
import type { Driver } from './driver.ts'
import { type DriverMethod, driverCalls, isDriverMethod, methodsOf } from './driver-calls.ts'
import { errorFields, type Log } from './driver-log.ts'
import { FailedCreates } from './failed-creates.ts'
import { type HostChannel, notifyIfPossible } from './host-channel.ts'
import { introduction, maxInFlightOf } from './introduction.ts'
import { passFailpoints } from './method-failpoints.ts'
import { SyncSession } from './sync-session.ts'
import type { TurnHooks } from './turn.ts'

const replaced: ErrorKind = 'replaced'

export type HostSessionOptions = {
  readonly runner: CallRunner
  readonly channel: HostChannel
  readonly log: Log
  /** New with each start of the driver. */
  readonly instanceId: string
  /** Another instance has taken over for good. */
  onReplaced(): void
}

/** A request as it came, for one of the methods that the driver offers. */
type Request = {
  readonly params: JsonObject
  readonly meta: unknown
  readonly cancellation: Cancellation
}

export class HostSession {
  readonly peer: JsonRpcPeer
  readonly #options: HostSessionOptions
  readonly #failedCreates = new FailedCreates()
  readonly #sync: SyncSession
  readonly #methods: ReadonlySet<string>
  readonly #silence: NodeJS.Timeout
  /** An `initialize` has come, answered well or badly: what is not wanted here may be rejected for either. */
  #isIntroduced = false
  #isInitialized = false
  #timeouts: Timeouts | undefined

  constructor(socket: Socket, options: HostSessionOptions) {
    const { log, runner } = options
    this.#options = options
    this.#methods = new Set(methodsOf(runner.driver))
    this.#sync = new SyncSession(runner)
    this.peer = new JsonRpcPeer(socket, {
      onError: (error, method) => log.write('error', `${method}: a bug in the SDK`, errorFields(error)),
      onViolation: (violation) => log.write('warn', violation.message),
      closedKind: 'cancelled',
      urgentMethods: ['driver/ping'],
      limits: { maxInFlight: maxInFlightOf(runner.driver) },
      parse: (text) => runner.pages.parse(text),
    })
    this.peer.onRequest((method, params, { cancellation }) =>
      this.#answer(method, params ?? {}, cancellation),
    )
    this.peer.onNotification((method, params) => this.#hear(method, params ?? {}))
    this.#silence = setTimeout(() => this.peer.abort(neverInitialized()), requests.initialize.timeoutMs)
    this.peer.onClose((reason) => this.#closed(reason))
  }

  /** Starts the work before it returns, so that calls keep the order in which they came. */
  #answer(method: string, raw: JsonObject, cancellation: Cancellation): unknown {
    if (method === 'initialize') return passFailpoints(method, () => this.#initialize(raw))
    if (!this.#isInitialized) throw new ConetError('notInitialized', `${method}: came before initialize`)
    this.#options.channel.join(this.peer)
    const { _meta: meta, ...params } = raw
    const request = { params, meta, cancellation }
    if (isDriverMethod(method) && this.#methods.has(method)) return this.#call(method, request)
    const own = this.#methods.has(method) ? this.#ownMethod(method) : undefined
    if (own !== undefined) return passFailpoints(own.name, () => own.serve(request))
    throw new UnknownMethodError(`${method}: driver "${this.#driver.name}" has no such method`)
  }

  /** What the SDK answers itself. */
  #ownMethod(method: string): OwnMethod | undefined {
    if (method === 'driver/ping') return { name: method, serve: (request) => this.#ping(request) }
    if (method === 'driver/sync') return { name: method, serve: (request) => this.#serveSync(request) }
    if (method === 'driver/drain') return { name: method, serve: (request) => this.#drain(request) }
    return undefined
  }

  get #driver(): Driver {
    return this.#options.runner.driver
  }

  #initialize(raw: JsonObject): InitializeResult {
    this.#isIntroduced = true
    if (this.#isInitialized) throw new ConetError('alreadyInitialized', 'initialize: came a second time')
    const params = checkParams('initialize', raw)
    const { protocolVersions: offered, limits, timeouts } = params
    const negotiated = negotiate(offered)
    if (!negotiated.ok) {
      const details = { offered, spoken: protocolVersions }
      throw new ConetError('unsupportedProtocolVersion', `initialize: ${negotiated.reason}`, { details })
    }
    clearTimeout(this.#silence)
    this.#isInitialized = true
    this.#timeouts = timeouts
    this.#options.channel.meet(params)
    this.peer.limitOutgoing(limits.maxMessageBytes)
    const { instanceId } = this.#options
    return introduction(this.#driver, { protocolVersion: negotiated.version, instanceId })
  }

  #ping({ params, meta }: Request): object {
    checkMeta('driver/ping', meta)
    checkParams('driver/ping', params)
    return {}
  }

  #serveSync(request: Request): Promise<object> {
    const context = this.#contextOf('driver/sync', request)
    const params = this.#options.runner.pages.check(request.params)
    this.#options.runner.endDrain()
    this.#failedCreates.clear()
    return this.#sync.serve(params, context)
  }

  #drain(request: Request): Promise<object> {
    const context = this.#contextOf('driver/drain', request)
    checkParams('driver/drain', request.params)
    return this.#options.runner.drain(context)
  }

  #call<M extends DriverMethod>(method: M, request: Request): Promise<Result<M>> {
    const hooks = this.#hooksOf(method, request.params)
    const { context, params } = this.#checked(method, request, hooks)
    const scope = driverCalls[method].scope(params)
    if (scope !== undefined) this.#sync.name(scope)
    return this.#options.runner.call(method, params, context, hooks)
  }

  #checked<M extends DriverMethod>(method: M, request: Request, hooks: TurnHooks) {
    try {
      return { context: this.#contextOf(method, request), params: checkParams(method, request.params) }
    } catch (error) {
      if (ConetError.is(error)) hooks.ended?.(error)
      throw error
    }
  }

  #contextOf(method: RequestMethod, { meta, cancellation }: Request): RequestContext {
    return {
      meta: checkMeta(method, meta),
      cancellation,
      timeouts: this.#timeouts,
      sendProgress: (progress) => notifyIfPossible(this.peer, '$/progress', progress),
    }
  }

  /** Ties a plug to the create that came before it. */
  #hooksOf(method: DriverMethod, { endpointId }: JsonObject): TurnHooks {
    const failedCreates = this.#failedCreates
    if (typeof endpointId !== 'string') return {}
    if (method === 'endpoint/create') return { ended: (failure) => failedCreates.record(endpointId, failure) }
    if (method === 'endpoint/plug') return { before: () => failedCreates.assertCreated(endpointId, method) }
    return {}
  }

  #hear(method: string, raw: JsonObject): void {
    if (method === 'rejected' && this.#isIntroduced) this.#rejected(checkNotification(method, raw))
    else if (method === 'initialized' && this.#isInitialized) this.#accepted(checkNotification(method, raw))
  }

  #accepted({ role = 'active' }: InitializedParams): void {
    const { channel, runner } = this.#options
    channel.role = role
    channel.join(this.peer)
    // Logged where it failed; the calls to come try again and say it to the host.
    runner.start().catch(() => undefined)
  }

  #rejected({ name, message }: RejectedParams): void {
    const { log, onReplaced } = this.#options
    const driver = `driver "${this.#driver.name}"`
    if (name === replaced) {
      log.write('info', `the host uses another instance of ${driver} from now on: ${message}`)
      onReplaced()
    } else {
      log.write('error', `the host does not use ${driver}: ${message}`, { reason: name })
    }
  }

  #closed(reason: unknown): void {
    clearTimeout(this.#silence)
    if (reason === undefined) return
    this.#options.log.write('warn', 'the connection of a host ended', errorFields(reason))
  }
}

type OwnMethod = { readonly name: RequestMethod; serve(request: Request): object }

function neverInitialized(): ConetError {
  const { timeoutMs } = requests.initialize
  return new ConetError('deadlineExceeded', `the host sent no initialize within ${timeoutMs} ms`)
}
