// The host's side of one driver socket, for as long as the socket stands: dials, shakes hands, lets the lifecycle
// say what should be, passes calls, and begins anew when the connection ends. States: session-state.ts.

import { addAbortListener, once } from 'node:events'
import type { Socket } from 'node:net'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConetError, type Params, type Result } from '@conet/sdk'
import { Backoff } from './backoff.ts'
import { connectSocket } from './connect-socket.ts'
import type { DiscoveredSocket } from './discovery.ts'
import { DriverConnection, type Role } from './driver-connection.ts'
import type { DriverDocuments } from './driver-documents.ts'
import type { CallMethod, CallOptions, DriverCalls, DriverLink } from './driver-link.ts'
import type { DriverIdentity, Introduction } from './handshake.ts'
import type { SessionOptions } from './session-options.ts'
import { SessionRecord } from './session-record.ts'
import { isConnected, nextState, type SessionState, type SessionStep, takesCalls } from './session-state.ts'

export class Session implements DriverCalls {
  readonly socket: DiscoveredSocket
  readonly record: SessionRecord
  readonly #options: SessionOptions
  readonly #backoff: Backoff
  readonly #ending = new AbortController()
  #reconsidering = new AbortController()
  #state: SessionState = 'dialing'
  #missedMs = 0
  #introduction: Introduction | undefined
  #connection: DriverConnection | undefined
  #link: DriverLink | undefined
  #dismiss: (refusal: ConetError) => void = () => undefined
  #running: Promise<void> | undefined

  constructor(options: SessionOptions) {
    const { firstBackoffMs, mostBackoffMs } = options.timing
    this.socket = options.socket
    this.#options = options
    this.#backoff = new Backoff({ firstMs: firstBackoffMs, mostMs: mostBackoffMs })
    this.record = new SessionRecord((kind, message) => options.sinks.violation(this.#title, kind, message))
  }

  get state(): SessionState {
    return this.#state
  }

  /** The driver that introduced itself last, connected or not. */
  get identity(): DriverIdentity | undefined {
    return this.#introduction?.driver
  }

  get driver(): DriverIdentity {
    return this.#introduced.driver
  }

  get documents(): DriverDocuments {
    return this.#introduced.documents
  }

  /** The accepted connection; undefined if there is none. */
  get link(): DriverLink | undefined {
    return this.#link
  }

  /** Begins to dial. Call it once. */
  start(): void {
    this.#running = this.#run().catch(this.#options.onError)
  }

  call<M extends CallMethod>(method: M, params: Params<M>, options: CallOptions): Promise<Result<M>> {
    if (this.#link === undefined || !takesCalls(this.#state)) return Promise.reject(this.unavailable(method))
    return this.#link.call(method, params, options)
  }

  /** What a rejected driver was rejected for may have changed: dials it again. */
  reconsider(): void {
    this.#reconsidering.abort()
  }

  /** The standby takes over. Throws if it has just hung up. */
  promote(): void {
    this.#connection?.tellRole('active')
    this.#step('promoted')
  }

  /** Another instance has taken over: no more calls, but the connection stays. Resolves when the driver is drained. */
  async relieve(operationId: string): Promise<void> {
    this.#step('relieved')
    try {
      const timeoutMs = this.#options.timing.drainTimeoutMs
      await this.#link?.call('driver/drain', {}, { operationId, timeoutMs })
    } catch (error) {
      // It keeps no one from anything: calls go elsewhere.
      this.#note(error)
    }
  }

  /** The instance that had taken over is lost: this one works again when it was told what should be. */
  async recall(): Promise<void> {
    const connection = this.#connection
    const link = this.#link
    if (connection === undefined || link === undefined) return
    this.#step('recalled')
    try {
      await this.#tellAll(link, connection)
    } catch (error) {
      connection.abort(error)
    }
  }

  /** The instance that has taken over works: this one is told so, and its connection ends. */
  dismiss(refusal: ConetError): void {
    this.#dismiss(refusal)
  }

  /** The socket is gone, or another one: cuts the connection. */
  async remove(): Promise<void> {
    this.#ending.abort(new ConetError('driverUnavailable', `${this.socket.path} is gone`))
    await this.#running
  }

  /** The host ends: calls under way may finish within `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    await this.#connection?.close(timeoutMs)
    await this.remove()
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending
    try {
      for (;;) {
        await this.#connect(signal)
        await this.#pause(signal)
      }
    } catch (error) {
      // Nothing but `remove` ends the loop.
      if (!signal.aborted) throw error
    } finally {
      this.#step('removed')
    }
  }

  /** One connection from its beginning to its end; throws only when the session ends. */
  async #connect(signal: AbortSignal): Promise<void> {
    const { socket, timing } = this.#options
    this.record.attempts += 1
    try {
      const stream = await connectSocket(socket.path, { timeoutMs: timing.connectTimeoutMs, signal })
      await this.#converse(stream, signal)
    } catch (error) {
      signal.throwIfAborted()
      this.#note(error)
      this.#step('lost')
    }
  }

  /** Returns if the driver was rejected; else throws why the connection ended. */
  async #converse(stream: Socket, signal: AbortSignal): Promise<void> {
    using connection = this.#open(stream)
    using _cut = addAbortListener(signal, () => connection.abort(signal.reason))
    try {
      this.#step('connected')
      const handshake = await connection.shakeHands(signal)
      const verdict = handshake.ok ? this.#admit(handshake.introduction) : handshake.error
      if (ConetError.is(verdict)) return await this.#reject(connection, verdict)
      if (handshake.ok) await this.#serve(connection, handshake.introduction, verdict)
    } finally {
      this.#link = undefined
      this.#connection = undefined
    }
  }

  #open(stream: Socket): DriverConnection {
    const connection = new DriverConnection(stream, {
      ...this.#options,
      record: this.record,
      onMissed: (error) => this.#miss(error),
      onAnswered: (sentMs) => this.#answered(sentMs),
    })
    this.#connection = connection
    this.record.forgetConnection()
    return connection
  }

