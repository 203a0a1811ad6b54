// How long a message that has begun may stay unfinished (FRM-9), however steadily its bytes dribble.
import type { FrameReader } from './wire.ts'

export class Patience {
  readonly #reader: FrameReader
  readonly #limitsMs: { readonly header: number; readonly body: number }
  readonly #fault: (why: string) => void
  #watched = ''
  #timer: NodeJS.Timeout | undefined

  constructor(
    reader: FrameReader,
    limitsMs: { readonly header: number; readonly body: number },
    fault: (why: string) => void,
  ) {
    this.#reader = reader
    this.#limitsMs = limitsMs
    this.#fault = fault
  }

  /** To be called after each chunk. */
  watch(): void {
    const { phase, messages } = this.#reader
    const now = `${phase} ${messages}`
    if (now === this.#watched) return
    this.stop()
    this.#watched = now
    if (phase === 'nothing') return
    this.#timer = setTimeout(() => this.#fault(`its ${phase} was not whole in time`), this.#limitsMs[phase])
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
