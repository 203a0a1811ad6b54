// The place of one driver name: who works under it, who is to, who did until just now. Users of the driver call it by
// its seat, so that they do not notice when another instance takes over.
import { setImmediate as turn } from 'node:timers/promises'
import { ConetError, type Params, type Result } from '@conet/sdk'
import { CallLine } from './call-line.ts'
import type { Role } from './driver-connection.ts'
import type { DriverDocuments } from './driver-documents.ts'
import type { CallMethod, CallOptions, DriverCalls } from './driver-link.ts'
import type { DriverIdentity } from './handshake.ts'
import { SeatOrder, type SeatRecords } from './seat-order.ts'
import type { Session } from './session.ts'
import type { SessionTiming } from './session-options.ts'
import { holdsName, isConnected, takesCalls } from './session-state.ts'

export type DriverSeatOptions = {
  readonly name: string
  readonly timing: Pick<SessionTiming, 'callTimeoutMs' | 'rollbackWindowMs'>
  readonly records: SeatRecords
  /** Others may ask for the name again: those that were refused while two instances were at it, too. */
  onFree(): void
  onError(error: unknown): void
}

export class DriverSeat implements DriverCalls {
  readonly name: string
  readonly #options: DriverSeatOptions
  /** Where calls wait while one instance takes over from another. */
  readonly #line = new CallLine()
  readonly #order: SeatOrder
  #holder: Session | undefined
  #standby: Session | undefined
  #relieved: Session | undefined
  /** Who sat here last, for what it published. */
  #last: Session | undefined
  #windowTimer: NodeJS.Timeout | undefined

  constructor(options: DriverSeatOptions) {
    this.name = options.name
    this.#options = options
    const { name: driver, records, onError } = options
    this.#order = new SeatOrder({ driver, records, onError })
  }

  /** The instance that has the name, connected and accepted. */
  get holder(): Session | undefined {
    return this.#holder
  }

  /** Calls go through now, or do so as soon as one instance has taken over from another. */
  get isAvailable(): boolean {
    return this.#line.isShut || (this.#holder !== undefined && takesCalls(this.#holder.state))
  }

