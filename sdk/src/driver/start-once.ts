// The two moments of a driver's own life: `start` before the first call, `stop` after the last.
import { deadline } from '../deadline.ts'
import { ConetError } from '../errors/index.ts'
import type { Driver, HostHandle } from './driver.ts'
import { untilAborted } from './until-aborted.ts'

const stopTimeoutMs = 5_000

export class StartOnce {
  readonly #driver: Driver
  readonly #host: HostHandle
  #started: Promise<void> | undefined

  constructor(driver: Driver, host: HostHandle) {
    this.#driver = driver
    this.#host = host
  }

  /** Starts the driver if that was not done; tries again if it failed. Rejects with `notReady`. */
  ensure(): Promise<void> {
    this.#started ??= this.#start()
    return this.#started
  }

  /** Ends a driver that was started, or that has nothing to start. Rejects with what `stop` throws. */
  async stop(): Promise<void> {
    const { name } = this.#driver
    if (this.#driver.start !== undefined && this.#started === undefined) return
    using limit = deadline(stopTimeoutMs, `stop driver "${name}"`)
    await untilAborted(Promise.resolve(this.#driver.stop?.()), limit.signal, () => undefined)
  }

  async #start(): Promise<void> {
    try {
      await this.#driver.start?.(this.#host)
    } catch (cause) {
      this.#started = undefined
      const why = ConetError.is(cause) ? cause.message : 'internal error, see the log of the driver'
      throw new ConetError('notReady', `start driver "${this.#driver.name}": ${why}`, { cause })
    }
  }
}
