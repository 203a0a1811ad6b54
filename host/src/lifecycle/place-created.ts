// An endpoint that was made before its container came up: what it was to become then may be another's now, or be left to it.
import type { Attachment, ContainerRecord, SandboxRecord } from '../domain/container.ts'
import type { EndpointRecord, InterfacePlan } from '../domain/endpoint.ts'
import { withoutPrefix } from '../ipam/index.ts'
import { callToItsEnd } from './driver-call.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext, Operation } from './host-context.ts'
import { createAtDriver } from './make-endpoint.ts'
import { placeInSandbox } from './place-in-sandbox.ts'
import { networkOf } from './plan-endpoint.ts'
import { repairLater } from './repair.ts'

type Place = { container: ContainerRecord; attachment: Attachment; sandbox: SandboxRecord }

/**
 * The endpoint with the name and the default route that a second `up` would give it. Its driver knows it with those that it
 * had, so it is made there anew, under the same id and with the same addresses. Throws `conflict` for what is another's.
 */
export async function placeCreated(
  host: HostContext,
  place: Place,
  { made, operation }: { made: EndpointRecord; operation: Operation },
): Promise<EndpointRecord> {
  const network = networkOf(host, place.attachment, `plug container ${made.handle}`)
  const { name, defaultRoute } = placeInSandbox(host, place, network)
  if (name === made.interface.name && defaultRoute === made.interface.defaultRoute) return made
  const session = await host.drivers.require(network.type, operation)
  try {
    const ref = { networkId: network.id, endpointId: made.id }
    await session.call('endpoint/delete', ref, callToItsEnd(operation))
    failpoint('host:endpoint:deleted-to-be-placed')
    const placed = record(host, made, { ...made.interface, name, defaultRoute })
    const intended = { endpoint: withAddressesAgain(placed), network, session }
    const created = await createAtDriver(host, intended, operation)
    return record(host, made, created.interface)
  } catch (error) {
    // It is its client's all the same: the driver is to have it as it is on record.
    const reason = error instanceof Error ? error.message : String(error)
    repairLater(host, { kind: 'endpoint', id: made.id }, reason)
    throw error
  }
}

/** What a driver that hands out the addresses gave it before is asked for. */
function withAddressesAgain(endpoint: EndpointRecord): EndpointRecord {
  if (endpoint.requestedAddresses === undefined) return endpoint
  return { ...endpoint, requestedAddresses: endpoint.interface.addresses.map(withoutPrefix) }
}

/** Its policy may have changed meanwhile. */
function record(host: HostContext, made: EndpointRecord, plan: InterfacePlan): EndpointRecord {
  const endpoint = { ...(host.inventory.endpoints.get(made.id) ?? made), interface: plan }
  host.inventory.commit((change) => change.putEndpoint(endpoint))
  return endpoint
}
