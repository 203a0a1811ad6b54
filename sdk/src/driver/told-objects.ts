// The calls that make and end networks and endpoints, with what this process was told of each: an id that comes again
// with other content is refused before the author's code sees it. A driver that has just started was told nothing, so
// the first word counts, and so does every sync. docs/protocol.md IDEM-2, IDEM-3, PLUG-2, PLUG-3, NET-4
import { ConetError } from '../errors/index.ts'
import { isSameJson } from '../jsonrpc/index.ts'
import type {
  CreateEndpointParams,
  CreateEndpointResult,
  DesiredEndpoint,
  EndpointRef,
  ListedEndpoint,
  Network,
  PlugParams,
  PlugResult,
  UnplugParams,
} from '../protocol/index.ts'
import { checkedResult } from './checked-result.ts'
import type { Call, Driver } from './driver.ts'
import { type KnownEndpoint, KnownEndpoints, type ToldEndpoint } from './known-endpoints.ts'
import { RecordedObjects } from './recorded-objects.ts'
import {
  contentOfEndpoint,
  contentOfNetwork,
  endpointDifferences,
  type NetworkContent,
  networkDifferences,
} from './told-content.ts'

export class ToldObjects {
  readonly #objects: RecordedObjects
  readonly #hasOwnAddresses: boolean
  readonly #networks = new Map<string, NetworkContent>()
  readonly #endpoints = new KnownEndpoints()

