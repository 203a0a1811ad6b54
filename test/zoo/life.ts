// How networks and endpoints come to be, and what stands against it: the rules on repetition and the matrix of plug. In
// one step of the event loop, so that what fails has done nothing.
import {
  ConetError,
  type CreateEndpointParams,
  type CreateEndpointResult,
  type DesiredEndpoint,
  type EndpointRef,
  type Network,
  type PlugParams,
  type PlugResult,
  type PolicyParams,
  type StatsResult,
} from '@conet/sdk'
import { chooseAddresses } from './own-addresses.ts'
import { assertSame, contentOfEndpoint, contentOfNetwork } from './records.ts'
import type { ZooDriver } from './zoo-driver.ts'

export function createNetwork({ records }: ZooDriver, network: Network): void {
  const content = contentOfNetwork(network)
  assertSame(`create network ${network.id}`, records.networks.get(network.id), content)
  records.networks.set(network.id, content)
}

export function createEndpoint(driver: ZooDriver, endpoint: CreateEndpointParams): CreateEndpointResult {
  const { records, variant } = driver
  const { network, endpointId } = endpoint
  const what = `create endpoint ${endpointId}`
  if (!records.networks.has(network.id)) {
    throw new ConetError('failedPrecondition', `${what}: network ${network.id} was not created`)
  }
  const known = records.endpoints.get(endpointId)
  const content = contentFor(driver, endpoint)
  assertSame(what, known?.content, content)
  if (variant.ipam !== 'driver') {
    records.endpoints.set(endpointId, { ...known, networkId: network.id, content })
    return {}
  }
  const addresses = known?.addresses ?? chooseAddresses(records, endpoint)
  records.endpoints.set(endpointId, { ...known, networkId: network.id, content, addresses })
  return { addresses }
}

export function plug(driver: ZooDriver, endpoint: PlugParams): PlugResult {
  const { records, variant, behaviour } = driver
  const { endpointId, sandbox } = endpoint
  const what = `plug endpoint ${endpointId}`
  const known = records.endpoints.get(endpointId)
  if (known === undefined) throw new ConetError('failedPrecondition', `${what}: it was not created`)
  assertSame(what, known.content, contentFor(driver, endpoint))
  if (known.sandbox !== undefined && known.sandbox !== sandbox.path) {
    throw new ConetError('inUse', `${what}: it is plugged into ${known.sandbox}`)
  }
  if (variant.interfaces) behaviour.assertSandbox(sandbox.path)
  records.endpoints.set(endpointId, { ...known, sandbox: sandbox.path })
  return { interfaces: variant.interfaces ? [behaviour.interfaceOf(endpoint)] : [] }
}

/** Nothing but the answers shows which policy it has. */
export function setPolicy(driver: ZooDriver, endpoint: PolicyParams): object {
  const { endpointId } = endpoint
  const what = `set the policy of endpoint ${endpointId}`
  const known = driver.records.endpoints.get(endpointId)
  if (known === undefined) throw new ConetError('notFound', `${what}: there is none`)
  assertSame(what, known.content, contentFor(driver, endpoint))
  return {}
}

/** Nothing goes through it. */
export function statsOf({ records }: ZooDriver, endpoints: readonly EndpointRef[]): StatsResult {
  const plugged = endpoints.filter(
    ({ endpointId }) => records.endpoints.get(endpointId)?.sandbox !== undefined,
  )
  const zero = { rxBytes: 0, txBytes: 0, rxPackets: 0, txPackets: 0, rxErrors: 0, txErrors: 0 }
  return { stats: plugged.map((endpoint) => ({ ...endpoint, ...zero, rxDropped: 0, txDropped: 0 })) }
}

/** With its own IPAM the addresses are the driver's, so that they say nothing of what the host wants. */
function contentFor({ variant }: ZooDriver, endpoint: CreateEndpointParams | DesiredEndpoint): string {
  if (variant.ipam !== 'driver') return contentOfEndpoint(endpoint)
  return contentOfEndpoint({ ...endpoint, interface: { ...endpoint.interface, addresses: [] } })
}
