// An endpoint or a network that its driver could not make as it should be is tried again, and not only when the driver
// connects anew. What a driver says of an endpoint that it mended goes on record here.
import type { PlugResult } from '@conet/sdk'
import { isSameJson } from '@conet/sdk/jsonrpc'
import { type EndpointRecord, isWanted } from '../domain/endpoint.ts'
import { driverView, type NetworkRecord } from '../domain/network.ts'
import { alignEndpoint } from './align-endpoint.ts'
import { callToItsEnd } from './driver-call.ts'
import { createParameters, plugParameters } from './driver-parameters.ts'
import type { HostContext, Operation } from './host-context.ts'
import { namingWish } from './interface-refusal.ts'
import { containerQueue, networkQueue } from './keys.ts'
import { makeAgainAtDriver, shouldBeAtDriver } from './network-at-driver.ts'
import type { Pending } from './pending-retries.ts'
import { assertAnswer, isHostNeeded, mendInSandbox } from './sandbox-settlement.ts'

/** What went wrong stands on the endpoint, and it is tried again until it is well or gone. */
export function repairLater(host: HostContext, pending: Pending, error: string): void {
  host.repairs.add(pending, error)
  const endpoint = host.inventory.endpoints.get(pending.id)
  if (endpoint !== undefined && endpoint.lastError !== error) diverged(host, endpoint, error)
}

/** Somebody looked, and it is not as it should be: shown from now on, and told once. Nothing is tried. */
export function noteDiverged(host: HostContext, id: string, error: string): void {
  const endpoint = host.inventory.endpoints.get(id)
  if (endpoint !== undefined && isWanted(endpoint) && endpoint.lastError === undefined)
    diverged(host, endpoint, error)
}

function diverged(host: HostContext, endpoint: EndpointRecord, error: string): void {
  put(host, { ...endpoint, lastError: error })
  host.events.append({ ...aboutEndpoint(endpoint), type: 'endpoint.diverged', message: error })
}

/** One more try. Fine when there is nothing to repair any more. */
export async function retryRepair(
  host: HostContext,
  { kind, id }: Pending,
  operation: Operation,
): Promise<void> {
  if (kind === 'network') await repairNetwork(host, id, operation)
  else await repairEndpoint(host, id, operation)
}

/** The driver has the endpoint as it should be; `result` is what it says of its plug. */
export async function applyPlugged(
  host: HostContext,
  { endpoint, network }: { endpoint: EndpointRecord; network: NetworkRecord },
  result: PlugResult,
): Promise<void> {
  const sandbox = host.inventory.sandboxes.get(endpoint.handle)
  if (sandbox === undefined || endpoint.state !== 'plugged') return
  try {
    // The same answer again was judged when it came on record, or is of a time when nobody judged it.
    if (!isSameJson(endpoint.result, result)) assertAnswer(host, { endpoint, network, sandbox }, result)
    tellOtherMtus(host, { endpoint, network }, result)
    await mendInSandbox(host, { endpoint, network, sandbox }, result)
    // Somebody may have seen it in the middle of this.
    const current = host.inventory.endpoints.get(endpoint.id) ?? endpoint
    if (isOther(current, result)) put(host, { ...withoutError(current), result })
    mended(host, current)
  } catch (error) {
    const lastError = error instanceof Error ? error.message : String(error)
    host.repairs.failed({ kind: 'endpoint', id: endpoint.id }, error)
    repairLater(host, { kind: 'endpoint', id: endpoint.id }, lastError)
  }
}

/** Whether the answer is on record as it is and leaves the host nothing to do: nearly all that a sync brings. */
export function isSettledAs(host: HostContext, endpoint: EndpointRecord, result: PlugResult): boolean {
  return !isOther(endpoint, result) && !isHostNeeded(host, endpoint, result)
}

/** The driver has made it as it should be, and it is in no sandbox. */
export function applyCreated(host: HostContext, endpoint: EndpointRecord): void {
  if (endpoint.lastError !== undefined && endpoint.state === 'created') put(host, withoutError(endpoint))
  mended(host, endpoint)
}

