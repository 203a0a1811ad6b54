// A driver's own life, beside the calls: `start` before the first, `activate` when it is the one in charge, `drain`
// when another has taken over, `stop` after the last.
import { Cancellation } from '../cancellation.ts'
import { deadline } from '../deadline.ts'
import { ConetError } from '../errors/index.ts'
import type { Call, Driver, HostHandle } from './driver.ts'
import { SucceedOnce } from './succeed-once.ts'
import { untilCancelled } from './until-cancelled.ts'

const stopTimeoutMs = 5_000

export class DriverLife {
  readonly #driver: Driver
  readonly #host: HostHandle
  readonly #start = new SucceedOnce()
  readonly #activation = new SucceedOnce()
  #isDraining = false
  /** Ends, well or badly, with all `drain` of the author's code that was begun. */
  #rested: Promise<unknown> = Promise.resolve()

  constructor(driver: Driver, host: HostHandle) {
    this.#driver = driver
    this.#host = host
  }

  /** Whether new work is refused, because another instance has it. */
  get isDraining(): boolean {
    return this.#isDraining
  }

  /**
   * Starts the driver if that was not done, and activates it if it is the one in charge; tries again what failed.
   * Rejects with `notReady`.
   */
  async ensure(): Promise<void> {
    await this.#start.ensure(() => this.#attempt('start', async () => this.#driver.start?.(this.#host)))
    if (this.#mustRest) return
    await this.#activation.ensure(() => this.#attempt('activate', () => this.#activate()))
  }

  /** Whether `ensure` has nothing to do: a call need not wait for it. */
  get isUp(): boolean {
    return this.#start.isDone && (this.#mustRest || this.#activation.isDone)
  }

  /** From now on new work is refused. */
  beginDrain(): void {
    this.#isDraining = true
  }

  /** Lets the driver rest, once no call is under way; may be repeated. Rejects with `cancelled` if it was taken back. */
  async rest(call: Call): Promise<void> {
    this.#assertDraining()
    await this.#activation.ended()
    this.#assertDraining()
    this.#activation.forget()
    const resting = this.#drain(call)
    this.#rested = Promise.allSettled([this.#rested, resting])
    await resting
  }

  /** The host has taken the driver back: the next call activates it. */
  endDrain(): void {
    this.#isDraining = false
  }

  /** Ends a driver that was started, or that has nothing to start. Rejects with what `stop` throws. */
  async stop(): Promise<void> {
    const { name } = this.#driver
    if (this.#driver.start !== undefined && !this.#start.isBegun) return
    using limit = deadline(stopTimeoutMs, `stop driver "${name}"`)
    const stopping = Promise.resolve(this.#driver.stop?.())
    await untilCancelled(stopping, Cancellation.of(limit.signal), () => undefined)
  }

  /** Another instance is in charge. */
  get #mustRest(): boolean {
    return this.#host.role === 'standby' || this.#isDraining
  }

  #assertDraining(): void {
    if (!this.#isDraining) throw new ConetError('cancelled', 'driver/drain: a sync came in between')
  }

  async #drain(call: Call): Promise<void> {
    await this.#driver.drain?.(call)
  }

  /** One that is taken back while it drains would else end what it has just begun. */
  async #activate(): Promise<void> {
    await this.#rested
    await this.#driver.activate?.()
  }

  async #attempt(what: 'start' | 'activate', work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (cause) {
      const why = ConetError.is(cause) ? cause.message : 'internal error, see the log of the driver'
      throw new ConetError('notReady', `${what} driver "${this.#driver.name}": ${why}`, { cause })
    }
  }
}