  /** In one turn from the question whether the name is free to the state that takes it. */
  #admit(introduction: Introduction): Role | ConetError {
    this.#introduction = introduction
    const verdict = this.#options.admit(this, introduction.driver)
    if (verdict === 'active') this.#step('accepted')
    if (verdict === 'standby') this.#step('seconded')
    return verdict
  }

  async #reject(connection: DriverConnection, refusal: ConetError): Promise<void> {
    this.#note(refusal)
    this.#reconsidering = new AbortController()
    this.#step('refused')
    await connection.reject(refusal)
  }

  async #serve(connection: DriverConnection, introduction: Introduction, role: Role): Promise<void> {
    const dismissed = new Promise<ConetError>((resolve) => {
      this.#dismiss = resolve
    })
    const link = connection.accept(introduction, role)
    this.#link = link
    using _watch = connection.watch(link)
    const { ended } = connection
    const isReady =
      role === 'active' ? this.#tellAll(link, connection) : this.#options.succeed(this, link, ended.signal)
    await Promise.race([isReady, ended.promise])
    const readyAt = performance.now()
    const refusal = await Promise.race([ended.promise, dismissed]).finally(() => {
      if (performance.now() - readyAt >= this.#options.timing.stableMs) this.#backoff.reset()
    })
    await this.#reject(connection, refusal)
  }

  async #tellAll(link: DriverLink, { ended }: DriverConnection): Promise<void> {
    await this.#options.sync(link, { signal: ended.signal })
    ended.signal.throwIfAborted()
    this.#step('synced')
  }

  async #pause(signal: AbortSignal): Promise<void> {
    if (this.#state === 'rejected') {
      if (!this.#reconsidering.signal.aborted) await once(this.#reconsidering.signal, 'abort', { signal })
      this.#step('reconsidered')
    } else {
      const ms = this.#backoff.nextMs()
      this.record.nextRetry = new Date(Date.now() + ms)
      await sleep(ms, undefined, { signal })
      this.record.nextRetry = undefined
      this.#step('retry')
    }
  }

  #miss(error: ConetError): void {
    // The answer may be missed in the same moment as the connection ends.
    if (!isConnected(this.#state)) return
    this.#missedMs = performance.now()
    this.#note(error)
    this.#step('missed')
  }

  /** Only what was sent after the miss shows that the driver is back. */
  #answered(sentMs: number): void {
    if (this.#state === 'degraded' && sentMs > this.#missedMs) this.#step('answered')
  }

  #note(error: unknown): void {
    this.record.note(error)
    if (!ConetError.is(error)) this.#options.onError(error)
  }

  #step(step: SessionStep): void {
    const next = nextState(this.#state, step)
    if (next === this.#state) return
    this.#state = next
    this.record.since = new Date()
    this.#options.onChange(this)
  }

  get #title(): string {
    return this.identity?.name ?? basename(this.socket.path, '.sock')
  }

  get #introduced(): Introduction {
    if (this.#introduction === undefined) throw this.unavailable('driver')
    return this.#introduction
  }

  /** The error for who needs the driver while it takes no calls; `what` was to be done. */
  unavailable(what: string): ConetError {
    const name = this.identity?.name ?? this.socket.path
    const { lastError } = this.record
    const why = lastError === undefined ? '' : `: ${lastError.message}`
    return new ConetError('driverUnavailable', `driver "${name}": ${what}: it is ${this.#state}${why}`, {
      details: { driver: name, state: this.#state, lastError },
    })
  }
}
