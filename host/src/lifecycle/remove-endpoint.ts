// An endpoint goes: a tombstone first, then the driver, then its addresses. What cannot be finished now stays
// on record as `deleting` and is tried again until the driver has confirmed.
import { ConetError } from '@conet/sdk'
import { type EndpointRecord, isInSandbox } from '../domain/endpoint.ts'
import { sandboxParameter } from './driver-parameters.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext, Operation, Removed } from './host-context.ts'
import { unsettle } from './sandbox-settlement.ts'

/** Writes the tombstone. From here on the endpoint can only go. */
export function bury(host: HostContext, endpoint: EndpointRecord): EndpointRecord {
  if (endpoint.state === 'deleting') return endpoint
  // Without a result nobody would know that a sandbox may hold it.
  const result = endpoint.result ?? (isInSandbox(endpoint) ? { interfaces: [] } : undefined)
  const buried: EndpointRecord = {
    ...endpoint,
    state: 'deleting',
    ...(result === undefined ? {} : { result }),
  }
  host.inventory.commit((change) => change.putEndpoint(buried))
  failpoint('host:endpoint:buried')
  return buried
}

/**
 * Ends the endpoint. `deleting`: the driver is away, and it will be done when it is back. Throws what else went
 * wrong; then too it is tried again. May be repeated.
 */
export async function removeEndpoint(
  host: HostContext,
  endpoint: EndpointRecord,
  operation: Operation,
): Promise<Removed> {
  const buried = bury(host, endpoint)
  const network = host.inventory.networks.get(buried.networkId)
  try {
    if (network !== undefined) await endAtDriver(host, buried, network.type, operation)
  } catch (error) {
    postpone(host, buried, error)
    if (isDriverAway(error)) return 'deleting'
    throw error
  }
  forget(host, buried)
  return 'gone'
}

async function endAtDriver(
  host: HostContext,
  endpoint: EndpointRecord,
  driver: string,
  operation: Operation,
): Promise<void> {
  const session = await host.drivers.require(driver, operation)
  const { networkId, id: endpointId, handle } = endpoint
  // What was begun must end: the caller's patience does not count here, the call's own deadline does.
  const call = { operationId: operation.id }
  const sandbox = host.inventory.sandboxes.get(handle)
  const calls: Promise<unknown>[] = []
  if (isInSandbox(endpoint)) {
    if (sandbox !== undefined) unsettle(host, endpoint, sandbox)
    const where = sandbox === undefined ? {} : { sandbox: sandboxParameter(sandbox) }
    calls.push(session.call('endpoint/unplug', { networkId, endpointId, ...where }, call))
  }
  calls.push(session.call('endpoint/delete', { networkId, endpointId }, call))
  for (const outcome of await Promise.allSettled(calls))
    if (outcome.status === 'rejected') throw outcome.reason
  failpoint('host:endpoint:after-delete')
}

/** The driver has confirmed: the addresses may rest, the record goes. */
function forget(host: HostContext, { id, networkId, handle }: EndpointRecord): void {
  host.inventory.commit((change) => change.deleteEndpoint(id))
  failpoint('host:endpoint:forgotten')
  host.addresses.release(id)
  host.removals.done(id)
  host.events.append({ type: 'endpoint.removed', network_id: networkId, endpoint_id: id, container: handle })
}

function postpone(host: HostContext, endpoint: EndpointRecord, error: unknown): void {
  const lastError = error instanceof Error ? error.message : String(error)
  host.inventory.commit((change) => change.putEndpoint({ ...endpoint, lastError }))
  host.removals.add({ kind: 'endpoint', id: endpoint.id })
  host.log.warn(
    { endpointId: endpoint.id, err: error },
    'the endpoint is not removed yet; it will be tried again',
  )
}

export function isDriverAway(error: unknown): boolean {
  return ConetError.is(error, 'driverUnavailable') || ConetError.is(error, 'unknownDriver')
}
