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
import type { SessionRecord } from './session-record.ts'
import { TokenBucket } from './token-bucket.ts'

/** Where notices go. The first argument is the driver's name. None of them may throw. */
export type NoticeSinks = {
  event(driver: string, event: DriverEvent): void
  log(driver: string, line: DriverLog): void
  readiness(driver: string, readiness: Readiness): void
}

/** Of a log line, as JSON: a hundred lines a second must not fill the disk. */
const maxFieldsLength = 16_384

export type DriverNoticesOptions = {
  readonly driver: string
  readonly sinks: NoticeSinks
  readonly progress: ProgressBook
  readonly record: Pick<SessionRecord, 'readiness' | 'violations'>
}

export class DriverNotices {
  readonly #options: DriverNoticesOptions
  readonly #logs = new TokenBucket({ perSecond: 100, burst: 500 })
  readonly #events = new TokenBucket({ perSecond: 200, burst: 1_000 })
  readonly #changes = new TokenBucket({ perSecond: 1, burst: 20 })

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
      this.#options.record.violations.add('bad-notice', error.message)
    }
  }

  #pass(method: string, params: unknown): void {
    const { progress } = this.#options
    if (method === 'driver/log') this.#log(checkNotification(method, params))
    else if (method === 'driver/event') this.#event(checkNotification(method, params))
    else if (method === '$/progress') progress.hear(checkNotification(method, params))
    else if (method === 'driver/readiness') this.#readiness(checkNotification(method, params))
  }

  /** The last word counts, told or not; only changes are told. */
  #readiness(readiness: Readiness): void {
    const { driver, sinks, record } = this.#options
    const before = record.readiness
    record.readiness = readiness
    if (before?.ready === readiness.ready && before.reason === readiness.reason) return
    if (this.#changes.take()) sinks.readiness(driver, readiness)
    else record.violations.add('flood', 'readiness changes too fast; this change was not told')
  }

  #event(event: DriverEvent): void {
    const { driver, sinks, record } = this.#options
    if (this.#events.take()) sinks.event(driver, event)
    else record.violations.add('flood', 'events come too fast; this one was dropped')
  }

  #log(line: DriverLog): void {
    const { driver, sinks, record } = this.#options
    if (this.#logs.take()) sinks.log(driver, this.#withoutBulk(line))
    else record.violations.add('flood', 'log lines come too fast; this one was dropped')
  }

  #withoutBulk(line: DriverLog): DriverLog {
    const { fields, ...rest } = line
    const length = fields === undefined ? 0 : JSON.stringify(fields).length
    if (length <= maxFieldsLength) return line
    const what = `driver/log: its fields have ${length} characters, ${maxFieldsLength} are taken`
    this.#options.record.violations.add('bad-notice', what)
    return rest
  }
}
