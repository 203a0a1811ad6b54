// Before a driver is told what should be: the policies on record are those that stand for their attachments. They differ
// after a crash in the middle of a change, and when another version of a driver begins or ceases to take policies.
import type { EndpointRecord } from '../domain/endpoint.ts'
import type { NetworkRecord } from '../domain/network.ts'
import { alignEndpoint, isAligned } from './align-endpoint.ts'
import type { DriverSession } from './driver-access.ts'
import { takesPolicies } from './endpoint-policy.ts'
import type { HostContext } from './host-context.ts'
import { repairLater } from './repair.ts'

/** Networks in which nothing differed: at which revision, and whether their driver took policies. */
const alike = new WeakMap<NetworkRecord, { readonly revision: number; readonly takes: boolean }>()

export async function alignPolicies(host: HostContext, session: DriverSession): Promise<void> {
  const { inventory } = host
  const takes = takesPolicies(session)
  for (const network of [...inventory.networks.values()]) {
    if (network.type !== session.driver.name) continue
    const revision = inventory.revisionOf(network.id)
    const known = alike.get(network)
    if (known?.revision === revision && known.takes === takes) continue
    if (await areAlike(host, session, network)) alike.set(network, { revision, takes })
  }
}

/** Whether nothing differed. */
async function areAlike(host: HostContext, session: DriverSession, network: NetworkRecord): Promise<boolean> {
  let areAll = true
  for (const endpoint of host.inventory.endpointsOfNetwork(network.id)) {
    // Nothing is awaited for what needs nothing: of thousands hardly any does.
    if (isAligned(host, session, { endpoint, network })) continue
    areAll = false
    await alignOrRepair(host, session, { endpoint, network })
  }
  return areAll
}

async function alignOrRepair(
  host: HostContext,
  session: DriverSession,
  place: { endpoint: EndpointRecord; network: NetworkRecord },
): Promise<void> {
  try {
    await alignEndpoint(host, session, place)
  } catch (error) {
    const { id } = place.endpoint
    const reason = error instanceof Error ? error.message : String(error)
    host.log.error({ endpointId: id, err: error }, 'the policy of an endpoint cannot be put in force')
    repairLater(host, { kind: 'endpoint', id }, `its policy cannot be put in force: ${reason}`)
  }
}
