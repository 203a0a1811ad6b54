// Endpoints that stood when the driver found its tables gone as it took charge: what began in that time began unjudged, and nobody had
// watched. When the last of them has come back with the sync, all is known by which it is judged.

export class UnjudgedEndpoints {
  readonly #awaited = new Set<string>()
  #isLoss: () => boolean = () => false

  /** These, instead of those before. `isLoss`: asked when the last has come back, whether there was anything to lose. */
  await(endpointIds: Iterable<string>, isLoss: () => boolean): void {
    this.#awaited.clear()
    for (const endpointId of endpointIds) this.#awaited.add(endpointId)
    this.#isLoss = isLoss
  }

  /** The endpoint has come back, or is gone. Whether the flows of all are to be judged now. */
  isLast(endpointId: string): boolean {
    return this.#awaited.delete(endpointId) && this.#awaited.size === 0 && this.#isLoss()
  }
}
