// What a driver may leave out, done for it: a record of the networks and endpoints that it was told of in this life, and
// of the sandboxes into which they are plugged. After a restart the host's sync fills it again.
import type {
  CreateEndpointParams,
  CreateEndpointResult,
  EndpointRef,
  Network,
  PlugParams,
  PlugResult,
  Sandbox,
  UnplugParams,
} from '../protocol/index.ts'
import type { Call, Driver } from './driver.ts'

export class RecordedObjects {
  readonly #driver: Driver
  readonly #networks = new Set<string>()
  readonly #endpoints = new Map<string, EndpointRef>()
  readonly #sandboxes = new Map<string, Sandbox>()

  constructor(driver: Driver) {
    this.#driver = driver
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
    this.#endpoints.set(endpointId, { networkId: network.id, endpointId })
    return result ?? {}
  }

  async deleteEndpoint(endpoint: EndpointRef, call: Call): Promise<void> {
    if (this.#driver.deleteEndpoint === undefined) await this.unplug(endpoint, call)
    else await this.#driver.deleteEndpoint(endpoint, call)
    this.#endpoints.delete(endpoint.endpointId)
    this.#sandboxes.delete(endpoint.endpointId)
  }

  async listEndpoints(call: Call): Promise<EndpointRef[]> {
    const found = await this.#driver.listEndpoints?.(call)
    if (this.#driver.createEndpoint && found) return found
    const byId = [...(found ?? []), ...this.#endpoints.values()].map((one) => [one.endpointId, one] as const)
    return [...new Map(byId).values()]
  }

  async plug(params: PlugParams, call: Call): Promise<PlugResult> {
    const result = await this.#driver.plug(params, call)
    this.#sandboxes.set(params.endpointId, params.sandbox)
    return result
  }

  /** A host that has lost its records does not name the sandbox. */
  async unplug(params: UnplugParams, call: Call): Promise<void> {
    const { sandbox = this.#sandboxes.get(params.endpointId) } = params
    await this.#driver.unplug({ ...params, ...(sandbox && { sandbox }) }, call)
    this.#sandboxes.delete(params.endpointId)
  }
}

function union(found: readonly string[] = [], told: ReadonlySet<string>): string[] {
  return [...new Set([...found, ...told])]
}
