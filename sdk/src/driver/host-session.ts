// One connection of a host: handshake first, then calls. A connection ends without harm to the driver or to others.
import type { Socket } from 'node:net'
import { ConetError } from '../errors/index.ts'
import { defaultLimits, type JsonObject, JsonRpcPeer, UnknownMethodError } from '../jsonrpc/index.ts'
import {
  checkMeta,
  checkNotification,
  checkParams,
  type InitializeResult,
  negotiate,
  protocolVersions,
  type Result,
  requests,
  type SyncResult,
} from '../protocol/index.ts'
import type { CallRunner, Turn } from './call-runner.ts'
import type { Driver } from './driver.ts'
import { type DriverMethod, driverCalls, isDriverMethod, methodsOf } from './driver-calls.ts'
import { errorFields, type Log } from './driver-log.ts'
import { FailedCreates } from './failed-creates.ts'
import type { HostChannel } from './host-channel.ts'
import { passFailpoints } from './method-failpoints.ts'
import { SyncSession } from './sync-session.ts'

export type HostSessionOptions = {
  readonly runner: CallRunner
  readonly channel: HostChannel
  readonly log: Log
  /** New with each start of the driver. */
  readonly instanceId: string
}

export class HostSession {
  readonly peer: JsonRpcPeer
  readonly #options: HostSessionOptions
  readonly #failedCreates = new FailedCreates()
  readonly #sync: SyncSession
  readonly #methods: ReadonlySet<string>
  readonly #silence: NodeJS.Timeout
  #isInitialized = false

  constructor(socket: Socket, options: HostSessionOptions) {
    const { log, runner } = options
    this.#options = options
    this.#methods = new Set(methodsOf(runner.driver))
    this.#sync = new SyncSession(runner)
    this.peer = new JsonRpcPeer(socket, {
      onError: (error, method) => log.write('error', `${method}: a bug in the SDK`, errorFields(error)),
      onViolation: (violation) => log.write('warn', violation.message),
      closedKind: 'cancelled',
    })
    this.peer.onRequest((method, params, { signal }) => this.#answer(method, params ?? {}, signal))
    this.peer.onNotification((method, params) => this.#hear(method, params ?? {}))
    this.#silence = setTimeout(() => this.peer.abort(neverInitialized()), requests.initialize.timeoutMs)
    this.peer.onClose((reason) => this.#closed(reason))
  }

  /** Starts the work before it returns, so that calls keep the order in which they came. */
  #answer(method: string, raw: JsonObject, signal: AbortSignal): unknown {
    if (method === 'initialize') return passFailpoints(method, () => this.#initialize(raw))
    if (!this.#isInitialized) throw new ConetError('notInitialized', `${method}: came before initialize`)
    this.#options.channel.join(this.peer)
    const { _meta: rawMeta, ...params } = raw
    if (method === 'driver/ping') return passFailpoints(method, () => this.#ping(params, rawMeta))
    if (method === 'driver/sync')
      return passFailpoints(method, () => this.#serveSync(params, rawMeta, signal))
    if (isDriverMethod(method) && this.#methods.has(method))
      return this.#call(method, params, rawMeta, signal)
    throw new UnknownMethodError(`${method}: driver "${this.#driver.name}" has no such method`)
  }

  get #driver(): Driver {
    return this.#options.runner.driver
  }

  #initialize(raw: JsonObject): InitializeResult {
    if (this.#isInitialized) throw new ConetError('alreadyInitialized', 'initialize: came a second time')
    const { protocolVersions: offered, limits } = checkParams('initialize', raw)
    const negotiated = negotiate(offered)
    if (!negotiated.ok) {
      const details = { offered, spoken: protocolVersions }
      throw new ConetError('unsupportedProtocolVersion', `initialize: ${negotiated.reason}`, { details })
    }
    clearTimeout(this.#silence)
    this.#isInitialized = true
    this.peer.limitOutgoing(limits.maxMessageBytes)
    return introduction(this.#driver, negotiated.version, this.#options.instanceId)
  }

  #ping(params: JsonObject, rawMeta: unknown): object {
    checkMeta('driver/ping', rawMeta)
    checkParams('driver/ping', params)
    return {}
  }

  #serveSync(raw: JsonObject, rawMeta: unknown, signal: AbortSignal): Promise<SyncResult> {
    const meta = checkMeta('driver/sync', rawMeta)
    return this.#sync.serve(checkParams('driver/sync', raw), { meta, signal })
  }

  #call<M extends DriverMethod>(
    method: M,
    raw: JsonObject,
    rawMeta: unknown,
    signal: AbortSignal,
  ): Promise<Result<M>> {
    const hooks = this.#hooksOf(method, raw)
    const { meta, params } = checked(method, raw, rawMeta, hooks)
    const scope = driverCalls[method].scope(params)
    if (scope !== undefined) this.#sync.name(scope)
    return this.#options.runner.call(method, params, { meta, signal, ...hooks })
  }

  /** Ties a plug to the create that came before it. */
  #hooksOf(method: DriverMethod, { endpointId }: JsonObject): Hooks {
    const failedCreates = this.#failedCreates
    if (typeof endpointId !== 'string') return {}
    if (method === 'endpoint/create') return { ended: (failure) => failedCreates.record(endpointId, failure) }
    if (method === 'endpoint/plug') return { before: () => failedCreates.assertCreated(endpointId, method) }
    return {}
  }

  #hear(method: string, raw: JsonObject): void {
    const { log, channel, runner } = this.#options
    if (method === 'rejected') {
      const { name, message } = checkNotification(method, raw)
      log.write('error', `the host does not use driver "${this.#driver.name}": ${message}`, { reason: name })
    } else if (method === 'initialized' && this.#isInitialized) {
      channel.join(this.peer)
      // Logged where it failed; the calls to come try again and say it to the host.
      runner.start().catch(() => undefined)
    }
  }

  #closed(reason: unknown): void {
    clearTimeout(this.#silence)
    if (reason === undefined) return
    this.#options.log.write('warn', 'the connection of a host ended', errorFields(reason))
  }
}

type Hooks = Pick<Turn, 'before' | 'ended'>

function checked<M extends DriverMethod>(method: M, raw: JsonObject, rawMeta: unknown, hooks: Hooks) {
  try {
    return { meta: checkMeta(method, rawMeta), params: checkParams(method, raw) }
  } catch (error) {
    if (ConetError.is(error)) hooks.ended?.(error)
    throw error
  }
}

function introduction(driver: Driver, protocolVersion: string, instanceId: string): InitializeResult {
  const { name, vendor, version, scope, ipam, hotUpgrade, configSchema, attachmentSchema, policySchema } =
    driver
  return {
    protocolVersion,
    driver: { name, ...(vendor !== undefined && { vendor }), version, instanceId },
    capabilities: {
      methods: methodsOf(driver),
      scope: scope ?? 'local',
      ipam: ipam ?? 'host',
      hotUpgrade: hotUpgrade ?? false,
    },
    limits: { maxMessageBytes: defaultLimits.maxMessageBytes },
    ...(configSchema !== undefined && { configSchema }),
    ...(attachmentSchema !== undefined && { attachmentSchema }),
    ...(policySchema !== undefined && { policySchema }),
  }
}

function neverInitialized(): ConetError {
  const { timeoutMs } = requests.initialize
  return new ConetError('deadlineExceeded', `the host sent no initialize within ${timeoutMs} ms`)
}
