// The calls that are being answered: each within its time, which its progress extends, and followed to its end also
// where nobody waits for it any more. It knows neither drivers nor the order of calls.
import type { Cancellation } from '../cancellation.ts'
import { ConetError } from '../errors/index.ts'
import type { CallMeta, Progress, Timeouts } from '../protocol/index.ts'
import { CallClock, type CallLimit } from './call-clock.ts'
import { reasonOf } from './call-failure.ts'
import { CallProgress } from './call-progress.ts'
import { errorFields, type Log } from './driver-log.ts'
import type { LateOutcome } from './until-cancelled.ts'

/** What surrounds a request, besides its parameters. */
export type RequestContext = {
  readonly meta: CallMeta
  /** Cancelled when the caller is gone or gave up, and when its time is over. */
  readonly cancellation: Cancellation
  /** How patient the caller is with a call that makes progress; undefined: not at all. */
  readonly timeouts?: Timeouts | undefined
  /** Tells the caller of progress. */
  sendProgress(progress: Progress): void
}

/** A call that is being answered. */
export type UnderWay = {
  readonly progress: CallProgress
  /** Whether the author's code has seen the request. */
  hasBegun: boolean
}

export class CallsUnderWay {
  readonly #log: Log
  readonly #clock = new CallClock()
  readonly #works = new Set<Promise<unknown>>()

  constructor(log: Log) {
    this.#log = log
  }

  get size(): number {
    return this.#works.size
  }

  /** Resolves when all that run now have come to their end, well or badly. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#works)
  }

  /** Gives `work` the time that the caller allows, and then answers without it. Rejects with a ConetError. */
  run<T>(what: string, context: RequestContext, work: (underWay: UnderWay) => Promise<T>): Promise<T> {
    const { meta, cancellation } = context
    const limit = this.#clock.start(what, meta.timeoutMs, cancellation)
    const underWay = { progress: this.#progressOf(context, limit), hasBegun: false }
    const running = work(underWay)
    this.#works.add(running)
    return new Promise((resolve, reject) => {
      let isAnswered = false
      const answer = () => {
        isAnswered = true
        underWay.progress[Symbol.dispose]()
        this.#clock.stop(limit)
      }
      const end = (outcome: LateOutcome) => {
        this.#works.delete(running)
        if (isAnswered) this.#logLate(limit, meta, outcome)
        else answer()
      }
      running.then(
        (result) => {
          end({})
          resolve(result)
        },
        (failure: unknown) => {
          end({ failure })
          reject(failure)
        },
      )
      cancellation.onCancel(() => {
        if (isAnswered) return
        answer()
        reject(underWay.hasBegun ? cancellation.reason : notBegun(what, cancellation))
      })
    })
  }

  /** Each word that is sent gives the call the time of a call anew, as the caller's own clock does. */
  #progressOf({ meta, timeouts, sendProgress }: RequestContext, limit: CallLimit): CallProgress {
    return new CallProgress({
      token: meta.progressToken,
      send: (progress) => {
        sendProgress(progress)
        if (timeouts === undefined) return
        const leftMs = timeouts.mostCallMs - (performance.now() - limit.since)
        this.#clock.extend(limit, Math.min(timeouts.callMs, leftMs))
      },
    })
  }

  #logLate({ what, since }: CallLimit, { operationId }: CallMeta, { failure }: LateOutcome): void {
    const afterMs = Math.round(performance.now() - since)
    const outcome = failure === undefined ? 'its result' : 'its failure'
    this.#log.write('warn', `${what}: ended after it had been given up; ${outcome} is dropped`, {
      operationId,
      afterMs,
      ...(failure !== undefined && errorFields(failure)),
    })
  }
}

/** Given up before the author's code saw it. */
export function notBegun(what: string, cancellation: Cancellation): ConetError {
  const cause = reasonOf(cancellation, what)
  return new ConetError(cause.kind, `${cause.message}, while others on the same object were before it`, {
    cause,
    operationState: 'not-started',
  })
}
