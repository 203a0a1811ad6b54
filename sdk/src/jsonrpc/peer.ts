// One side of a JSON-RPC 2.0 connection over a stream socket: calls, notifications and cancellation both ways, each
// with its bounds. Host and driver use the same class. It knows no networks and no table of methods.
import type { Socket } from 'node:net'
import { ConetError, type ErrorKind } from '../errors/index.ts'
import { type CloseListener, CloseListeners } from './close-listeners.ts'
import {
  answerUnsendable,
  backlogFull,
  closeTookTooLong,
  connectionLost,
  endedBeforeAnswer,
  notConnected,
} from './connection-errors.ts'
import { cancelMethod, Dispatcher, type NotificationHandler } from './dispatcher.ts'
import type { MessageId, Outcome } from './envelope.ts'
import type { JsonObject } from './framing.ts'
import type { JsonText } from './json-text.ts'
import { defaultLimits } from './limits.ts'
import { Pace } from './pace.ts'
import type { CloseOptions, PeerOptions } from './peer-options.ts'
import { type CallOptions, cancelled, PendingCalls } from './pending-calls.ts'
import { ReadGate } from './read-gate.ts'
import { type RequestHandler, ServedRequests } from './served-requests.ts'
import { SocketReader } from './socket-reader.ts'
import { SocketWriter } from './socket-writer.ts'
import { errorToWire, UnknownMethodError } from './wire-error.ts'

/**
 * One side of a JSON-RPC 2.0 connection over a stream socket, which it owns from now on. Nothing that the other side
 * sends makes it throw: a violation of the protocol closes the connection, and `onClose` hears the reason.
 */
export class JsonRpcPeer implements AsyncDisposable {
  readonly #socket: Socket
  readonly #options: PeerOptions
  readonly #closedKind: ErrorKind
  readonly #reader: SocketReader
  readonly #writer: SocketWriter
  readonly #dispatcher: Dispatcher
  readonly #pending = new PendingCalls((id) => this.#forget(id))
  readonly #served: ServedRequests
  readonly #pace: Pace | undefined
  readonly #closeListeners: CloseListeners
  readonly #socketClosed: Promise<void>
  #onRequest: RequestHandler | undefined
  #state: 'open' | 'closing' | 'closed' = 'open'
  #closeTimer: NodeJS.Timeout | undefined

