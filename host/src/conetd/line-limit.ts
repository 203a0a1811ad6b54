// So many lines of one text in a span of time, and of those so many about one object; what is left out is counted, and the count is told.

/** What a line says, and of what. */
export type LineSubject = {
  readonly text: string
  /** Whose word it is: one that is noisy takes nothing from the others. */
  readonly source: string
  /** What it is about: one that fails again and again hides no other. Empty: nothing that has a name. */
  readonly object: string
}

/** Lines of one text that were not written. */
export class LeftOut {
  readonly count: number
  readonly text: string

  constructor(text: string, count: number) {
    this.text = text
    this.count = count
  }
}

export type LineTicket = {
  readonly isWritten: boolean
  /** Of spans that are over: to be told now. */
  readonly leftOut: readonly LeftOut[]
}

export type LineLimitOptions = {
  /** About one object. */
  readonly mostLines?: number
  /** About all objects. */
  readonly mostOfText?: number
  readonly spanMs?: number
  readonly nowMs?: () => number
}

/** Lines that were written, and how many of them are about each object. */
type Span = {
  readonly begin: number
  readonly text: string
  written: number
  leftOut: number
  readonly ofObject: Map<string, number>
}

/** Beyond it the oldest ends early. */
const mostSpans = 500

export class LineLimit {
  readonly spanMs: number
  readonly #mostLines: number
  readonly #mostOfText: number
  readonly #nowMs: () => number
  /** By text and source, oldest first. */
  readonly #spans = new Map<string, Span>()

  constructor({
    mostLines = 20,
    mostOfText = 1_000,
    spanMs = 60_000,
    nowMs = () => performance.now(),
  }: LineLimitOptions = {}) {
    this.spanMs = spanMs
    this.#mostLines = mostLines
    this.#mostOfText = mostOfText
    this.#nowMs = nowMs
  }

  take({ text, source, object }: LineSubject): LineTicket {
    const leftOut = this.over()
    const key = `${text}\n${source}`
    const span = this.#spans.get(key) ?? this.#begin(key, text, leftOut)
    const lines = span.ofObject.get(object) ?? 0
    const isWritten = lines < this.#mostLines && span.written < this.#mostOfText
    if (isWritten) {
      span.written += 1
      span.ofObject.set(object, lines + 1)
    } else span.leftOut += 1
    return { isWritten, leftOut }
  }

  /** Ends the spans whose time is up. */
  over(): LeftOut[] {
    const now = this.#nowMs()
    const over: LeftOut[] = []
    for (const [key, { begin }] of this.#spans) {
      if (now - begin < this.spanMs) break
      over.push(...this.#end(key))
    }
    return over
  }

  /** Ends all. */
  rest(): LeftOut[] {
    return [...this.#spans.keys()].flatMap((key) => this.#end(key))
  }

  #begin(key: string, text: string, leftOut: LeftOut[]): Span {
    const [oldest] = this.#spans.keys()
    if (this.#spans.size >= mostSpans && oldest !== undefined) leftOut.push(...this.#end(oldest))
    const span: Span = { begin: this.#nowMs(), text, written: 0, leftOut: 0, ofObject: new Map() }
    this.#spans.set(key, span)
    return span
  }

  #end(key: string): LeftOut[] {
    const { text, leftOut } = this.#spans.get(key) ?? { text: '', leftOut: 0 }
    this.#spans.delete(key)
    return leftOut > 0 ? [new LeftOut(text, leftOut)] : []
  }
}
