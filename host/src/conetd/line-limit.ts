// So many lines of one text in a span of time; what is left out is counted.

export type LineTicket = {
  readonly isWritten: boolean
  /** Lines of this text that were left out before this one, told now. */
  readonly leftOut: number
}

export type LineLimitOptions = {
  readonly mostLines?: number
  readonly spanMs?: number
  readonly nowMs?: () => number
}

type Span = { readonly begin: number; lines: number }

/** Texts that were forgotten begin anew. */
const mostTexts = 500

export class LineLimit {
  readonly #options: Required<LineLimitOptions>
  readonly #spans = new Map<string, Span>()

  constructor({ mostLines = 20, spanMs = 60_000, nowMs = () => performance.now() }: LineLimitOptions = {}) {
    this.#options = { mostLines, spanMs, nowMs }
  }

  take(text: string): LineTicket {
    const { mostLines, spanMs, nowMs } = this.#options
    const now = nowMs()
    const span = this.#spans.get(text)
    if (span !== undefined && now - span.begin < spanMs) {
      span.lines += 1
      return { isWritten: span.lines <= mostLines, leftOut: 0 }
    }
    this.#begin(text, now)
    return { isWritten: true, leftOut: Math.max(0, (span?.lines ?? 0) - mostLines) }
  }

  #begin(text: string, now: number): void {
    this.#spans.delete(text)
    const [oldest] = this.#spans.keys()
    if (this.#spans.size >= mostTexts && oldest !== undefined) this.#spans.delete(oldest)
    this.#spans.set(text, { begin: now, lines: 1 })
  }
}
