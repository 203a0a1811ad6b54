// Before a driver is told what should be: the policies on record are those that stand for their attachments. They differ
// after a crash in the middle of a change, and when another version of a driver begins or ceases to take policies.
import { isDeepStrictEqual } from 'node:util'
import { type EndpointRecord, isWanted } from '../domain/endpoint.ts'
import type { NetworkRecord } from '../domain/network.ts'
import { type PolicyDocument, policyFor } from '../domain/policy.ts'
import { withPolicy } from './apply-policies.ts'
import type { DriverSession } from './driver-access.ts'
import { takesPolicies } from './endpoint-policy.ts'
import type { HostContext } from './host-context.ts'
import { takePorts, wantedPorts } from './policy-ports.ts'
import { repairLater } from './repair.ts'

export async function alignPolicies(host: HostContext, session: DriverSession): Promise<void> {
  for (const network of [...host.inventory.networks.values()]) {
    if (network.type !== session.driver.name) continue
    for (const endpoint of host.inventory.endpointsOfNetwork(network.id)) {
      const policy = policyOn(host, session, { endpoint, network })
      if (!isWanted(endpoint) || isDeepStrictEqual(endpoint.policy, policy)) continue
      await align(host, session, { endpoint, policy })
    }
  }
}

function policyOn(
  host: HostContext,
  session: DriverSession,
  { endpoint, network }: { endpoint: EndpointRecord; network: NetworkRecord },
): PolicyDocument | undefined {
  if (!takesPolicies(session)) return undefined
  const container = host.inventory.containers.get(endpoint.handle)
  return container === undefined ? endpoint.policy : policyFor(container, endpoint.attachment, network)
}

async function align(
  host: HostContext,
  session: DriverSession,
  { endpoint, policy }: { endpoint: EndpointRecord; policy: PolicyDocument | undefined },
): Promise<void> {
  const { id } = endpoint
  try {
    const wanted = await wantedPorts(host, session, { policy, former: endpoint.policy, at: 'policy' })
    const current = host.inventory.endpoints.get(id)
    // Somebody changes it meanwhile, and knows better.
    if (current === undefined || !isWanted(current) || current.policy !== endpoint.policy) return
    const portMappings = takePorts(host, current, wanted)
    const next = { ...(policy && { policy }), ...(portMappings && { portMappings }) }
    host.inventory.commit((change) => change.putEndpoint(withPolicy(current, next)))
    host.ports.keepOnly(id, [...(portMappings ?? []), ...(current.diverged?.portMappings ?? [])])
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    host.log.error({ endpointId: id, err: error }, 'the policy of an endpoint cannot be put in force')
    repairLater(host, { kind: 'endpoint', id }, `its policy cannot be put in force: ${reason}`)
  }
}
