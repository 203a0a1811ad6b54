// The policy on the record of an endpoint becomes the one that stands for its attachment; the driver is told by whoever asks.
import { isDeepStrictEqual } from 'node:util'
import { type EndpointRecord, isWanted } from '../domain/endpoint.ts'
import type { NetworkRecord } from '../domain/network.ts'
import { type PolicyDocument, policyFor } from '../domain/policy.ts'
import { withPolicy } from './apply-policies.ts'
import type { DriverSession } from './driver-access.ts'
import { takesPolicies } from './endpoint-policy.ts'
import type { HostContext } from './host-context.ts'
import { callsOf, keepPortsOf, takePorts, wantedPorts } from './policy-ports.ts'

type Placed = { readonly endpoint: EndpointRecord; readonly network: NetworkRecord }

/** Whether there is nothing to do. */
export function isAligned(host: HostContext, session: DriverSession, placed: Placed): boolean {
  const { endpoint } = placed
  return !isWanted(endpoint) || isDeepStrictEqual(endpoint.policy, policyOn(host, session, placed))
}

/** Resolves to the record then. Throws `portInUse`, `portsExhausted`. May be repeated. */
export async function alignEndpoint(
  host: HostContext,
  session: DriverSession,
  placed: Placed,
): Promise<EndpointRecord> {
  const { endpoint } = placed
  const { id } = endpoint
  if (isAligned(host, session, placed)) return endpoint
  const policy = policyOn(host, session, placed)
  const calls = callsOf(host.inventory.containers.get(endpoint.handle), endpoint.attachment)
  const wanted = await wantedPorts(host, session, { policy, former: endpoint.policy, calls, at: 'policy' })
  const current = host.inventory.endpoints.get(id)
  // Somebody changes it meanwhile, and knows better.
  if (current === undefined || !isWanted(current) || current.policy !== endpoint.policy) return endpoint
  const portMappings = takePorts(host, current, wanted)
  const next = { ...(policy && { policy }), ...(portMappings && { portMappings }) }
  const aligned = withPolicy(current, next)
  host.inventory.commit((change) => change.putEndpoint(aligned))
  keepPortsOf(host, aligned)
  return aligned
}

function policyOn(
  host: HostContext,
  session: DriverSession,
  { endpoint, network }: Placed,
): PolicyDocument | undefined {
  if (!takesPolicies(session)) return undefined
  const container = host.inventory.containers.get(endpoint.handle)
  return container === undefined ? endpoint.policy : policyFor(container, endpoint.attachment, network)
}
