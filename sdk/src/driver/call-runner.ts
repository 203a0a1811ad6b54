// Runs the author's code: each call in its turn and within its time, its failure in a form that may cross the wire,
// its result checked. It knows neither connections nor the handshake.
import { deadline } from '../deadline.ts'
import { ConetError } from '../errors/index.ts'
import type { CallMeta, Params, Result } from '../protocol/index.ts'
import { abortReason, callFailure } from './call-failure.ts'
import { CallOrder, type Scope } from './call-order.ts'
import { checkedResult } from './checked-result.ts'
import type { Call, Driver, HostHandle } from './driver.ts'
import { type DriverMethod, driverCalls } from './driver-calls.ts'
import { errorFields, type Log } from './driver-log.ts'
import { passFailpoints } from './method-failpoints.ts'
import { StartOnce } from './start-once.ts'
import { type LateOutcome, untilAborted } from './until-aborted.ts'

/** What surrounds a request, besides its parameters. */
export type RequestContext = {
  readonly meta: CallMeta
  /** Aborts when the caller is gone or gave up. */
  readonly signal: AbortSignal
}

/** Work on one object, which waits for its turn. */
export type Turn = {
  /** For messages: `endpoint/plug`. */
  readonly what: string
  /** Undefined: no turn to wait for. */
  readonly scope: Scope | undefined
  readonly meta: CallMeta
  readonly signal: AbortSignal
  /** Runs when the turn has come; what it throws is the failure. */
  before?(): void
  /** Runs before anything behind it begins. */
  ended?(failure: ConetError | undefined): void
  /** Hears what the author's code says it has mended. */
  repaired?(what: string): void
}

/** Tells whether the author's code has seen the request. */
export type Progress = { hasBegun: boolean }

export type CallRunnerOptions = { readonly driver: Driver; readonly log: Log; readonly host: HostHandle }

export class CallRunner {
  readonly driver: Driver
  readonly #log: Log
  readonly #start: StartOnce
  readonly #order = new CallOrder()
  /** Author's code that has not come to its end, also where nobody waits for it any more. */
  readonly #underWay = new Set<Promise<unknown>>()

  constructor({ driver, log, host }: CallRunnerOptions) {
    this.driver = driver
    this.#log = log
    this.#start = new StartOnce(driver, host)
  }

  /** Lets the driver begin; calls do the same. Rejects with `notReady` if it cannot. */
  async start(): Promise<void> {
    try {
      await this.#start.ensure()
    } catch (error) {
      this.#log.write('error', `driver "${this.driver.name}" could not start`, errorFields(error))
      throw error
    }
  }

  /** Ends the driver, once no call is to come. Calls that still run get `graceMs` more. */
  async stop(graceMs: number): Promise<void> {
    using grace = deadline(graceMs, 'end the calls that still run')
    const ended = Promise.allSettled(this.#underWay)
    await untilAborted(ended, grace.signal, () => undefined).catch((error: unknown) => {
      this.#log.write('warn', `${this.#underWay.size} calls still run`, errorFields(error))
    })
    await this.#start.stop()
  }

  /** Runs one call of the host. Takes its place in the order at once. Rejects with a ConetError. */
  call<M extends DriverMethod>(
    method: M,
    params: Params<M>,
    { meta, signal, ...hooks }: RequestContext & Pick<Turn, 'before' | 'ended'>,
  ): Promise<Result<M>> {
    return this.timed(method, { meta, signal }, (limited, progress) => {
      const scope = driverCalls[method].scope(params)
      const turn = { what: method, scope, meta, signal: limited, ...hooks }
      return this.inTurn(turn, progress, (call) =>
        passFailpoints(method, () => driverCalls[method].run(this.driver, params, call)).then((result) =>
          checkedResult(method, result),
        ),
      )
    })
  }

  /** Gives `work` the time that the caller allows, and then answers without it. */
  async timed<T>(
    what: string,
    { meta, signal }: RequestContext,
    work: (signal: AbortSignal, progress: Progress) => Promise<T>,
  ): Promise<T> {
    using limit = deadline(meta.timeoutMs, what, signal)
    const progress = { hasBegun: false }
    const since = performance.now()
    const running = work(limit.signal, progress)
    try {
      return await untilAborted(running, limit.signal, (late) => this.#logLate(what, meta, since, late))
    } catch (error) {
      if (limit.signal.aborted && !progress.hasBegun) throw notBegun(what, limit.signal)
      throw error
    }
  }

  /** Runs `work` when everything before it on the same object has ended. Rejects with a ConetError. */
  inTurn<T>(turn: Turn, progress: Progress, work: (call: Call) => Promise<T>): Promise<T> {
    const guarded = () => this.#track(this.#guard(turn, progress, work))
    return turn.scope === undefined ? guarded() : this.#order.run(turn.scope, guarded)
  }

  async #guard<T>(turn: Turn, progress: Progress, work: (call: Call) => Promise<T>): Promise<T> {
    const { what, signal } = turn
    try {
      if (signal.aborted) throw notBegun(what, signal)
      turn.before?.()
      await this.start()
      progress.hasBegun = true
      const result = await work(this.#callOf(turn))
      turn.ended?.(signal.aborted ? abortReason(signal, what) : undefined)
      return result
    } catch (thrown) {
      const { error, ...rest } = callFailure(thrown, what, signal)
      turn.ended?.(error)
      if ('bug' in rest) this.#logBug(turn, rest.bug)
      throw error
    }
  }

  #callOf({ what, scope, meta, signal, repaired }: Turn): Call {
    const { operationId, attempt } = meta
    const log: Call['log'] = (level, message, fields) =>
      this.#log.write(level, message, { ...fields, ...scope, operationId })
    return {
      operationId,
      attempt,
      signal,
      log,
      repaired: repaired ?? ((difference) => log('info', `${what}: mended: ${difference}`)),
    }
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work)
    try {
      return await work
    } finally {
      this.#underWay.delete(work)
    }
  }

  #logBug({ what, scope, meta: { operationId } }: Turn, bug: unknown): void {
    this.#log.write('error', `${what}: ${bug instanceof Error ? bug.message : String(bug)}`, {
      ...scope,
      operationId,
      ...errorFields(bug),
    })
  }

  #logLate(what: string, { operationId }: CallMeta, since: number, { failure }: LateOutcome): void {
    const afterMs = Math.round(performance.now() - since)
    const outcome = failure === undefined ? 'its result' : 'its failure'
    this.#log.write('warn', `${what}: ended after it had been given up; ${outcome} is dropped`, {
      operationId,
      afterMs,
      ...(failure !== undefined && errorFields(failure)),
    })
  }
}

function notBegun(what: string, signal: AbortSignal): ConetError {
  const cause = abortReason(signal, what)
  return new ConetError(cause.kind, `${cause.message}, while others on the same object were before it`, {
    cause,
    operationState: 'not-started',
  })
}
