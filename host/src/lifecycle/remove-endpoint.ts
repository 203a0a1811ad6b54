// An endpoint goes: a tombstone first, then the driver, then its addresses. What cannot be finished now stays
// on record as `deleting` and is tried again until the driver has confirmed.
import { type EndpointRecord, isInSandbox } from '../domain/endpoint.ts'
import { withAttachments } from '../domain/policy.ts'
import { giveBackSpare } from './block-room.ts'
import { callToItsEnd, isDriverAway } from './driver-call.ts'
import { sandboxParameter } from './driver-parameters.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext, Operation, Removed } from './host-context.ts'
import type { Change } from './inventory.ts'
import { mayBeClaimed, tidyMacs } from './mac-claims.ts'
import { clearRest, unsettle } from './sandbox-settlement.ts'

/** Writes the tombstone. From here on the endpoint can only go. */
export function bury(host: HostContext, endpoint: EndpointRecord): EndpointRecord {
  if (endpoint.state === 'deleting') return endpoint
  return writeTombstone(host, endpoint, () => undefined)
}

/** As `bury`; the attachment that the endpoint realised goes in the same moment, so that no `up` makes it anew. */
export function buryWithAttachment(host: HostContext, endpoint: EndpointRecord): EndpointRecord {
  const container = host.inventory.containers.get(endpoint.handle)
  if (container === undefined) return bury(host, endpoint)
  const attachments = container.attachments.filter(({ name }) => name !== endpoint.attachment)
  if (attachments.length === container.attachments.length) return bury(host, endpoint)
  return writeTombstone(host, endpoint, (change) =>
    change.putContainer(withAttachments(container, attachments)),
  )
}

function writeTombstone(
  host: HostContext,
  endpoint: EndpointRecord,
  also: (change: Change) => void,
): EndpointRecord {
  // Without a result nobody would know that a sandbox may hold it.
  const result = endpoint.result ?? (isInSandbox(endpoint) ? { interfaces: [] } : undefined)
  const buried: EndpointRecord = {
    ...endpoint,
    state: 'deleting',
    buriedAt: new Date().toISOString(),
    ...(result === undefined ? {} : { result }),
  }
  host.inventory.commit((change) => {
    change.putEndpoint(buried)
    also(change)
  }, 'removal')
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
  try {
    await endAtDriver(host, buried, { operation })
  } catch (error) {
    postpone(host, buried, error)
    if (isDriverAway(error)) return 'deleting'
    throw error
  }
  forgetEndpoint(host, buried)
  return 'gone'
}

/** What cannot be removed now is on record and tried again: the failure of the plug is what its caller hears of. */
export async function removeInUndo(host: HostContext, id: string): Promise<void> {
  const endpoint = host.inventory.endpoints.get(id)
  if (endpoint === undefined) return
  try {
    await removeEndpoint(host, endpoint, { id: `undo-${id}` })
  } catch (err) {
    host.log.error({ endpointId: id, err }, 'an endpoint of a failed plug is not removed yet')
  }
}

type End = {
  operation: Operation
  /** Only out of its sandbox: the driver keeps the endpoint. */
  keepsEndpoint?: boolean
}

/** Takes the endpoint out of its sandbox, and from its driver. Throws unless the driver has confirmed it all. */
export async function endAtDriver(
  host: HostContext,
  endpoint: EndpointRecord,
  { operation, keepsEndpoint = false }: End,
): Promise<void> {
  const { networkId, id: endpointId, handle } = endpoint
  const network = host.inventory.networks.get(networkId)
  if (network === undefined) return
  const current = host.inventory.sandboxes.get(handle)
  // The container may be up again, in another sandbox that holds nothing of this endpoint.
  const sandbox = current?.hold === endpoint.hold && isInSandbox(endpoint) ? current : undefined
  // Also while the driver is away: a sandbox may be let go before it is back.
  if (sandbox !== undefined) await unsettle(host, { endpoint, sandbox }, operation)
  const session = await host.drivers.require(network.type, operation)
  const call = callToItsEnd(operation)
  const calls: Promise<unknown>[] = []
  if (isInSandbox(endpoint)) {
    const where = sandbox === undefined ? {} : { sandbox: sandboxParameter(sandbox) }
    calls.push(session.call('endpoint/unplug', { networkId, endpointId, ...where }, call))
  }
  if (!keepsEndpoint) calls.push(session.call('endpoint/delete', { networkId, endpointId }, call))
  for (const outcome of await Promise.allSettled(calls))
    if (outcome.status === 'rejected') throw outcome.reason
  if (sandbox !== undefined) await clearRest(host, { endpoint, sandbox })
  if (!keepsEndpoint) failpoint('host:endpoint:after-delete')
}

/** The driver has confirmed, or is gone for good: the addresses may rest, the record goes. */
export function forgetEndpoint(host: HostContext, endpoint: EndpointRecord): void {
  const { id, networkId, handle } = endpoint
  host.inventory.commit((change) => change.deleteEndpoint(id), 'removal')
  failpoint('host:endpoint:forgotten')
  host.addresses.release(id)
  host.ports.release(id)
  const network = host.inventory.networks.get(networkId)
  if (network !== undefined) giveBackSpare(host, network)
  if (network !== undefined && mayBeClaimed(endpoint)) tidyMacs(host, network)
  host.removals.done(id)
  host.events.append({ type: 'endpoint.removed', network_id: networkId, endpoint_id: id, container: handle })
}

/** On record and tried again; what the error says stands there until then. */
export function postpone(host: HostContext, endpoint: EndpointRecord, error: unknown): void {
  const lastError = error instanceof Error ? error.message : String(error)
  // First, since the store may be full.
  host.removals.failed({ kind: 'endpoint', id: endpoint.id }, error)
  if (endpoint.lastError !== lastError) {
    host.inventory.commit((change) => change.putEndpoint({ ...endpoint, lastError }), 'removal')
    const { id, networkId, handle } = endpoint
    const about = { network_id: networkId, endpoint_id: id, container: handle }
    host.events.append({ ...about, type: 'endpoint.removal-pending', message: lastError })
  }
}