  get isEmpty(): boolean {
    return (this.#holder ?? this.#standby ?? this.#relieved) === undefined && !this.#line.isShut
  }

  get driver(): DriverIdentity {
    return this.#sitting('driver').driver
  }

  get documents(): DriverDocuments {
    return this.#sitting('documents').documents
  }

  call<M extends CallMethod>(method: M, params: Params<M>, options: CallOptions): Promise<Result<M>> {
    const { timeoutMs = this.#options.timing.callTimeoutMs, signal } = options
    const turn = this.#line.enter({
      what: `driver "${this.name}": ${method}`,
      timeoutMs,
      signal,
      isUrgent: false,
    })
    if (turn === undefined) return this.#callNow(method, params, options)
    return turn.then((leftMs) => this.#callNow(method, params, { ...options, timeoutMs: leftMs }))
  }

  /** As what a driver that asks for the name is used, or why it is not. It has the place when this returns. */
  admit(newcomer: Session, identity: DriverIdentity): Role | ConetError {
    const holder = this.#holder
    if (this.#hasRelieved(identity)) return this.replacement(newcomer)
    if (holder !== undefined && holder !== newcomer) return this.#second(newcomer, identity, holder)
    if (this.#standby !== undefined && this.#line.isShut) return this.#duplicate(this.#standby, newcomer)
    this.#sit(newcomer)
    return 'active'
  }

  /** Something about a session has changed that has, or had, a place here. */
  follow(session: Session): void {
    const wasSecond = session === this.#standby || session === this.#relieved
    if (session === this.#standby && session.state !== 'standby') this.#standby = undefined
    if (session === this.#relieved && session.state !== 'draining') this.#endWindow()
    if (wasSecond && !isConnected(session.state)) this.#options.onFree()
    if (session !== this.#holder || holdsName(session.state)) return
    this.#holder = undefined
    if (this.#relieved?.state === 'draining') this.#takeBack(this.#relieved)
  }

  /** Nobody's calls go through until it is disposed. */
  hold(): Disposable {
    return this.#line.shut()
  }

  /** The standby is the holder from here on; the one before stays connected for the rollback window. */
  handOver(standby: Session): void {
    const before = this.#holder
    // First, since it fails if the standby has just hung up.
    standby.promote()
    this.#sit(standby)
    if (before === undefined) this.#options.onFree()
    else this.#relieve(before, standby.driver.instanceId)
  }

  /** Which instances sat here counts no more. */
  forget(): void {
    this.#order.forget()
  }

  close(): void {
    clearTimeout(this.#windowTimer)
  }

  /** What an instance is told that has been relieved. */
  replacement({ socket }: Session): ConetError {
    const by = (this.#holder ?? this.#standby)?.socket.path ?? 'another socket'
    const message = `driver "${this.name}" at ${socket.path}: the instance at ${by} has taken over`
    return new ConetError('replaced', message, { details: { driver: this.name, sockets: [by, socket.path] } })
  }

  async #callNow<M extends CallMethod>(
    method: M,
    params: Params<M>,
    options: CallOptions,
  ): Promise<Result<M>> {
    this.#line.leave()
    const session = this.#sitting(method)
    const sentMs = performance.now()
    try {
      return await session.call(method, params, options)
    } catch (error) {
      if (!ConetError.is(error, 'driverUnavailable') || !(await this.#isSucceeded(session))) throw error
      const { attempt = 1, timeoutMs = this.#options.timing.callTimeoutMs } = options
      const leftMs = Math.max(1, timeoutMs - (performance.now() - sentMs))
      return await this.call(method, params, { ...options, attempt: attempt + 1, timeoutMs: leftMs })
    }
  }

  /**
   * Another instance sits here now: the one that was taken back when this one was lost. What was asked of this one
   * is asked of that one; every call may be repeated.
   */
  async #isSucceeded(lost: Session): Promise<boolean> {
    if (this.#relieved === undefined && this.#holder === lost) return false
    // The seat hears of the end of a connection a moment after the calls on it.
    await turn()
    return this.#holder !== undefined && this.#holder !== lost
  }

  #sitting(what: string): Session {
    const session = this.#holder ?? this.#last
    if (session !== undefined) return session
    throw new ConetError('driverUnavailable', `driver "${this.name}": ${what}: it was never connected`)
  }

  /** Whether the instance had the name before the one that has it, or is about to. */
  #hasRelieved(identity: DriverIdentity): boolean {
    const successor = (this.#holder ?? this.#standby)?.driver
    if (successor === undefined || !this.#order.isRelieved(identity.instanceId)) return false
    return mayRelieve(identity, successor)
  }

  #second(newcomer: Session, identity: DriverIdentity, holder: Session): Role | ConetError {
    const isBusy = this.#standby !== undefined || this.#relieved !== undefined
    if (isBusy || !mayRelieve(holder.driver, identity)) return this.#duplicate(holder, newcomer)
    this.#standby = newcomer
    return 'standby'
  }

  #duplicate(holder: Session, newcomer: Session): ConetError {
    const sockets = [holder.socket.path, newcomer.socket.path]
    const message = `driver "${this.name}" at ${sockets[1]}: the driver at ${sockets[0]} has that name`
    return new ConetError('duplicateName', message, {
      details: { driver: this.name, sockets },
      help: `End one of the two. This one is tried again when the name "${this.name}" is free.`,
    })
  }

  #sit(session: Session): void {
    this.#holder = session
    this.#last = session
    if (session === this.#standby) this.#standby = undefined
    const { instanceId, capabilities } = session.driver
    if (capabilities.hotUpgrade) this.#order.sits(instanceId, session.socket.path)
  }

  #relieve(before: Session, successorId: string): void {
    this.#relieved = before
    this.#windowTimer = setTimeout(() => this.#windowIsOver(), this.#options.timing.rollbackWindowMs)
    void before.relieve(`upgrade-${successorId}`).catch(this.#options.onError)
  }

  /** Calls that come meanwhile wait. */
  #takeBack(relieved: Session): void {
    this.#endWindow()
    this.#sit(relieved)
    const held = this.hold()
    const back = relieved.recall().finally(() => held[Symbol.dispose]())
    void back.catch(this.#options.onError)
    this.#options.onFree()
  }

  #windowIsOver(): void {
    const relieved = this.#relieved
    this.#endWindow()
    relieved?.dismiss(this.replacement(relieved))
    this.#options.onFree()
  }

  #endWindow(): void {
    clearTimeout(this.#windowTimer)
    this.#relieved = undefined
  }
}

/** The same product, both of which know how to hand over. */
function mayRelieve(holder: DriverIdentity, newcomer: DriverIdentity): boolean {
  return (
    holder.instanceId !== newcomer.instanceId &&
    holder.vendor === newcomer.vendor &&
    [holder, newcomer].every(
      ({ capabilities: { hotUpgrade, methods } }) => hotUpgrade === true && methods.includes('driver/drain'),
    )
  )
}
