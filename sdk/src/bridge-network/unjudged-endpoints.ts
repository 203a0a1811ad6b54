// Endpoints that stood as the driver took charge: where it finds tables gone or emptied, what began in that time began unjudged, and
// nobody had watched. When the last of them has come back with the sync, all is known by which it is judged.

/** When none has come back for so long, the sync has gone past those that are missing: somebody else is in trouble with them. */
const quietMs = 5_000

export class UnjudgedEndpoints {
  readonly #awaited = new Set<string>()
  #isLoss: () => boolean = () => false
  #whenOverdue: () => void = () => undefined
  #whenComplete: () => void = () => undefined
  #isOverdue = false
  #isComplete = false
  #timer: NodeJS.Timeout | undefined

  /** Calls back from now on when some are missing for too long: the flows of the others are to be judged without them. */
  whenOverdue(judge: () => void): void {
    this.#whenOverdue = judge
  }

  /** Whether this process knows all that is to be known: those that stood have come back, or been given up. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** Calls back from now on when that becomes so. */
  whenComplete(settle: () => void): void {
    this.#whenComplete = settle
  }

  /** None stood. */
  awaitNone(): void {
    this.leave()
    this.#complete()
  }

  /** These, instead of those before. `isLoss`: asked when flows may be to be judged, whether there was anything to lose. */
  await(endpointIds: Iterable<string>, isLoss: () => boolean): void {
    this.leave()
    for (const endpointId of endpointIds) this.#awaited.add(endpointId)
    this.#isLoss = isLoss
    this.#isOverdue = false
    this.#isComplete = false
    if (this.#awaited.size === 0) this.#endWait()
    else this.#timer = setTimeout(() => this.#endWait(), quietMs).unref()
  }

  /** The sync shows that something was lost. */
  noteLoss(): void {
    this.#isLoss = () => true
  }

  /** The endpoint has come back, or is gone. Whether the flows of all are to be judged now. */
  isDue(endpointId: string): boolean {
    if (!this.#awaited.delete(endpointId)) return false
    if (this.#awaited.size > 0 && !this.#isOverdue) {
      this.#timer?.refresh()
      return false
    }
    clearTimeout(this.#timer)
    this.#complete()
    return this.#isLoss()
  }

  /** Waits for none any more. May be repeated. */
  leave(): void {
    clearTimeout(this.#timer)
    this.#awaited.clear()
  }

  #complete(): void {
    this.#isComplete = true
    this.#whenComplete()
  }

  #endWait(): void {
    this.#isOverdue = true
    this.#complete()
    if (this.#isLoss()) this.#whenOverdue()
  }
}
