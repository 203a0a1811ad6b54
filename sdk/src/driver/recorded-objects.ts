// What a driver may leave out, done for it: a record of the networks and endpoints that it was told of in this life, and
// of the sandboxes into which they are plugged. After a restart the host's sync fills it again.
import type {
  CreateEndpointParams,
  CreateEndpointResult,
  EndpointRef,
  ListedEndpoint,
  Network,
  PlugParams,
  PlugResult,
  Sandbox,
  UnplugParams,
} from '../protocol/index.ts'
import type { Call, Driver } from './driver.ts'
import type { KnownEndpoint, KnownEndpoints } from './known-endpoints.ts'

export class RecordedObjects {
  readonly #driver: Driver
  readonly #networks = new Set<string>()
  readonly #endpoints: KnownEndpoints

  constructor(driver: Driver, endpoints: KnownEndpoints) {
    this.#driver = driver
    this.#endpoints = endpoints
  }

  async createNetwork(network: Network, call: Call): Promise<void> {
    await this.#driver.createNetwork?.(network, call)
    this.#networks.add(network.id)
  }

  async deleteNetwork(networkId: string, call: Call): Promise<void> {
    await this.#driver.deleteNetwork?.(networkId, call)
    this.#networks.delete(networkId)
  }

  async listNetworks(call: Call): Promise<string[]> {
    const found = await this.#driver.listNetworks?.(call)
    return this.#driver.createNetwork && found ? found : union(found, this.#networks)
  }

  async createEndpoint(params: CreateEndpointParams, call: Call): Promise<CreateEndpointResult> {
    const { network, endpointId } = params
    const result = await this.#driver.createEndpoint?.(params, call)
    this.noteCreated(this.#endpoints.of({ networkId: network.id, endpointId }), network.id)
    return result ?? {}
  }

  /** Whether the author's code has a part in `createEndpoint`. */
  get createsEndpoints(): boolean {
    return this.#driver.createEndpoint !== undefined
  }

  /** All that `createEndpoint` does where the author's code has no part in it. */
  noteCreated(known: KnownEndpoint, networkId: string): void {
    known.networkId = networkId
    known.isCreated = true
  }

  async deleteEndpoint(endpoint: EndpointRef, call: Call): Promise<void> {
    if (this.#driver.deleteEndpoint === undefined) await this.unplug(endpoint, call)
    else await this.#driver.deleteEndpoint(endpoint, call)
    this.#endpoints.forget(endpoint.endpointId)
  }

  /** `notSince`: only those that the host has not named from then on. */
  async listEndpoints(call: Call, notSince = Number.POSITIVE_INFINITY): Promise<ListedEndpoint[]> {
    const found = await this.#driver.listEndpoints?.(call)
    if (found === undefined) return this.#endpoints.created(notSince)
    const listed = found.filter(
      ({ endpointId }) => (this.#endpoints.find(endpointId)?.namedAt ?? 0) < notSince,
    )
    if (this.#driver.createEndpoint) return listed
    const isListed = new Set(listed.map(({ endpointId }) => endpointId))
    return [
      ...listed,
      ...this.#endpoints.created(notSince).filter(({ endpointId }) => !isListed.has(endpointId)),
    ]
  }

  /** Once it has resolved, `notePlugged`. */
  plug(params: PlugParams, call: Call): Promise<PlugResult> {
    return this.#driver.plug(params, call)
  }

  notePlugged(known: KnownEndpoint, sandbox: Sandbox): void {
    // In a sync of thousands nearly all stay where they are, and what is new need not be kept.
    if (known.sandbox === sandbox) return
    if (known.sandbox?.path !== sandbox.path || known.sandbox.id !== sandbox.id) known.sandbox = sandbox
  }

  /** A host that has lost its records does not name the sandbox. */
  async unplug(params: UnplugParams, call: Call): Promise<void> {
    const { sandbox = this.#endpoints.find(params.endpointId)?.sandbox } = params
    await this.#driver.unplug({ ...params, ...(sandbox && { sandbox }) }, call)
    const known = this.#endpoints.find(params.endpointId)
    if (known !== undefined) known.sandbox = undefined
  }
}

function union(found: readonly string[] = [], told: ReadonlySet<string>): string[] {
  return [...new Set([...found, ...told])]
}
