// The last latencies of one method, in a ring of fixed size.

const defaultSize = 512

export class LatencyWindow {
  readonly #size: number
  readonly #latencies: number[] = []
  #next = 0

  constructor(size = defaultSize) {
    this.#size = size
  }

  add(latencyMs: number): void {
    this.#latencies[this.#next] = latencyMs
    this.#next = (this.#next + 1) % this.#size
  }

  /** Of what the window holds, by nearest rank; undefined as long as it is empty. `0.5` is the median. */
  percentiles(...ranks: number[]): (number | undefined)[] {
    const sorted = this.#latencies.toSorted((a, b) => a - b)
    return ranks.map((rank) => sorted[Math.max(0, Math.ceil(rank * sorted.length) - 1)])
  }
}
