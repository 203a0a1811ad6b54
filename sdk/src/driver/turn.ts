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
  /** `Call.isRepair`; asked when the turn has come. */
  readonly isRepair?: (() => boolean) | undefined
  /** Hears what the author's code says it has mended. */
  readonly repaired?: ((what: string) => void) | undefined
  /** Hears how far the author's code is. */
  progress(message: string, percentage?: number): void
}

/**
 * What the author's code gets. A class, because V8 makes a hidden class of its own for each object literal with a
 * getter: thousands a second, which only a full collection frees. What most calls do not use is made for who asks.
 */
export class TurnCall implements Call {
  readonly #turn: Turn
  readonly #log: Log
  #writesLog: Call['log'] | undefined
  #saysProgress: Call['progress'] | undefined
  #saysRepaired: Call['repaired'] | undefined

  constructor(turn: Turn, log: Log) {
    this.#turn = turn
    this.#log = log
  }

  get operationId(): string {
    return this.#turn.meta.operationId
  }

  get attempt(): number {
    return this.#turn.meta.attempt
  }

  get traceparent(): string | undefined {
    return this.#turn.meta.traceparent
  }

  get tracestate(): string | undefined {
    return this.#turn.meta.tracestate
  }

  get isRepair(): boolean {
    return this.#turn.isRepair?.() ?? false
  }

  get signal(): AbortSignal {
    return this.#turn.cancellation.signal
  }

  // Functions of their own, so that an author may take them out of the call.
  get log(): Call['log'] {
    const { scope } = this.#turn
    this.#writesLog ??= (level, message, fields) =>
      this.#log.write(level, message, { ...fields, ...scope, operationId: this.operationId })
    return this.#writesLog
  }

  get progress(): Call['progress'] {
    this.#saysProgress ??= (message, percentage) => this.#turn.progress(message, percentage)
    return this.#saysProgress
  }

  get repaired(): Call['repaired'] {
    this.#saysRepaired ??= (difference) => {
      if (this.#turn.repaired !== undefined) this.#turn.repaired(difference)
      else this.log('info', `${this.#turn.what}: mended: ${difference}`)
    }
    return this.#saysRepaired
  }
}
