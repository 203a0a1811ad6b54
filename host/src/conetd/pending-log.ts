// What the log says of what is tried again and again: each object and reason when it begins; then now and then one line for all.
// Thousands may wait for one driver that is away, which is one line.
import type { Logger } from 'pino'
import { isDriverAway, type Pending } from '../lifecycle/index.ts'

export type PendingLogOptions = {
  readonly log: () => { readonly log: Logger }
  /** `a deletion is pending` */
  readonly what: string
  /** How many wait now. */
  count(): number
  driverOf(pending: Pending): string | undefined
  /** From one line on what lasts to the next. */
  readonly spanMs?: number
}

export class PendingLog {
  readonly #options: Required<PendingLogOptions>
  /** By driver, and under '' for all: when a line was written last. */
  readonly #saidAt = new Map<string, number>()

  constructor({ spanMs = 60_000, ...options }: PendingLogOptions) {
    this.#options = { spanMs, ...options }
  }

  tell(pending: Pending, err: unknown, isNews: boolean): void {
    const { what, count, driverOf } = this.#options
    const { log } = this.#options.log()
    const driver = driverOf(pending)
    if (isDriverAway(err)) {
      if (this.#isTime(`driver ${driver}`))
        log.warn({ driver, err, pending: count() }, `${what}: a driver is away`)
    } else if (isNews) log.warn({ ...pending, driver, err }, `${what}, and is tried again`)
    else if (this.#isTime(''))
      log.warn({ driver, err, pending: count() }, `${what} still: the last of all that are`)
  }

  #isTime(about: string): boolean {
    const now = performance.now()
    const last = this.#saidAt.get(about)
    if (last !== undefined && now - last < this.#options.spanMs) return false
    this.#saidAt.set(about, now)
    return true
  }
}
