// The metrics of this conetd: who counts, and the library that writes them, which is loaded when nobody waits for it.
import type { Logger } from 'pino'
import type { DriverReader } from '../api/api-context.ts'
import { stateOf } from '../domain/container.ts'
import type { HostContext } from '../lifecycle/index.ts'
import { type HostFigures, tally } from '../metrics/figures.ts'
import type { OperationTimings } from '../metrics/operation-timings.ts'
import type { Exposition, HostMetrics } from '../metrics/prometheus.ts'
import { programUnavailable } from '../threads/index.ts'
import { poolReport } from './pool-report.ts'

/** After the start, in which each millisecond is somebody's. */
const loadDelayMs = 5_000

export type MetricsRoomOptions = {
  readonly host: HostContext
  readonly drivers: DriverReader
  readonly timings: OperationTimings
  readonly version: string
  readonly log: Logger
}

export class MetricsRoom implements Disposable {
  readonly #options: MetricsRoomOptions
  readonly #timer: NodeJS.Timeout
  #metrics: Promise<HostMetrics> | undefined

  constructor(options: MetricsRoomOptions) {
    this.#options = options
    this.#timer = setTimeout(() => void this.#loadEarly(), loadDelayMs)
  }

  /** Throws `programUnavailable`. */
  async scrape(): Promise<Exposition> {
    return (await this.#loaded()).scrape()
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }

  /** Nobody waits for it; who asks for metrics tries again, and is told. */
  async #loadEarly(): Promise<void> {
    try {
      await this.#loaded()
    } catch (err) {
      this.#options.log.warn({ err }, 'no metrics')
    }
  }

  #loaded(): Promise<HostMetrics> {
    clearTimeout(this.#timer)
    this.#metrics ??= this.#load().catch((cause: unknown) => {
      this.#metrics = undefined
      throw programUnavailable('write the metrics', cause)
    })
    return this.#metrics
  }

  async #load(): Promise<HostMetrics> {
    const { HostMetrics: Metrics } = await import('../metrics/prometheus.ts')
    const { version, timings } = this.#options
    const metrics = new Metrics({ version, figures: () => figuresOf(this.#options) })
    timings.listen((timing) => metrics.observe(timing))
    return metrics
  }
}

function figuresOf({ host, drivers }: MetricsRoomOptions): HostFigures {
  const { networks, containers, endpoints, sandboxes } = host.inventory
  const typeOf = (networkId: string) => networks.get(networkId)?.type ?? ''
  return {
    networks: tally(networks.values(), ({ type, state }) => ({ type, state })),
    containers: tally(containers.values(), ({ handle }) => ({ state: stateOf(sandboxes.get(handle)) })),
    endpoints: tally(endpoints.values(), ({ networkId, state }) => ({ type: typeOf(networkId), state })),
    drivers: drivers.list(),
    pools: poolReport(host),
    pendingRemovals: host.removals.size,
    pendingRepairs: host.repairs.size,
  }
}
