// What the metrics say of the host at one moment. Plain numbers: knows no Prometheus and no store.
import type { DriverView, PoolsView } from '@conet/sdk/api'

export type HostFigures = {
  readonly networks: readonly Tally[]
  readonly containers: readonly Tally[]
  readonly endpoints: readonly Tally[]
  readonly drivers: readonly DriverView[]
  readonly pools: PoolsView
  /** What waits for a driver to confirm that it is gone. */
  readonly pendingRemovals: number
  /** What is not as it should be, and tried again. */
  readonly pendingRepairs: number
}

/** How many there are with these labels. */
export type Tally = { readonly labels: Readonly<Record<string, string>>; readonly count: number }

export function tally<T>(all: Iterable<T>, labelsOf: (one: T) => Record<string, string>): Tally[] {
  const counts = new Map<string, { labels: Record<string, string>; count: number }>()
  for (const one of all) {
    const labels = labelsOf(one)
    const key = JSON.stringify(labels)
    const found = counts.get(key)
    if (found === undefined) counts.set(key, { labels, count: 1 })
    else found.count += 1
  }
  return [...counts.values()]
}