/** With the driver's word the policy on record is the one in force, too. */
function mended(host: HostContext, endpoint: EndpointRecord): void {
  const { id, diverged, portMappings = [], lastError } = endpoint
  host.repairs.done(id)
  if (lastError !== undefined) tellRepaired(host, endpoint)
  if (diverged !== undefined) host.ports.keepOnly(id, portMappings)
}

async function repairNetwork(host: HostContext, id: string, operation: Operation): Promise<void> {
  const name = host.inventory.networks.get(id)?.name
  if (name === undefined) return host.repairs.done(id)
  await host.queue.run(networkQueue(name), async () => {
    const network = host.inventory.networks.get(id)
    if (network !== undefined && shouldBeAtDriver(host, network)) {
      const session = await host.drivers.require(network.type)
      if (network.scope === 'global') await makeAgainAtDriver(host, { network, session }, operation)
      else await session.call('network/create', { network: driverView(network) }, callToItsEnd(operation))
    }
    host.repairs.done(id)
  })
}

async function repairEndpoint(host: HostContext, id: string, operation: Operation): Promise<void> {
  const handle = host.inventory.endpoints.get(id)?.handle
  if (handle === undefined) return host.repairs.done(id)
  await host.queue.run(containerQueue(handle), async () => {
    const endpoint = host.inventory.endpoints.get(id)
    const network = endpoint && host.inventory.networks.get(endpoint.networkId)
    if (endpoint === undefined || network === undefined || !isWanted(endpoint)) return host.repairs.done(id)
    await makeAgain(host, { endpoint, network }, operation)
  })
}

async function makeAgain(
  host: HostContext,
  { endpoint: asOnRecord, network }: { endpoint: EndpointRecord; network: NetworkRecord },
  operation: Operation,
): Promise<void> {
  const session = await host.drivers.require(network.type)
  const endpoint = await alignEndpoint(host, session, { endpoint: asOnRecord, network })
  const call = callToItsEnd(operation)
  const create = createParameters(host, endpoint, network)
  const place = { endpoint, network }
  await namingWish(place, () => session.call('endpoint/create', create, call))
  const sandbox = host.inventory.sandboxes.get(endpoint.handle)
  if (endpoint.state !== 'plugged' || sandbox === undefined) return applyCreated(host, endpoint)
  const plug = plugParameters(create, sandbox)
  const result = await namingWish(place, () => session.call('endpoint/plug', plug, call))
  await applyPlugged(host, place, result)
}

/** One that nobody asked for is the driver's, which may have a reason: its network's has changed. Or somebody changed the link. */
function tellOtherMtus(
  host: HostContext,
  { endpoint, network }: { endpoint: EndpointRecord; network: NetworkRecord },
  { interfaces }: PlugResult,
): void {
  for (const { name, mtu: before } of endpoint.result?.interfaces ?? []) {
    const now = interfaces.find((made) => made.name === name)?.mtu
    if (now === undefined || before === undefined || now === before) continue
    const facts = { driver: network.type, endpointId: endpoint.id, interface: name, before, now }
    host.log.warn(facts, 'an interface has another MTU now, says its driver')
  }
}

function tellRepaired(host: HostContext, endpoint: EndpointRecord): void {
  host.events.append({ ...aboutEndpoint(endpoint), type: 'endpoint.repaired' })
}

function aboutEndpoint({ id, networkId, handle }: EndpointRecord) {
  return { network_id: networkId, endpoint_id: id, container: handle }
}

function isOther(endpoint: EndpointRecord, result: PlugResult): boolean {
  return endpoint.lastError !== undefined || !isSameJson(endpoint.result, result)
}

function withoutError({
  lastError: _error,
  diverged: _confirmed,
  ...record
}: EndpointRecord): EndpointRecord {
  return record
}

function put(host: HostContext, endpoint: EndpointRecord): void {
  host.inventory.commit((change) => change.putEndpoint(endpoint))
}
