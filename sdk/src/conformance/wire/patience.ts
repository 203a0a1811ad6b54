// How long the kit waits for answers. A driver that hangs in one method must not make a run of minutes one of hours.

/** So often a method may keep the kit waiting for nothing; after that it gets a moment only. */
const mostMissed = 2

export type PatienceOptions = {
  /** What calls get in `_meta.timeoutMs`. */
  readonly callMs: number
  /** What an answer may come later than that. */
  readonly toleranceMs: number
  /** What a method gets that has been waited for in vain. */
  readonly momentMs: number
}

/** Of one run: it remembers over all connections and checks. */
export class Patience {
  readonly #options: PatienceOptions
  readonly #missed = new Map<string, number>()

  constructor(options: PatienceOptions) {
    this.#options = options
  }

  /** What a call of the method gets in `_meta.timeoutMs`. */
  callMs(method: string): number {
    const { callMs, momentMs } = this.#options
    return this.#isLost(method) ? Math.min(callMs, momentMs) : callMs
  }

  get toleranceMs(): number {
    return this.#options.toleranceMs
  }

  /** No answer came, or nothing but that the time was over. */
  missed(method: string): void {
    this.#missed.set(method, (this.#missed.get(method) ?? 0) + 1)
  }

  #isLost(method: string): boolean {
    return (this.#missed.get(method) ?? 0) >= mostMissed
  }
}

/** What a run has for a driver in good health, times the scale. */
export function patienceOf(scale: number): Patience {
  const scaled = (ms: number) => Math.max(1, Math.round(ms * scale))
  // Longer than what the judges of transcripts allow: what never comes must be waited for until it is late.
  const toleranceMs = Math.max(600, scaled(2_000))
  return new Patience({ callMs: scaled(10_000), toleranceMs, momentMs: scaled(1_000) })
}
