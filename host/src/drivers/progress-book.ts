// What a driver says of how its long calls get on, on one connection: each word gives the call time, up to a limit.
// Words about calls that are not open are violations, and change nothing.
import type { Progress } from '@conet/sdk'
import type { LedgerEntry } from './call-ledger.ts'
import type { Violations } from './violations.ts'

export type ProgressBookOptions = {
  /** What each word gives a call from then on. */
  readonly callTimeoutMs: number
  /** The most that a call can have since it was sent. */
  readonly mostCallTimeoutMs: number
  readonly violations: Violations
}

/** A call that may be spoken of; disposed when it has ended. */
export type OpenCall = Disposable & {
  readonly token: string
  /** For the peer's request. */
  readonly onSent: (extend: (timeoutMs: number) => void) => void
}

type Page = {
  readonly entry: LedgerEntry
  /** When its time is over, as `performance.now()`. */
  endsMs: number
  extend: (timeoutMs: number) => void
}

const nothing = () => undefined

export class ProgressBook {
  readonly #options: ProgressBookOptions
  readonly #pages = new Map<string, Page>()
  #last = 0

  constructor(options: ProgressBookOptions) {
    this.#options = options
  }

  open(entry: LedgerEntry, timeoutMs: number): OpenCall {
    this.#last += 1
    const token = String(this.#last)
    const page: Page = { entry, endsMs: entry.startedMs + timeoutMs, extend: nothing }
    this.#pages.set(token, page)
    return {
      token,
      onSent: (extend) => {
        page.extend = extend
      },
      [Symbol.dispose]: () => {
        this.#pages.delete(token)
        // What a map has held it may keep for a while, with all that it refers to.
        page.extend = nothing
      },
    }
  }

  hear({ token, message, percentage }: Progress): void {
    const page = this.#pages.get(token)
    const { violations } = this.#options
    if (page === undefined) {
      violations.add(
        'unknown-progress',
        `$/progress: no call is open that has the token ${JSON.stringify(token)}`,
      )
      return
    }
    const before = page.entry.progress?.percentage
    if (percentage !== undefined && before !== undefined && percentage < before) {
      violations.add(
        'falling-progress',
        `$/progress of ${page.entry.method}: ${before} % fell to ${percentage} %`,
      )
    }
    const shown = percentage ?? before
    page.entry.progress = { message, ...(shown !== undefined && { percentage: shown }) }
    this.#extend(page)
  }

  /** Never less than the call has already. */
  #extend(page: Page): void {
    const { callTimeoutMs, mostCallTimeoutMs } = this.#options
    const now = performance.now()
    const endsMs = Math.min(now + callTimeoutMs, page.entry.startedMs + mostCallTimeoutMs)
    if (endsMs <= page.endsMs) return
    page.endsMs = endsMs
    page.extend(Math.ceil(endsMs - now))
  }
}
