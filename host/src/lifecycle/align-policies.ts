// Before a driver is told what should be: the policies on record are those that stand for their attachments. They differ
// after a crash in the middle of a change, and when another version of a driver begins or ceases to take policies.
import type { EndpointRecord } from '../domain/endpoint.ts'
import type { NetworkRecord } from '../domain/network.ts'
import { alignEndpoint } from './align-endpoint.ts'
import type { DriverSession } from './driver-access.ts'
import type { HostContext } from './host-context.ts'
import { repairLater } from './repair.ts'

export async function alignPolicies(host: HostContext, session: DriverSession): Promise<void> {
  for (const network of [...host.inventory.networks.values()]) {
    if (network.type !== session.driver.name) continue
    for (const endpoint of host.inventory.endpointsOfNetwork(network.id))
      await alignOrRepair(host, session, { endpoint, network })
  }
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
