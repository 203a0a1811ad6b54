// What was measured: numbers under the name of their row, and what is said of them.

export type Samples = Map<string, number[]>

export type Summary = { p50: number; p99: number; n: number }

export function record(samples: Samples, row: string, value: number): void {
  const known = samples.get(row)
  if (known === undefined) samples.set(row, [value])
  else known.push(value)
}

/** Undefined when there is nothing to summarise. p99 of fewer than a hundred samples is their largest. */
export function summarise(values: readonly number[]): Summary | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  const p50 = quantile(sorted, 0.5)
  const p99 = quantile(sorted, 0.99)
  return p50 === undefined || p99 === undefined ? undefined : { p50, p99, n: sorted.length }
}

/** Milliseconds that the work took. */
export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** As `timed`, without the turn of the event loop that an await costs. */
export function timedSync(work: () => void): number {
  const start = performance.now()
  work()
  return performance.now() - start
}

function quantile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}
