// The host's metrics in the text format of Prometheus. Loaded when conetd serves already, since nobody waits for it.
import {
  type Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  Registry,
  Counter as TotalCounter,
} from 'prom-client'
import type { HostFigures, Tally } from './figures.ts'
import type { Timing } from './operation-timings.ts'

/** From a tenth of a millisecond to the longest that a driver may take. */
const buckets = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
  300,
]

export type Exposition = { readonly contentType: string; readonly text: string }

export class HostMetrics {
  readonly #registry = new Registry()
  readonly #figures: () => HostFigures
  readonly #operations: Histogram
  readonly #gauges
  readonly #driverCalls: Counter

  constructor({ version, figures }: { version: string; figures: () => HostFigures }) {
    this.#figures = figures
    const registers = [this.#registry]
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: 20 })
    this.#operations = new Histogram({
      name: 'conet_operation_duration_seconds',
      help: 'Time from the request to the outcome of an operation; outcome is ok or the kind of the error.',
      labelNames: ['operation', 'outcome'],
      buckets,
      registers,
    })
    this.#driverCalls = new TotalCounter({
      name: 'conet_driver_calls_total',
      help: 'Calls on a driver that have ended.',
      labelNames: ['driver', 'method', 'outcome'],
      registers,
    })
    this.#gauges = hostGauges(this.#registry)
    const about = { name: 'conet_info', help: 'The version of conetd.', labelNames: ['version'], registers }
    new Gauge(about).set({ version }, 1)
  }

  observe({ operation, outcome, seconds }: Timing): void {
    this.#operations.observe({ operation, outcome }, seconds)
  }

  async scrape(): Promise<Exposition> {
    this.#fill(this.#figures())
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() }
  }

  #fill(figures: HostFigures): void {
    const gauges = this.#gauges
    for (const gauge of Object.values(gauges)) gauge.reset()
    setAll(gauges.networks, figures.networks)
    setAll(gauges.containers, figures.containers)
    setAll(gauges.endpoints, figures.endpoints)
    gauges.pendingRemovals.set(figures.pendingRemovals)
    gauges.pendingRepairs.set(figures.pendingRepairs)
    this.#fillPools(figures)
    this.#fillDrivers(figures)
  }

  #fillPools({ pools }: HostFigures): void {
    const gauges = this.#gauges
    for (const { base, subnets, used } of pools.address_pools) {
      gauges.poolSubnets.set({ pool: base }, uncapped(subnets))
      gauges.poolSubnetsUsed.set({ pool: base }, used)
    }
    gauges.ports.set(pools.port_pool.size)
    gauges.portsUsed.set(pools.port_pool.used)
    for (const { network_name: network, subnet, addresses, used } of pools.subnets) {
      gauges.addresses.set({ network, subnet }, uncapped(addresses))
      gauges.addressesUsed.set({ network, subnet }, used)
    }
  }

  #fillDrivers({ drivers }: HostFigures): void {
    const gauges = this.#gauges
    this.#driverCalls.reset()
    for (const { name: driver, state, calls_in_flight: calls, methods, violations } of drivers) {
      gauges.driverState.set({ driver, state }, 1)
      gauges.driverReady.set({ driver }, state === 'ready' ? 1 : 0)
      gauges.driverCallsInFlight.inc({ driver }, calls.length)
      for (const { kind, count } of violations) gauges.driverViolations.inc({ driver, kind }, count)
      for (const { method, count, failed, p50_ms: p50, p99_ms: p99 } of methods) {
        this.#driverCalls.inc({ driver, method, outcome: 'ok' }, count - failed)
        this.#driverCalls.inc({ driver, method, outcome: 'failed' }, failed)
        if (p50 !== undefined) gauges.driverCallTime.set({ driver, method, quantile: '0.5' }, p50 / 1000)
        if (p99 !== undefined) gauges.driverCallTime.set({ driver, method, quantile: '0.99' }, p99 / 1000)
      }
    }
  }
}

/** What is capped in JSON, since it has no larger number, is `+Inf`: a share of it is none. */
function uncapped(count: number): number {
  return count < Number.MAX_SAFE_INTEGER ? count : Number.POSITIVE_INFINITY
}

function setAll(gauge: Gauge, tallies: readonly Tally[]): void {
  for (const { labels, count } of tallies) gauge.set({ ...labels }, count)
}

function hostGauges(registry: Registry) {
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name: `conet_${name}`, help, labelNames, registers: [registry] })
  return {
    networks: gauge('networks', 'Networks on record.', 'type', 'state'),
    containers: gauge('containers', 'Containers on record.', 'state'),
    endpoints: gauge('endpoints', 'Endpoints on record.', 'type', 'state'),
    pendingRemovals: gauge(
      'pending_removals',
      'Objects that wait for a driver to confirm that they are gone.',
    ),
    pendingRepairs: gauge('pending_repairs', 'Objects that are not as they should be, and tried again.'),
    poolSubnets: gauge('address_pool_subnets', 'Subnets that can be cut from an address pool.', 'pool'),
    poolSubnetsUsed: gauge('address_pool_subnets_used', 'Subnets of an address pool that are taken.', 'pool'),
    addresses: gauge(
      'subnet_addresses',
      'Addresses that endpoints of a network can have.',
      'network',
      'subnet',
    ),
    addressesUsed: gauge(
      'subnet_addresses_used',
      'Addresses that endpoints of a network hold.',
      'network',
      'subnet',
    ),
    ports: gauge('port_pool_ports', 'Ports that containers can get from the pool.'),
    portsUsed: gauge('port_pool_ports_used', 'Ports of the pool that containers have.'),
    driverState: gauge(
      'driver_state',
      'The state of a driver’s connection: 1 for the one it is in.',
      'driver',
      'state',
    ),
    driverReady: gauge('driver_ready', 'Whether a driver takes calls and answers in time.', 'driver'),
    driverCallsInFlight: gauge('driver_calls_in_flight', 'Calls on a driver without an answer.', 'driver'),
    driverViolations: gauge('driver_violations', 'What a driver did against the protocol.', 'driver', 'kind'),
    driverCallTime: gauge(
      'driver_call_recent_seconds',
      'Quantiles over the last 512 calls that succeeded.',
      ...['driver', 'method', 'quantile'],
    ),
  }
}
