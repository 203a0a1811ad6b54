// One connection of a host: which message is what, in which state it may come, and the way to the method that serves
// it. Everything that a mutation may do otherwise is asked of the behaviour.
import type { Socket } from 'node:net'
import { ConetError } from '@conet/sdk'
import {
  errorToWire,
  isJsonObject,
  type JsonObject,
  type MessageId,
  type ReplyError,
} from '@conet/sdk/jsonrpc'
import { PositionalParams, spokenVersions } from './behaviour.ts'
import { Call, type Outcome, type Request } from './call.ts'
import { isMessageId } from './envelope.ts'
import { methods, scopeOf, type ZooMethod } from './methods.ts'
import type { Scope } from './order.ts'
import { Patience } from './patience.ts'
import type { SyncRound } from './sync.ts'
import { FramingFault } from './wire.ts'
import type { ZooDriver } from './zoo-driver.ts'

export class Session {
  readonly driver: ZooDriver
  readonly socket: Socket
  readonly calls = new Map<MessageId, Call>()
  round: SyncRound | undefined
  isInitialized = false
  isAccepted = false
  hostTakesBytes = Number.POSITIVE_INFINITY
  /** Endpoints whose last create failed (CALL-6). */
  readonly failedCreates = new Set<string>()
  readonly #patience: Patience
  readonly #silence: NodeJS.Timeout

  constructor(driver: ZooDriver, socket: Socket) {
    this.driver = driver
    this.socket = socket
    const { behaviour } = driver
    const fault = (why: string) => behaviour.fault(this, new FramingFault(why))
    const reader = behaviour.reader()
    this.#patience = new Patience(reader, behaviour.patienceMs, fault)
    this.#silence = setTimeout(() => void socket.destroy(), behaviour.patienceMs.silence)
    socket.on('data', (chunk) => {
      this.#receiveAll(reader.read(chunk))
      this.#patience.watch()
    })
    socket.on('end', () => this.#receiveAll(reader.end()))
    socket.on('error', () => undefined)
    socket.on('close', () => this.#close())
  }

  notify(method: string, params: object): void {
    this.send({ jsonrpc: '2.0', method, params })
  }

  /** One answer; one that the host does not take becomes `messageTooLarge` (FRM-10). */
  reply(id: MessageId, outcome: Outcome): void {
    const message = { jsonrpc: '2.0', id, ...outcome }
    const bytes = Buffer.byteLength(JSON.stringify(message))
    if (bytes <= this.hostTakesBytes) {
      this.send(message)
      return
    }
    const why = `an answer of ${bytes} bytes is more than the host takes`
    this.send({
      jsonrpc: '2.0',
      id,
      error: errorToWire(new ConetError('messageTooLarge', why, { operationState: 'unknown' })),
    })
  }

  send(message: object): void {
    const { behaviour } = this.driver
    if (!this.socket.destroyed) behaviour.write(this.socket, behaviour.encode(message))
  }

  #receiveAll(messages: Iterable<JsonObject>): void {
    try {
      for (const message of messages) this.#receive(message)
    } catch (error) {
      if (!(error instanceof FramingFault)) throw error
      this.driver.behaviour.fault(this, error)
    }
  }

  #receive(message: JsonObject): void {
    if (this.socket.destroyed) return
    this.driver.behaviour.assertEnvelope(message)
    const { id, method, params } = message
    // Without a method it is a reply: nobody here waits for one.
    if (typeof method !== 'string') return
    if (id === undefined) this.driver.behaviour.hear(this, method, params)
    // The one answer that an id gets is that of the request under way.
    else if (isMessageId(id) && !this.calls.has(id)) void this.#serve({ id, method, params })
  }

  async #serve(request: Request): Promise<void> {
    const { behaviour } = this.driver
    const call = new Call(this, request)
    const outcome = await this.#outcomeOf(call)
    this.calls.delete(request.id)
    behaviour.answer(this, request, outcome)
  }

  async #outcomeOf(call: Call): Promise<Outcome> {
    const { request } = call
    const { behaviour } = this.driver
    try {
      behaviour.admit(request, this)
    } catch (error) {
      return { error: toWire(error) }
    }
    this.calls.set(request.id, call)
    const { method } = request
    if (method === 'initialize') return call.outcomeOf(async () => this.#initialize(request.params))
    if (!isOffered(method)) return call.outcomeOf(async () => behaviour.unknown(request))
    return call.outcomeOf(() => this.#run(method, call))
  }

  #initialize(params: unknown): object {
    const { driver } = this
    const { protocolVersions: offered, limits } = driver.behaviour.validate('initialize', params ?? {})
    const version = driver.behaviour.chooseVersion(offered)
    if (version === undefined) {
      const why = `the host offers ${offered.join(', ')}; the zoo speaks ${spokenVersions.join(', ')}`
      throw new ConetError('unsupportedProtocolVersion', `initialize: ${why}`, {
        details: { offered, spoken: spokenVersions },
      })
    }
    this.isInitialized = true
    this.hostTakesBytes = limits.maxMessageBytes
    clearTimeout(this.#silence)
    return driver.behaviour.introduce(driver, version)
  }

  async #run<M extends ZooMethod>(method: M, call: Call): Promise<object> {
    const { behaviour } = this.driver
    const { _meta, ...raw } = isJsonObject(call.request.params) ? call.request.params : {}
    const endpointId = String(raw.endpointId)
    try {
      call.meta = behaviour.meta(method, _meta)
      const params = behaviour.validate(method, raw)
      const scope = scopeOf(params)
      if (scope !== undefined) this.#name(scope)
      using _limit = behaviour.limit(call)
      const work = async () => {
        call.signal.throwIfAborted()
        return behaviour.methods[method](params, call)
      }
      const result = await (scope === undefined ? work() : behaviour.inTurn(this, scope, work))
      if (method === 'endpoint/create') this.failedCreates.delete(endpointId)
      return result
    } catch (error) {
      if (method === 'endpoint/create') this.failedCreates.add(endpointId)
      throw error
    }
  }

  /** What was asked for since a sync began is not unknown to the host. */
  #name({ networkId, endpointId }: Scope): void {
    this.round?.networkIds.add(networkId)
    if (endpointId !== undefined) this.round?.endpointIds.add(endpointId)
  }

  #close(): void {
    clearTimeout(this.#silence)
    this.#patience.stop()
    for (const call of this.calls.values()) call.giveUp('cancelled', 'the connection ended')
    this.driver.sessions.delete(this)
    this.driver.behaviour.closed(this)
  }
}

function isOffered(method: string): method is ZooMethod {
  return Object.hasOwn(methods, method)
}

function toWire(error: unknown): ReplyError {
  if (!(error instanceof PositionalParams)) return errorToWire(error)
  const { code, message } = error
  return { ...errorToWire(new ConetError('invalidArgument', message)), code }
}
