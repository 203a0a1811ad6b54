// The calls that make and end networks and endpoints, with what this process was told of each: an id that comes again
// with other content is refused before the author's code sees it. A driver that has just started was told nothing, so
// the first word counts, and so does every sync. docs/protocol.md IDEM-2, IDEM-3, PLUG-2, PLUG-3, NET-4
import { isDeepStrictEqual } from 'node:util'
import { ConetError } from '../errors/index.ts'
import type {
  CreateEndpointParams,
  CreateEndpointResult,
  EndpointRef,
  Network,
  PlugParams,
  PlugResult,
  UnplugParams,
} from '../protocol/index.ts'
import type { Call, Driver } from './driver.ts'
import { RecordedObjects } from './recorded-objects.ts'
import {
  contentOfEndpoint,
  contentOfNetwork,
  type EndpointContent,
  endpointDifferences,
  type NetworkContent,
  networkDifferences,
} from './told-content.ts'

type ToldEndpoint = {
  readonly content: EndpointContent
  readonly addresses: readonly string[]
  /** Where it is plugged. */
  readonly sandboxPath: string | undefined
}

export class ToldObjects {
  readonly #objects: RecordedObjects
  readonly #hasOwnAddresses: boolean
  readonly #networks = new Map<string, NetworkContent>()
  readonly #endpoints = new Map<string, ToldEndpoint>()

  constructor(driver: Driver) {
    this.#objects = new RecordedObjects(driver)
    this.#hasOwnAddresses = driver.ipam === 'driver'
  }

  /** Throws `conflict` for a network that exists with other content. */
  async createNetwork(network: Network, call: Call): Promise<void> {
    const content = contentOfNetwork(network)
    const told = this.#networks.get(network.id)
    if (told !== undefined) assertSame(`create network ${network.id}`, networkDifferences(told, content))
    await this.#objects.createNetwork(network, call)
    this.#networks.set(network.id, content)
  }

  /** Throws `inUse` while it has endpoints. */
  async deleteNetwork(networkId: string, call: Call): Promise<void> {
    const members = [...this.#endpoints].filter(([, { content }]) => content.networkId === networkId)
    if (members.length > 0) throw networkInUse(networkId, members.length)
    await this.#objects.deleteNetwork(networkId, call)
    this.#networks.delete(networkId)
  }

  listNetworks(call: Call): Promise<string[]> {
    return this.#objects.listNetworks(call)
  }

  /** Throws `conflict` for an endpoint that exists with other content. */
  async createEndpoint(params: CreateEndpointParams, call: Call): Promise<CreateEndpointResult> {
    const { endpointId } = params
    this.assertSameEndpoint('create', params)
    const result = await this.#objects.createEndpoint(params, call)
    const sandboxPath = this.#endpoints.get(endpointId)?.sandboxPath
    const addresses = result.addresses ?? params.interface.addresses
    this.#endpoints.set(endpointId, { content: contentOfEndpoint(params), addresses, sandboxPath })
    return result
  }

  async deleteEndpoint(endpoint: EndpointRef, call: Call): Promise<void> {
    await this.#objects.deleteEndpoint(endpoint, call)
    this.#endpoints.delete(endpoint.endpointId)
  }

  listEndpoints(call: Call): Promise<EndpointRef[]> {
    return this.#objects.listEndpoints(call)
  }

  /**
   * Throws `conflict` for other content, `inUse` while the endpoint is plugged into another sandbox. Creates first what
   * another instance, or this one in a former life, was told to create.
   */
  async plug(params: PlugParams, call: Call): Promise<PlugResult> {
    const { endpointId, sandbox, ...rest } = params
    if (!this.#endpoints.has(endpointId)) await this.createEndpoint({ endpointId, ...rest }, call)
    const told = this.#endpoints.get(endpointId)
    this.assertSameEndpoint('plug', params)
    if (told?.sandboxPath !== undefined && told.sandboxPath !== sandbox.path)
      throw pluggedElsewhere(params, told.sandboxPath)
    const result = await this.#objects.plug(params, call)
    const { addresses } = params.interface
    this.#endpoints.set(endpointId, {
      content: contentOfEndpoint(params),
      addresses,
      sandboxPath: sandbox.path,
    })
    return result
  }

  async unplug(params: UnplugParams, call: Call): Promise<void> {
    await this.#objects.unplug(params, call)
    const told = this.#endpoints.get(params.endpointId)
    if (told !== undefined) this.#endpoints.set(params.endpointId, { ...told, sandboxPath: undefined })
  }

  /** Throws `conflict` for an endpoint that exists with other content; what was never told of is as it is said to be. */
  assertSameEndpoint(verb: string, params: CreateEndpointParams): void {
    const told = this.#endpoints.get(params.endpointId)
    if (told === undefined) return
    const differences = endpointDifferences(told.content, contentOfEndpoint(params))
    if (!this.#areSameAddresses(told.addresses, params.interface.addresses)) differences.push('addresses')
    assertSame(`${verb} endpoint ${params.endpointId}`, differences)
  }

  /** A sync is about to say what the network is. */
  forgetNetwork(networkId: string): void {
    this.#networks.delete(networkId)
  }

  /** A sync is about to say what the endpoint is. Returns the path of the sandbox that it was plugged into. */
  forgetEndpoint(endpointId: string): string | undefined {
    const sandboxPath = this.#endpoints.get(endpointId)?.sandboxPath
    this.#endpoints.delete(endpointId)
    return sandboxPath
  }

  /** A sync has named everything: what it did not name may have gone while another instance was in charge. */
  keepOnly({ networks, endpoints }: { networks: ReadonlySet<string>; endpoints: ReadonlySet<string> }): void {
    for (const id of this.#networks.keys()) if (!networks.has(id)) this.#networks.delete(id)
    for (const id of this.#endpoints.keys()) if (!endpoints.has(id)) this.#endpoints.delete(id)
  }

  /** Before a driver with its own addresses has chosen, the host sends none. */
  #areSameAddresses(told: readonly string[], given: readonly string[]): boolean {
    if (this.#hasOwnAddresses && given.length === 0) return true
    return isDeepStrictEqual(told, given)
  }
}

function assertSame(what: string, differences: readonly string[]): void {
  if (differences.length === 0) return
  throw new ConetError('conflict', `${what}: it exists with other content: ${differences.join(', ')}`, {
    details: { differences },
    help: 'Delete it first, or make one with another id.',
  })
}

function networkInUse(networkId: string, endpoints: number): ConetError {
  return new ConetError('inUse', `delete network ${networkId}: it has ${endpoints} endpoints`, {
    details: { endpoints },
    help: 'Delete its endpoints first.',
  })
}

function pluggedElsewhere({ endpointId, sandbox }: PlugParams, sandboxPath: string): ConetError {
  const message = `plug endpoint ${endpointId} into ${sandbox.path}: it is plugged into ${sandboxPath}`
  return new ConetError('inUse', message, { details: { sandboxPath }, help: 'Unplug it there first.' })
}
