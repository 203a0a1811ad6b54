// Work of the author's code on one object, and what that code gets for it beside the parameters.
import type { Cancellation } from '../cancellation.ts'
import type { ConetError } from '../errors/index.ts'
import type { CallMeta } from '../protocol/index.ts'
import type { Scope } from './call-order.ts'
import type { Call } from './driver.ts'
import type { Log } from './driver-log.ts'

/** What goes with a turn. */
export type TurnHooks = Pick<Turn, 'before' | 'ended'>

/** Work on one object, which waits for its turn. */
export type Turn = {
  /** For messages: `endpoint/plug`. */
  readonly what: string
  /** Undefined: no turn to wait for. */
  readonly scope: Scope | undefined
  readonly meta: CallMeta
  readonly cancellation: Cancellation
  /** Runs when the turn has come; what it throws is the failure. */
  readonly before?: (() => void) | undefined
  /** Runs before anything behind it begins. */
  readonly ended?: ((failure: ConetError | undefined) => void) | undefined
  /** Hears what the author's code says it has mended. */
  readonly repaired?: ((what: string) => void) | undefined
  /** Hears how far the author's code is. */
  progress(message: string, percentage?: number): void
}

/**
 * What the author's code gets. A class, because V8 makes a hidden class of its own for each object literal with a
 * getter: thousands a second, which only a full collection frees.
 */
export class TurnCall implements Call {
  readonly operationId: string
  readonly attempt: number
  readonly traceparent: string | undefined
  readonly tracestate: string | undefined
  // Properties, so that an author may take them out of the call.
  readonly log: Call['log']
  readonly progress: Call['progress']
  readonly repaired: Call['repaired']
  readonly #cancellation: Cancellation

  constructor({ what, scope, meta, cancellation, repaired, progress }: Turn, log: Log) {
    const { operationId, attempt, traceparent, tracestate } = meta
    this.operationId = operationId
    this.attempt = attempt
    this.traceparent = traceparent
    this.tracestate = tracestate
    this.log = (level, message, fields) => log.write(level, message, { ...fields, ...scope, operationId })
    this.progress = progress
    this.repaired = repaired ?? ((difference) => this.log('info', `${what}: mended: ${difference}`))
    this.#cancellation = cancellation
  }

  /** Made for who asks. */
  get signal(): AbortSignal {
    return this.#cancellation.signal
  }
}
