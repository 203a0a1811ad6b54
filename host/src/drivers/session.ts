// The host's side of one driver socket, for as long as the socket stands: dials, shakes hands, lets the lifecycle
// say what should be, passes calls, and begins anew when the connection ends. States: session-state.ts.

import { addAbortListener, once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConetError, type ErrorKind, type Params, type Readiness, type Result } from '@conet/sdk'
import { JsonRpcPeer } from '@conet/sdk/jsonrpc'
import { Backoff } from './backoff.ts'
import { connectSocket } from './connect-socket.ts'
import { type ConnectionEnd, untilClosed } from './connection-end.ts'
import type { DiscoveredSocket } from './discovery.ts'
import type { DriverDocuments } from './driver-documents.ts'
import { type CallMethod, type CallOptions, type DriverCalls, DriverLink } from './driver-link.ts'
import { DriverNotices } from './driver-notices.ts'
import { type DriverIdentity, type Introduction, shakeHands } from './handshake.ts'
import { Pinger } from './pinger.ts'
import type { SessionOptions } from './session-options.ts'
import { holdsName, nextState, type SessionState, type SessionStep, takesCalls } from './session-state.ts'

const mostMissedPings = 3
/** For the verdict to reach a rejected driver. */
const rejectedCloseMs = 1_000

export type SessionFailure = {
  readonly kind: ErrorKind
  readonly message: string
  readonly at: Date | undefined
}

export class Session implements DriverCalls {
  readonly socket: DiscoveredSocket
  readonly #options: SessionOptions
  readonly #backoff: Backoff
  readonly #ending = new AbortController()
  #reconsidering = new AbortController()
  #state: SessionState = 'dialing'
  #since = new Date()
  #attempts = 0
  #lastError: SessionFailure | undefined
  #readiness: Readiness | undefined
  #introduction: Introduction | undefined
  #link: DriverLink | undefined
  #peer: JsonRpcPeer | undefined
  #notices: DriverNotices | undefined
  #running: Promise<void> | undefined

  constructor(options: SessionOptions) {
    const { firstBackoffMs, mostBackoffMs } = options.timing
    this.socket = options.socket
    this.#options = options
    this.#backoff = new Backoff({ firstMs: firstBackoffMs, mostMs: mostBackoffMs })
  }

  get state(): SessionState {
    return this.#state
  }

  get since(): Date {
    return this.#since
  }

  /** How often it was dialled. */
  get attempts(): number {
    return this.#attempts
  }

  get lastError(): SessionFailure | undefined {
    return this.#lastError
  }

  /** What the driver said of itself last; undefined if nothing. */
  get readiness(): Readiness | undefined {
    return this.#readiness
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

  /** The socket is gone, or another one: cuts the connection. */
  async remove(): Promise<void> {
    this.#ending.abort(new ConetError('driverUnavailable', `${this.socket.path} is gone`))
    await this.#running
  }

  /** The host ends: calls under way may finish within `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    await this.#peer?.close({ timeoutMs })
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
    this.#attempts += 1
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
    const { host, isolatedChecks } = this.#options
    const peer = this.#open(stream)
    const ended = untilClosed(peer)
    const cut = addAbortListener(signal, () => peer.abort(signal.reason))
    try {
      this.#step('connected')
      const handshake = await shakeHands(peer, { host, isolatedChecks, signal })
      const refusal = handshake.ok ? this.#admit(handshake.introduction) : handshake.error
      if (refusal !== undefined) return await this.#reject(peer, refusal)
      if (handshake.ok) await this.#serve(peer, handshake.introduction, ended)
    } finally {
      cut[Symbol.dispose]()
      this.#link = undefined
      this.#peer = undefined
      peer.abort(undefined)
    }
  }

  #open(stream: Socket): JsonRpcPeer {
    const peer = new JsonRpcPeer(stream, { onError: this.#options.onError })
    peer.onNotification((method, params) => this.#notices?.receive(method, params))
    this.#peer = peer
    this.#notices = undefined
    this.#readiness = undefined
    return peer
  }

  /** In one turn from the question whether the name is free to the state that takes it. */
  #admit(introduction: Introduction): ConetError | undefined {
    this.#introduction = introduction
    const refusal = this.#options.admit(this, introduction.driver)
    if (refusal === undefined) this.#step('accepted')
    return refusal
  }

  async #reject(peer: JsonRpcPeer, refusal: ConetError): Promise<void> {
    this.#note(refusal)
    this.#reconsidering = new AbortController()
    this.#step('refused')
    const { code, kind, message } = refusal
    try {
      peer.notify('rejected', { code, name: kind, message })
    } catch {
      // It has hung up already: the verdict stands, there is no one to tell.
    }
    await peer.close({ timeoutMs: rejectedCloseMs })
  }

  async #serve(peer: JsonRpcPeer, introduction: Introduction, ended: ConnectionEnd): Promise<void> {
    const { sinks, timing, sync } = this.#options
    peer.notify('initialized', {})
    this.#notices = new DriverNotices(introduction.driver.name, {
      ...sinks,
      readiness: (driver, readiness) => {
        this.#readiness = readiness
        sinks.readiness(driver, readiness)
      },
    })
    const link = new DriverLink(peer, introduction, {
      callTimeoutMs: timing.callTimeoutMs,
      onMissed: (error) => this.#miss(error),
    })
    using _pinger = new Pinger(link, {
      intervalMs: timing.pingIntervalMs,
      timeoutMs: timing.pingTimeoutMs,
      mostMisses: mostMissedPings,
      onAnswer: () => this.#step('recovered'),
      onDead: (reason) => peer.abort(reason),
    })
    await Promise.race([sync(link, ended.signal), ended.promise])
    this.#link = link
    this.#step('synced')
    const readyAt = performance.now()
    await ended.promise.finally(() => {
      if (performance.now() - readyAt >= timing.stableMs) this.#backoff.reset()
    })
  }

  async #pause(signal: AbortSignal): Promise<void> {
    if (this.#state === 'rejected') {
      if (!this.#reconsidering.signal.aborted) await once(this.#reconsidering.signal, 'abort', { signal })
      this.#step('reconsidered')
    } else {
      await sleep(this.#backoff.nextMs(), undefined, { signal })
      this.#step('retry')
    }
  }

  #miss(error: ConetError): void {
    // The answer may be missed in the same moment as the connection ends.
    if (!holdsName(this.#state)) return
    this.#note(error)
    this.#step('missed')
  }

  #note(error: unknown): void {
    const kind = ConetError.is(error) ? error.kind : 'internal'
    const message = error instanceof Error ? error.message : String(error)
    this.#lastError = { kind, message, at: new Date() }
    if (!ConetError.is(error)) this.#options.onError(error)
  }

  #step(step: SessionStep): void {
    const next = nextState(this.#state, step)
    if (next === this.#state) return
    this.#state = next
    this.#since = new Date()
    this.#options.onChange(this)
  }

  get #introduced(): Introduction {
    if (this.#introduction === undefined) throw this.unavailable('driver')
    return this.#introduction
  }

  /** The error for who needs the driver while it takes no calls; `what` was to be done. */
  unavailable(what: string): ConetError {
    const name = this.identity?.name ?? this.socket.path
    const why = this.#lastError === undefined ? '' : `: ${this.#lastError.message}`
    return new ConetError('driverUnavailable', `driver "${name}": ${what}: it is ${this.#state}${why}`, {
      details: { driver: name, state: this.#state, lastError: this.#lastError },
    })
  }
}
