// What a call tells of its progress: seldom enough not to flood the host, the last word never lost, and none after the
// answer. It knows no connection.
import type { Progress } from '../protocol/index.ts'

/** Three a second, and the last word, which does not wait: never more than four. */
const pauseMs = 350
const maxMessageLength = 4_096

export type CallProgressOptions = {
  /** `_meta.progressToken`; undefined: the host wants to hear nothing. */
  readonly token: string | undefined
  send(progress: Progress): void
}

export class CallProgress implements Disposable {
  readonly #options: CallProgressOptions
  /** What came too soon after the last one that was sent. */
  #held: Progress | undefined
  #highest = 0
  #pause: NodeJS.Timeout | undefined
  #hasEnded = false

  constructor(options: CallProgressOptions) {
    this.#options = options
  }

  /** Does nothing once the call has ended. */
  report(message: string, percentage?: number): void {
    const { token } = this.#options
    if (token === undefined || this.#hasEnded) return
    this.#held = { token, message: message.slice(0, maxMessageLength), ...this.#rising(percentage) }
    if (this.#pause === undefined) this.#release()
  }

  /** The call has its answer: says what was held back, before the answer goes out, and then nothing more. */
  [Symbol.dispose](): void {
    this.#hasEnded = true
    clearTimeout(this.#pause)
    this.#flush()
  }

  #release(): void {
    this.#pause = undefined
    if (!this.#flush()) return
    this.#pause = setTimeout(() => this.#release(), pauseMs)
  }

  #flush(): boolean {
    const held = this.#held
    if (held === undefined) return false
    this.#held = undefined
    this.#options.send(held)
    return true
  }

  /** A percentage never falls, whatever the author's code counts. */
  #rising(percentage: number | undefined): Pick<Progress, 'percentage'> {
    if (percentage === undefined || Number.isNaN(percentage)) return {}
    this.#highest = Math.max(this.#highest, Math.min(percentage, 100))
    return { percentage: this.#highest }
  }
}
