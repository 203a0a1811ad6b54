// The host's side of one driver socket, for as long as the socket stands: dials, shakes hands, lets the lifecycle
// say what should be, passes calls, and begins anew when the connection ends. States: session-state.ts.

import { addAbortListener } from 'node:events'
import type { Socket } from 'node:net'
import { basename } from 'node:path'
import { ConetError, type Params, type Result } from '@conet/sdk'
import { DialLoop } from './dial-loop.ts'
import type { DiscoveredSocket } from './discovery.ts'
import { unavailable } from './driver-absence.ts'
import { DriverConnection, type Role } from './driver-connection.ts'
import type { DriverDocuments } from './driver-documents.ts'
import type { CallMethod, CallOptions, DriverCalls, DriverLink } from './driver-link.ts'
import type { DriverIdentity, Introduction } from './handshake.ts'
import { namedAfter } from './named-after.ts'
import { Redial } from './redial.ts'
import type { SessionOptions } from './session-options.ts'
import { SessionProgress } from './session-progress.ts'
import { SessionRecord } from './session-record.ts'
import { isConnected, type SessionState, takesCalls } from './session-state.ts'

export class Session implements DriverCalls {
  readonly socket: DiscoveredSocket
  readonly record: SessionRecord
  readonly #options: SessionOptions
  readonly #progress: SessionProgress
  readonly #redial: Redial
  readonly #loop: DialLoop
  #introduction: Introduction | undefined
  #connection: DriverConnection | undefined
  #link: DriverLink | undefined
  #dismiss: (refusal: ConetError) => void = () => undefined

  constructor(options: SessionOptions) {
    this.socket = options.socket
    this.#options = options
    this.#progress = new SessionProgress(() => options.onChange(this))
    this.#redial = new Redial(options.timing)
    this.record = new SessionRecord((kind, message) => options.sinks.violation(this.#title, kind, message))
    this.#loop = this.#buildLoop()
  }

  get state(): SessionState {
    return this.#progress.state
  }

  get since(): Date {
    return this.#progress.since
  }

  /** When the socket is dialled again; undefined if that is not planned. */
  get nextRetry(): Date | undefined {
    return this.#redial.nextRetry
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
    this.#loop.start()
  }

  call<M extends CallMethod>(method: M, params: Params<M>, options: CallOptions): Promise<Result<M>> {
    if (this.#link === undefined || !takesCalls(this.state)) return Promise.reject(this.unavailable(method))
    return this.#link.call(method, params, options)
  }

  /** What a rejected driver was rejected for may have changed: dials it again. */
  reconsider(): void {
    this.#redial.reconsider()
  }

  /** The standby takes over. Throws if it has just hung up. */
  promote(): void {
    this.#connection?.tellRole('active')
    this.#progress.step('promoted')
  }

  /** Another instance has taken over: no more calls, but the connection stays. Resolves when the driver is drained. */
  async relieve(operationId: string): Promise<void> {
    this.#progress.step('relieved')
    try {
      const timeoutMs = this.#options.timing.drainTimeoutMs
      await this.#link?.call('driver/drain', {}, { operationId, timeoutMs })
    } catch (error) {
      // It keeps no one from anything: calls go elsewhere.
      this.#note(namedAfter('driver/drain', error))
    }
  }

  /** The instance that had taken over is lost: this one works again when it was told what should be. */
  async recall(): Promise<void> {
    const connection = this.#connection
    const link = this.#link
    if (connection === undefined || link === undefined) return
    this.#progress.step('recalled')
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
    await this.#loop.end(new ConetError('driverUnavailable', `${this.socket.path} is gone`))
  }

  /** The host ends: calls under way may finish within `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    await this.#connection?.close(timeoutMs)
    await this.remove()
  }

  #buildLoop(): DialLoop {
    const { socket, timing, onError } = this.#options
    return new DialLoop({
      socket,
      connectTimeoutMs: timing.connectTimeoutMs,
      progress: this.#progress,
      redial: this.#redial,
      onAttempt: () => {
        this.record.attempts += 1
      },
      converse: (stream, signal) => this.#converse(stream, signal),
      onLost: (error) => this.#note(error),
      onError,
    })
  }

  /** Returns if the driver was rejected; else throws why the connection ended. */
  async #converse(stream: Socket, signal: AbortSignal): Promise<void> {
    using connection = this.#open(stream)
    using _cut = addAbortListener(signal, () => connection.abort(signal.reason))
    try {
      this.#progress.step('connected')
      const handshake = await connection.shakeHands(signal)
      const verdict = handshake.ok ? this.#admit(handshake.introduction) : handshake.error
      if (ConetError.is(verdict)) return await this.#reject(connection, verdict)
      if (handshake.ok) await this.#serve(connection, handshake.introduction, verdict)
    } finally {
      if (this.#link !== undefined) this.record.answeredMs = Date.now()
      this.#link = undefined
      this.#connection = undefined
    }
  }

  #open(stream: Socket): DriverConnection {
    const connection = new DriverConnection(stream, {
      ...this.#options,
      record: this.record,
      onMissed: (error) => this.#miss(error),
      onAnswered: (sentMs) => this.#progress.answered(sentMs),
    })
    this.#connection = connection
    this.record.forgetConnection()
    return connection
  }

  /** In one turn from the question whether the name is free to the state that takes it. */
  #admit(introduction: Introduction): Role | ConetError {
    this.#introduction = introduction
    const verdict = this.#options.admit(this, introduction.driver)
    if (verdict === 'active') this.#progress.step('accepted')
    if (verdict === 'standby') this.#progress.step('seconded')
    return verdict
  }

  async #reject(connection: DriverConnection, refusal: ConetError): Promise<void> {
    this.#note(refusal)
    this.#redial.refused()
    this.#progress.step('refused')
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
    const readyMs = performance.now()
    const refusal = await Promise.race([ended.promise, dismissed]).finally(() =>
      this.#redial.endedAfter(readyMs),
    )
    await this.#reject(connection, refusal)
  }

  async #tellAll(link: DriverLink, { ended }: DriverConnection): Promise<void> {
    await this.#options.sync(link, { signal: ended.signal }).catch((error: unknown) => {
      throw namedAfter('driver/sync', error)
    })
    ended.signal.throwIfAborted()
    this.#progress.step('synced')
  }

  #miss(error: ConetError): void {
    if (isConnected(this.state)) this.#note(error)
    this.#progress.missed()
  }

  #note(error: unknown): void {
    this.record.note(error)
    if (!ConetError.is(error)) this.#options.onError(error)
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
    return unavailable({ name, state: this.state, lastError: this.record.lastError }, what)
  }
}
