// Runs the author's code: each call in its turn and within its time, its failure in a form that may cross the wire,
// its result checked. It knows neither connections nor the handshake.
import { Cancellation } from '../cancellation.ts'
import { deadline } from '../deadline.ts'
import { ConetError } from '../errors/index.ts'
import type { Params, Result } from '../protocol/index.ts'
import { callFailure, reasonOf } from './call-failure.ts'
import { CallOrder, type Place, type Scope } from './call-order.ts'
import { CallsUnderWay, notBegun, type RequestContext, type UnderWay } from './calls-under-way.ts'
import { checkedResult } from './checked-result.ts'
import type { Call, Driver, HostHandle } from './driver.ts'
import { type DriverMethod, driverCalls, type Served } from './driver-calls.ts'
import { DriverLife } from './driver-life.ts'
import { errorFields, type Log, Seldom } from './driver-log.ts'
import { HeldPeers } from './held-peers.ts'
import { passFailpoints } from './method-failpoints.ts'
import { PageReader } from './page-reader.ts'
import { ToldObjects } from './told-objects.ts'
import { type Turn, TurnCall, type TurnHooks } from './turn.ts'
import { untilCancelled } from './until-cancelled.ts'

export type CallRunnerOptions = { readonly driver: Driver; readonly log: Log; readonly host: HostHandle }

export class CallRunner implements Served {
  readonly driver: Driver
  readonly objects: ToldObjects
  readonly peers: HeldPeers
  /** Outlives connections: after one of them the host says nearly all of it again. */
  readonly pages = new PageReader()
  readonly #log: Log
  readonly #life: DriverLife
  readonly #order = new CallOrder()
  readonly #underWay: CallsUnderWay
  /** Each call tries again. */
  readonly #startTrouble = new Seldom()

  constructor({ driver, log, host }: CallRunnerOptions) {
    this.driver = driver
    this.objects = new ToldObjects(driver)
    this.peers = new HeldPeers(driver)
    this.#log = log
    this.#underWay = new CallsUnderWay(log)
    this.#life = new DriverLife(driver, host)
  }

  /** Lets the driver begin, and work of its own accord if it is in charge; calls do the same. Rejects with `notReady`. */
  async start(): Promise<void> {
    try {
      await this.#life.ensure()
      this.#startTrouble.forget()
    } catch (error) {
      const why = error instanceof Error ? `${error}: ${error.cause}` : String(error)
      if (this.#startTrouble.isDue(why))
        this.#log.write('error', `driver "${this.driver.name}" could not start`, errorFields(error))
      throw error
    }
  }

  /** Ends the driver, once no call is to come. Calls that still run get `graceMs` more. */
  async stop(graceMs: number): Promise<void> {
    using grace = deadline(graceMs, 'end the calls that still run')
    await untilCancelled(this.#underWay.ended(), Cancellation.of(grace.signal), () => undefined).catch(
      (error: unknown) => {
        this.#log.write('warn', `${this.#underWay.size} calls still run`, errorFields(error))
      },
    )
    await this.#life.stop()
  }

  /** Runs one call of the host. Takes its place in the order at once. Rejects with a ConetError. */
  call<M extends DriverMethod>(
    method: M,
    params: Params<M>,
    context: RequestContext,
    { before, ended }: TurnHooks = {},
  ): Promise<Result<M>> {
    this.#assertTakes(method)
    return this.timed(method, context, (underWay) => {
      const { meta, cancellation } = context
      const scope = driverCalls[method].scope(params)
      // Nothing is spread: V8 makes a hidden class anew for each copy of an object with functions in it.
      const isRepair = () => driverCalls[method].isRepair?.(this, params) ?? false
      const progress = reporting(underWay)
      const turn = { what: method, scope, meta, cancellation, before, ended, isRepair, progress }
      return this.inTurn(turn, underWay, (call) =>
        passFailpoints(method, () => driverCalls[method].run(this, params, call)).then((result) =>
          checkedResult(method, result),
        ),
      )
    })
  }

  /**
   * Refuses new work from now on, waits for what is under way, and lets the driver rest. May be repeated; a sync takes
   * it back. Rejects with a ConetError.
   */
  drain(context: RequestContext): Promise<Result<'driver/drain'>> {
    const what = 'driver/drain'
    const before = this.#underWay.ended()
    this.#life.beginDrain()
    return this.timed(what, context, async (underWay) => {
      underWay.hasBegun = true
      await before
      const { meta, cancellation } = context
      const turn = { what, scope: undefined, meta, cancellation, progress: reporting(underWay) }
      await this.inTurn(turn, underWay, (call) => this.#life.rest(call))
      return {}
    })
  }

  /** The host has taken the driver back, with a sync. */
  endDrain(): void {
    this.#life.endDrain()
  }

  /** Gives `work` the time that the caller allows, and then answers without it. */
  timed<T>(what: string, context: RequestContext, work: (underWay: UnderWay) => Promise<T>): Promise<T> {
    return this.#underWay.run(what, context, work)
  }

  /** Runs `work` when everything before it on the same object has ended. Rejects with a ConetError. */
  inTurn<T>(turn: Turn, underWay: Pick<UnderWay, 'hasBegun'>, work: (call: Call) => Promise<T>): Promise<T> {
    const place = turn.scope && this.#order.enter(turn.scope)
    return this.inPlace(place, turn, underWay, work)
  }

  /** Takes a place in the order, for `inPlace`. */
  enter(scope: Scope): Place {
    return this.#order.enter(scope)
  }

  /** As `inTurn`, at a place that was taken before; leaves it in the end. */
  async inPlace<T>(
    place: Place | undefined,
    turn: Turn,
    underWay: Pick<UnderWay, 'hasBegun'>,
    work: (call: Call) => Promise<T>,
  ): Promise<T> {
    const { what, cancellation } = turn
    try {
      // Nothing is awaited that is not there: of thousands of calls in a sync hardly any has to wait.
      if (place?.before !== undefined) await place.before
      if (cancellation.isCancelled) throw notBegun(what, cancellation)
      turn.before?.()
      if (!this.#life.isUp) await this.start()
      // Who gave up meanwhile has been told that nothing was started.
      if (cancellation.isCancelled) throw notBegun(what, cancellation)
      underWay.hasBegun = true
      const result = await work(new TurnCall(turn, this.#log))
      turn.ended?.(cancellation.isCancelled ? reasonOf(cancellation, what) : undefined)
      return result
    } catch (thrown) {
      throw this.#failureOf(turn, thrown)
    } finally {
      if (place !== undefined) this.#order.leave(place)
    }
  }

  #assertTakes(method: DriverMethod): void {
    if (!this.#life.isDraining || driverCalls[method].isNewWork === undefined) return
    throw new ConetError(
      'draining',
      `${method}: another instance of driver "${this.driver.name}" has taken over`,
    )
  }

  #failureOf(turn: Turn, thrown: unknown): ConetError {
    const { error, ...rest } = callFailure(thrown, turn.what, turn.cancellation)
    turn.ended?.(error)
    if ('bug' in rest) this.#logBug(turn, rest.bug)
    return error
  }

  #logBug({ what, scope, meta: { operationId } }: Turn, bug: unknown): void {
    this.#log.write('error', `${what}: ${bug instanceof Error ? bug.message : String(bug)}`, {
      ...scope,
      operationId,
      ...errorFields(bug),
    })
  }
}

function reporting({ progress }: UnderWay): Turn['progress'] {
  return (message, percentage) => progress.report(message, percentage)
}