  constructor(driver: Driver) {
    this.#objects = new RecordedObjects(driver, this.#endpoints)
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
    let members = 0
    for (const { told } of this.#endpoints.all()) if (told?.content.networkId === networkId) members += 1
    if (members > 0) throw networkInUse(networkId, members)
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
    const known = this.#endpoints.of({ networkId: params.network.id, endpointId })
    const addresses = result.addresses ?? params.interface.addresses
    known.told = { content: contentOfEndpoint(params), addresses, sandboxPath: known.told?.sandboxPath }
    return result
  }

  async deleteEndpoint(endpoint: EndpointRef, call: Call): Promise<void> {
    await this.#objects.deleteEndpoint(endpoint, call)
  }

  listEndpoints(call: Call): Promise<ListedEndpoint[]> {
    return this.#objects.listEndpoints(call)
  }

  /** Whether the host has spoken of the endpoint since then. */
  isNamed(endpointId: string, since: number): boolean {
    const known = this.#endpoints.find(endpointId)
    return known !== undefined && known.namedAt >= since
  }

  /** Those of which it has not. */
  async listUnnamed(since: number, call: Call): Promise<EndpointRef[]> {
    const unnamed = await this.#objects.listEndpoints(call, since)
    return unnamed.map(({ networkId, endpointId }) => ({ networkId, endpointId }))
  }

  /**
   * Throws `conflict` for other content, `inUse` while the endpoint is plugged into another sandbox. Creates first what
   * another instance, or this one in a former life, was told to create.
   */
  async plug(params: PlugParams, call: Call): Promise<PlugResult> {
    const { endpointId, network, sandbox } = params
    if (this.#endpoints.find(endpointId)?.told === undefined)
      await this.createEndpoint(withoutSandbox(params), call)
    this.assertSameEndpoint('plug', params)
    const known = this.#endpoints.of({ networkId: network.id, endpointId })
    const { told } = known
    if (told?.sandboxPath !== undefined && told.sandboxPath !== sandbox.path)
      throw pluggedElsewhere(params, told.sandboxPath)
    const result = await this.#objects.plug(params, call)
    this.#objects.notePlugged(known, sandbox)
    const { addresses } = params.interface
    known.told = { content: contentOfEndpoint(params), addresses, sandboxPath: sandbox.path }
    return result
  }

  /** Whether the host has the endpoint on record as plugged there. */
  isPluggedOnRecord({ endpointId, sandbox }: PlugParams): boolean {
    const known = this.#endpoints.find(endpointId)
    return known?.wantedIn === sandbox.path || known?.told?.sandboxPath === sandbox.path
  }

  async unplug(params: UnplugParams, call: Call): Promise<void> {
    await this.#unplug(params, call)
    const known = this.#endpoints.find(params.endpointId)
    if (known !== undefined) known.wantedIn = undefined
  }

  async #unplug(params: UnplugParams, call: Call): Promise<void> {
    await this.#objects.unplug(params, call)
    const told = this.#endpoints.find(params.endpointId)?.told
    if (told !== undefined) told.sandboxPath = undefined
  }

  /** Throws `conflict` for an endpoint that exists with other content; what was never told of is as it is said to be. */
  assertSameEndpoint(verb: string, params: CreateEndpointParams): void {
    const told = this.#endpoints.find(params.endpointId)?.told
    if (told === undefined) return
    const differences = endpointDifferences(told.content, contentOfEndpoint(params))
    if (!this.#areSameAddresses(told.addresses, params.interface.addresses)) differences.push('addresses')
    assertSame(`${verb} endpoint ${params.endpointId}`, differences)
  }

  /** A sync is about to say what the network is. */
  forgetNetwork(networkId: string): void {
    this.#networks.delete(networkId)
  }

  /** A sync begins. Returns the moment of it, for `listUnnamed` and `keepOnly`. */
  beginNaming(): number {
    this.#endpoints.now += 1
    return this.#endpoints.now
  }

  /** The host speaks of the endpoint. */
  nameEndpoint(ref: EndpointRef): KnownEndpoint {
    return this.#endpoints.name(ref)
  }

  /**
   * What a sync says of an endpoint: it is made so, whatever was said before. Resolves to the checked result of its plug;
   * to undefined for one that should be in no sandbox. Thousands come, so nothing is awaited that need not be.
   */
  async ensureEndpoint(
    endpoint: DesiredEndpoint,
    named: KnownEndpoint,
    call: Call,
  ): Promise<PlugResult | undefined> {
    // Deleted since it was named, before its turn came.
    const known = named.isForgotten ? this.#endpoints.name(named) : named
    const before = known.told
    const wasIn = before?.sandboxPath
    known.told = undefined
    if (this.#objects.createsEndpoints) await this.createEndpoint(withoutSandbox(endpoint), call)
    else this.#objects.noteCreated(known, endpoint.network.id)
    const told = this.#tellAnew(known, endpoint, before)
    if (!isToBePlugged(endpoint)) {
      await this.#takeOut(known, wasIn, call)
      return undefined
    }
    let result: PlugResult
    try {
      result = await this.#objects.plug(endpoint, call)
    } catch (error) {
      result = await this.#plugAnew(endpoint, error, call)
    }
    this.#objects.notePlugged(known, endpoint.sandbox)
    told.sandboxPath = endpoint.sandbox.path
    return checkedResult('endpoint/plug', result)
  }

  /** A sync that began then has named everything: what it did not name may have gone while another instance was in charge. */
  keepOnly(networks: ReadonlySet<string>, since: number): void {
    for (const id of this.#networks.keys()) if (!networks.has(id)) this.#networks.delete(id)
    for (const known of this.#endpoints.all()) {
      if (known.namedAt >= since) continue
      known.told = undefined
      known.wantedIn = undefined
      if (!known.isCreated) this.#endpoints.forget(known.endpointId)
    }
  }

  /** Keeps what was told before if the very same was said. */
  #tellAnew(known: KnownEndpoint, endpoint: DesiredEndpoint, before: ToldEndpoint | undefined): ToldEndpoint {
    if (before?.said === endpoint && known.told === undefined) {
      before.sandboxPath = undefined
      known.told = before
      return before
    }
    // A driver with addresses of its own has just answered with them.
    const addresses = known.told?.addresses ?? endpoint.interface.addresses
    const content = contentOfEndpoint(endpoint)
    if (isToBePlugged(endpoint) && addresses !== endpoint.interface.addresses)
      this.assertSameEndpoint('plug', endpoint)
    const told = { said: endpoint, content, addresses, sandboxPath: undefined }
    known.told = told
    return told
  }

  async #takeOut(known: KnownEndpoint, wasIn: string | undefined, call: Call): Promise<void> {
    const { networkId, endpointId } = known
    await this.#unplug({ networkId, endpointId }, call)
    if (wasIn !== undefined) call.repaired(pluggedWrongly(endpointId, wasIn))
  }

  /** What the author's code finds in another sandbox is taken out of it. */
  async #plugAnew(params: PlugParams, error: unknown, call: Call): Promise<PlugResult> {
    if (!ConetError.is(error, 'inUse')) throw error
    const { endpointId } = params
    await this.#unplug({ networkId: params.network.id, endpointId }, call)
    const result = await this.#objects.plug(params, call)
    call.repaired(pluggedWrongly(endpointId, 'another sandbox'))
    return result
  }

  /** Before a driver with its own addresses has chosen, the host sends none. */
  #areSameAddresses(told: readonly string[], given: readonly string[]): boolean {
    if (this.#hasOwnAddresses && given.length === 0) return true
    return isSameJson(told, given)
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

function withoutSandbox({ sandbox: _where, ...params }: DesiredEndpoint): CreateEndpointParams {
  return params
}

function isToBePlugged(endpoint: DesiredEndpoint): endpoint is PlugParams {
  return endpoint.sandbox !== undefined
}

function pluggedWrongly(endpointId: string, where: string): string {
  return `endpoint ${endpointId}: it was plugged into ${where}`
}
