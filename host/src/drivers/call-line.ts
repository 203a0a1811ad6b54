// Where calls wait before they are sent: as long as the line is shut, or as many are under way as may be. A call waits
// inside its own time, in its turn; what ends something does not wait behind what makes something.
import { ConetError, onAbort } from '@conet/sdk'

/** A line as long as this has no end in sight; one more is refused with `overloaded`. */
const mostWaiting = 10_000

export type Waiting = {
  /** For messages: `driver "bridge": endpoint/plug`. */
  readonly what: string
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Goes before those that are not. */
  readonly isUrgent: boolean
}

type Place = { admit(): void }

export class CallLine {
  readonly #most: number
  readonly #urgent = new Set<Place>()
  readonly #patient = new Set<Place>()
  #inside = 0
  #shut = 0

  /** So many may be under way at once. */
  constructor(most = Number.POSITIVE_INFINITY) {
    this.#most = most
  }

  get isShut(): boolean {
    return this.#shut > 0
  }

  /** Nobody comes in until it is disposed; more than one may hold it shut. */
  shut(): Disposable {
    this.#shut += 1
    let isShut = true
    return {
      [Symbol.dispose]: () => {
        if (isShut) this.#shut -= 1
        isShut = false
        this.#advance()
      },
    }
  }

  /**
   * Undefined: go on at once. Else resolves to the milliseconds that are left of the call's time when its turn comes.
   * Rejects with `deadlineExceeded`, `cancelled` or `overloaded`, nothing done. Who comes in must `leave`.
   */
  enter(waiting: Waiting): Promise<number> | undefined {
    const line = waiting.isUrgent ? this.#urgent : this.#patient
    if (this.#hasRoom && line.size === 0) {
      this.#inside += 1
      return undefined
    }
    return this.#wait(waiting, line)
  }

  leave(): void {
    this.#inside -= 1
    this.#advance()
  }

  get #hasRoom(): boolean {
    return this.#shut === 0 && this.#inside < this.#most
  }

  #wait({ what, timeoutMs, signal }: Waiting, line: Set<Place>): Promise<number> {
    const since = performance.now()
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(givenUp(what, signal))
      if (line.size >= mostWaiting) return reject(tooMany(what))
      const leave = () => {
        line.delete(place)
        clearTimeout(timer)
        listener?.[Symbol.dispose]()
      }
      const fail = (error: ConetError) => {
        leave()
        reject(error)
      }
      const place: Place = {
        admit: () => {
          leave()
          resolve(Math.max(1, timeoutMs - (performance.now() - since)))
        },
      }
      const timer = setTimeout(() => fail(tookTooLong(what, timeoutMs)), timeoutMs)
      const listener = signal && onAbort(signal, () => fail(givenUp(what, signal)))
      line.add(place)
    })
  }

  #advance(): void {
    for (const line of [this.#urgent, this.#patient]) {
      for (const place of line) {
        if (!this.#hasRoom) return
        this.#inside += 1
        place.admit()
      }
    }
  }
}

function tookTooLong(what: string, timeoutMs: number): ConetError {
  return new ConetError('deadlineExceeded', `${what}: waited ${timeoutMs} ms for its turn`, {
    operationState: 'not-started',
  })
}

function givenUp(what: string, signal: AbortSignal): ConetError {
  return new ConetError('cancelled', `${what}: given up by the caller`, {
    cause: signal.reason,
    operationState: 'not-started',
  })
}

function tooMany(what: string): ConetError {
  return new ConetError('overloaded', `${what}: ${mostWaiting} calls wait before it`)
}
