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
import type { ProgressBook } from './progress-book.ts'
import { TokenBucket } from './token-bucket.ts'
import type { Violations } from './violations.ts'

/** Where notices go. The first argument is the driver's name. None of them may throw. */
export type NoticeSinks = {
  event(driver: string, event: DriverEvent): void
  log(driver: string, line: DriverLog): void
  readiness(driver: string, readiness: Readiness): void
}

export type DriverNoticesOptions = {
  readonly driver: string
  readonly sinks: NoticeSinks
  readonly progress: ProgressBook
  readonly violations: Violations
}

export class DriverNotices {
  readonly #options: DriverNoticesOptions
  readonly #logs = new TokenBucket({ perSecond: 100, burst: 500 })
  readonly #events = new TokenBucket({ perSecond: 200, burst: 1_000 })

  constructor(options: DriverNoticesOptions) {
    this.#options = options
  }

  /** Unknown methods are ignored: later versions of the protocol may have more. */
  receive(method: string, params: unknown): void {
    if (!isNotificationMethod(method) || notifications[method].from !== 'driver') return
    try {
      this.#pass(method, params)
    } catch (error) {
      if (!ConetError.is(error)) throw error
      this.#options.violations.add('bad-notice', error.message)
    }
  }

  #pass(method: string, params: unknown): void {
    const { driver, sinks, progress } = this.#options
    if (method === 'driver/log') this.#log(checkNotification(method, params))
    else if (method === 'driver/event') this.#event(checkNotification(method, params))
    else if (method === '$/progress') progress.hear(checkNotification(method, params))
    else if (method === 'driver/readiness') sinks.readiness(driver, checkNotification(method, params))
  }

  #event(event: DriverEvent): void {
    const { driver, sinks, violations } = this.#options
    if (this.#events.take()) sinks.event(driver, event)
    else violations.add('flood', 'events come too fast; this one was dropped')
  }

  #log(line: DriverLog): void {
    const { driver, sinks, violations } = this.#options
    if (this.#logs.take()) sinks.log(driver, line)
    else violations.add('flood', 'log lines come too fast; this one was dropped')
  }
}