  /** Takes over the socket. Register the handlers in the same turn: what comes before them finds none. */
  constructor(socket: Socket, options: PeerOptions) {
    const limits = { ...defaultLimits, ...options.limits }
    this.#socket = socket
    this.#options = options
    this.#closeListeners = new CloseListeners((error) => options.onError(error, 'onClose'))
    this.#closedKind = options.closedKind ?? 'driverUnavailable'
    this.#pace = options.pace && new Pace(options.pace)
    const gate = new ReadGate(socket)
    this.#writer = new SocketWriter(socket, { limits, gate, onSlowConsumer: (reason) => this.abort(reason) })
    this.#served = new ServedRequests({
      maxInFlight: limits.maxInFlight,
      urgentMethods: options.urgentMethods ?? [],
      reply: ({ id }, outcome) => this.#sendReply(id, outcome),
      onBug: options.onError,
      onIdle: () => this.#endWhenQuiet(),
    })
    this.#dispatcher = this.#createDispatcher()
    this.#reader = new SocketReader(socket, {
      limits,
      gate,
      parse: options.parse,
      onMessage: (message, length) => {
        if (!this.#dispatcher.receive(message)) this.#keepPace(length)
      },
      onEnd: () => this.#finish(undefined),
      onFailure: (reason) => this.#finish(reason),
    })
    this.#socketClosed = this.#watchSocket()
  }

  /** How many times the other side broke a rule without harm to the connection. */
  get violations(): number {
    return this.#dispatcher.violations
  }

  /** How many answers came to calls that had been given up. */
  get lateReplies(): number {
    return this.#dispatcher.lateReplies
  }

  /** Whether new requests are taken and sent. */
  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** The other side told how large a message it takes. */
  limitOutgoing(maxMessageBytes: number): void {
    this.#writer.maxMessageBytes = maxMessageBytes
  }

  /**
   * Calls a method of the other side and resolves to its result, unchecked. Rejects with a ConetError: what the other
   * side answered, `deadlineExceeded`, `cancelled`, `messageTooLarge` or `overloaded` (nothing was sent), or
   * `closedKind`. A call that is given up is cancelled on the other side too.
   */
  request(method: string, params: JsonObject | JsonText | undefined, options: CallOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#assertMayCall(method, options.signal)
      const id = this.#pending.nextId()
      this.#writer.send({ jsonrpc: '2.0', id, method, params })
      this.#pending.add(id, method, options, { resolve, reject })
      options.onSent?.((timeoutMs) => this.#pending.extend(id, timeoutMs))
    })
  }

  /** Sends a message that has no answer, and does not wait. Throws what keeps it from being sent: see `request`. */
  notify(method: string, params?: JsonObject): void {
    if (!this.#canWrite) throw notConnected(this.#closedKind, method, this.#closeListeners.reason)
    this.#assertNoBacklog(method)
    this.#writer.send({ jsonrpc: '2.0', method, params })
  }

  /** Sets the one handler of requests. They start in the order in which they came and run side by side. */
  onRequest(handler: RequestHandler): void {
    if (this.#onRequest !== undefined) throw new Error('the peer has a request handler already')
    this.#onRequest = handler
  }

  /** Sets the one handler of notifications. */
  onNotification(handler: NotificationHandler): void {
    if (this.#dispatcher.onNotification !== undefined) {
      throw new Error('the peer has a notification handler already')
    }
    this.#dispatcher.onNotification = handler
  }

  /** Adds a listener for the end of the connection; called at once if it has ended. */
  onClose(listener: CloseListener): void {
    this.#closeListeners.add(listener)
  }

  /** Takes no new requests, lets those under way end, both ways, then ends the connection. May be repeated. */
  close({ timeoutMs = 5_000 }: CloseOptions = {}): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closing'
      this.#closeTimer = setTimeout(() => {
        this.abort(closeTookTooLong(this.#served.size + this.#pending.size, timeoutMs))
      }, timeoutMs)
      this.#endWhenQuiet()
    }
    return this.#socketClosed
  }

  /** Cuts the connection: calls under way fail, the signals of running handlers abort. May be repeated. */
  abort(reason: unknown): void {
    this.#finish(reason)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #canWrite(): boolean {
    return this.#state !== 'closed' && this.#socket.writable
  }

  /** Who sends without end must not take the time of those who wait for an answer. */
  #keepPace(length: number): void {
    const restMs = this.#pace?.restAfter(length) ?? 0
    if (restMs > 0) this.#reader.rest(restMs)
  }

  #createDispatcher(): Dispatcher {
    return new Dispatcher({
      served: this.#served,
      pending: this.#pending,
      reservedMethods: this.#options.reservedMethods ?? [],
      isOpen: () => this.#state === 'open',
      isOverloaded: () => this.#writer.isOverloaded,
      serve: (request) => this.#served.serve(request, this.#onRequest ?? knowsNoMethod),
      refuse: (id, error) => this.#sendReply(id, { error }),
      onSettled: () => this.#endWhenQuiet(),
      onError: this.#options.onError,
      onViolation: (violation, kind) => this.#options.onViolation?.(violation, kind),
    })
  }

  #watchSocket(): Promise<void> {
    const socket = this.#socket
    const closed = new Promise<void>((resolve) => {
      if (socket.closed) resolve()
      else socket.once('close', () => resolve())
    })
    socket.on('error', (cause) => this.#finish(connectionLost(this.#closedKind, cause)))
    socket.on('close', () => this.#finish(undefined))
    if (socket.destroyed) this.#finish(undefined)
    return closed
  }

  #assertMayCall(method: string, signal: AbortSignal | undefined): void {
    if (signal?.aborted) throw cancelled(method, signal, { operationState: 'not-started' })
    if (this.#state !== 'open' || !this.#canWrite)
      throw notConnected(this.#closedKind, method, this.#closeListeners.reason)
    this.#assertNoBacklog(method)
  }

  #assertNoBacklog(method: string): void {
    if (this.#writer.isOverloaded) throw backlogFull(method)
  }

  /** Each request gets a reply, whatever its result: one that cannot be sent is replaced by the reason. */
  #sendReply(id: MessageId, outcome: Outcome): void {
    if (!this.#canWrite) return
    try {
      // Requests that came together are answered within a turn or two: their replies travel together, too.
      this.#writer.send({ jsonrpc: '2.0', id, ...outcome }, { forTurn: this.#served.size > 0 })
    } catch (error) {
      if (!ConetError.is(error)) this.#options.onError(error, `reply to ${id}`)
      this.#writer.send({ jsonrpc: '2.0', id, error: errorToWire(answerUnsendable(error)) })
    }
  }

  /** A call was given up: the other side is told, and its answer will find nobody. */
  #forget(id: MessageId): void {
    if (this.#canWrite) this.#writer.send({ jsonrpc: '2.0', method: cancelMethod, params: { id } })
    this.#endWhenQuiet()
  }

  #endWhenQuiet(): void {
    if (!this.#isQuiet) return
    // What is left to be said is said in this turn: a request of ours that others wait for.
    setImmediate(() => {
      if (this.#isQuiet) this.#writer.end()
    })
  }

  get #isQuiet(): boolean {
    return this.#state === 'closing' && this.#served.size === 0 && this.#pending.size === 0
  }

  #finish(reason: unknown): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#closeListeners.end(reason)
    clearTimeout(this.#closeTimer)
    this.#reader.close()
    this.#writer.close()
    this.#socket.destroy()
    this.#pending.failAll((method) => endedBeforeAnswer(this.#closedKind, method, reason))
    this.#served.cancelAll(reason)
    this.#closeListeners.tellAll()
  }
}

function knowsNoMethod(method: string): never {
  throw new UnknownMethodError(`${method}: no such method`)
}
