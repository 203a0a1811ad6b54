// What a driver says unasked, on its way to who wants to hear it: checked, and no more of it than is good for us.
import {
  ConetError,
  checkNotification,
  type DriverEvent,
  type DriverLog,
  isNotificationMethod,
  notifications,
  type Readiness,
} from '@conet/sdk'
import { TokenBucket } from './token-bucket.ts'

/** Where notices go. The first argument is the driver's name. None of them may throw. */
export type NoticeSinks = {
  event(driver: string, event: DriverEvent): void
  log(driver: string, line: DriverLog): void
  readiness(driver: string, readiness: Readiness): void
}

export class DriverNotices {
  readonly #driver: string
  readonly #sinks: NoticeSinks
  readonly #logs = new TokenBucket({ perSecond: 100, burst: 500 })
  readonly #events = new TokenBucket({ perSecond: 200, burst: 1_000 })

  constructor(driver: string, sinks: NoticeSinks) {
    this.#driver = driver
    this.#sinks = sinks
  }

  /** Unknown methods are ignored: later versions of the protocol may have more. */
  receive(method: string, params: unknown): void {
    if (!isNotificationMethod(method) || notifications[method].from !== 'driver') return
    try {
      this.#pass(method, params)
    } catch (error) {
      if (!ConetError.is(error)) throw error
      this.#log({ level: 'warn', message: `dropped a notice: ${error.message}` })
    }
  }

  #pass(method: string, params: unknown): void {
    if (method === 'driver/log') {
      this.#log(checkNotification(method, params))
    } else if (method === 'driver/event') {
      const event = checkNotification(method, params)
      if (this.#events.take()) this.#sinks.event(this.#driver, event)
      else this.#log({ level: 'warn', message: 'events come too fast; some were dropped' })
    } else if (method === 'driver/readiness') {
      this.#sinks.readiness(this.#driver, checkNotification(method, params))
    }
  }

  #log(line: DriverLog): void {
    if (!this.#logs.take()) return
    const dropped = this.#logs.takeDropped()
    if (dropped > 0) {
      this.#sinks.log(this.#driver, {
        level: 'warn',
        message: `${dropped} lines came too fast and were dropped`,
      })
    }
    this.#sinks.log(this.#driver, line)
  }
}
