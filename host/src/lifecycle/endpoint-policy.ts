// The policy of an endpoint that is about to be: which document stands for it, whether its driver takes it, and the ports
// that it asks for.
import { isDeepStrictEqual } from 'node:util'
import { ConetError } from '@conet/sdk'
import type { Attachment, ContainerRecord } from '../domain/container.ts'
import type { EndpointRecord } from '../domain/endpoint.ts'
import { entriesOf } from '../domain/garden-policy.ts'
import type { NetworkRecord } from '../domain/network.ts'
import {
  additionsOf,
  hasOwnPolicy,
  ownPolicyOf,
  type PolicyDocument,
  policyFor,
  sourceOf,
} from '../domain/policy.ts'
import { withPolicy } from './apply-policies.ts'
import type { DriverSession } from './driver-access.ts'
import type { HostContext } from './host-context.ts'
import { callsOf, takePorts, type WantedPorts, wantedPorts } from './policy-ports.ts'
import { defaultPolicyPath, PolicyRefusal, pathOfPolicy } from './policy-refusal.ts'
import { inForce } from './prepare-policies.ts'

export type WantedPolicy = {
  /** What stood for the attachment when it was looked at, whether or not the driver takes it. */
  readonly source: PolicyDocument | undefined
  readonly policy: PolicyDocument | undefined
  readonly ports: WantedPorts | undefined
}

export function takesPolicies({ driver }: DriverSession): boolean {
  return driver.capabilities.methods.includes('endpoint/policy')
}

/** Throws `unsupported` that names the driver. `at` is the path of the policy in the request. */
export function assertTakesPolicies(session: DriverSession, at: string): void {
  if (takesPolicies(session)) return
  const words = `driver ${session.driver.name} takes no policies`
  const fields = [{ path: at, message: `${words} (it does not offer endpoint/policy)` }]
  throw new PolicyRefusal('unsupported', { at, words }, { fields, details: { driver: session.driver.name } })
}

/** Told of the first entry of each list that the runtime has added: whatever stands before those is not at fault. */
function takesNoAdditions(
  { driver: { name: driver } }: DriverSession,
  container: ContainerRecord,
  attachment: string,
  policy: PolicyDocument,
): ConetError {
  const words = `driver ${driver} takes no policies`
  const added = additionsOf(container, attachment) ?? {}
  const paths = (['net_in', 'net_out'] as const).flatMap((member) => {
    const [first] = entriesOf(added, member)
    const place = entriesOf(policy, member).findLastIndex((entry) => isDeepStrictEqual(entry, first))
    return place < 0 ? [] : [`${pathOfPolicy(attachment)}.${member}[${place}]`]
  })
  const [at = pathOfPolicy(attachment)] = paths
  const fields = (paths.length === 0 ? [at] : paths).map((path) => ({ path, message: words }))
  const help = 'give the container a network whose driver takes ports and rules, or ask for none'
  return new ConetError('unsupported', `${at}: ${words}`, { fields, details: { driver }, help })
}

type Place = {
  readonly container: ContainerRecord
  readonly attachment: Attachment
  readonly network: NetworkRecord
  readonly session: DriverSession
}

/** Checks what stands for the attachment. Throws what the driver's schema says, and `unsupported`. `former`: what its endpoint has. */
export async function wantedPolicy(
  host: HostContext,
  { container, attachment: { name }, network, session }: Place,
  former?: PolicyDocument,
): Promise<WantedPolicy> {
  const source = policyFor(container, name, network)
  if (source === undefined) return { source, policy: undefined, ports: undefined }
  if (ownPolicyOf(container, name) !== undefined) assertTakesPolicies(session, pathOfPolicy(name))
  if (!takesPolicies(session)) {
    if (hasOwnPolicy(container, name)) throw takesNoAdditions(session, container, name, source)
    return { source, policy: undefined, ports: undefined }
  }
  const at = sourceOf(container, name, network) === 'default' ? defaultPolicyPath : pathOfPolicy(name)
  await session.documents.check('policy', source, at)
  const ports = await wantedPorts(host, session, {
    policy: source,
    former,
    calls: callsOf(container, name),
    at,
  })
  return { source, policy: source, ports }
}

/** The endpoint with its policy and ports, which are taken now. Throws `portInUse`, `portsExhausted`. */
export function withWantedPolicy(
  host: HostContext,
  endpoint: EndpointRecord,
  { policy, ports }: WantedPolicy,
): EndpointRecord {
  if (policy === undefined) return endpoint
  const portMappings = takePorts(host, endpoint, ports)
  return { ...endpoint, policy, ...(portMappings !== undefined && { portMappings }) }
}

/**
 * The endpoint that a plug made before its container came up, with what stands for it since: the runtime may have added to
 * it. Ports that it had are held beside those that it gets, until `host.ports.keepOnly`. Throws as the two above.
 */
export async function withPolicyOfNow(
  host: HostContext,
  place: Place,
  created: EndpointRecord,
): Promise<EndpointRecord> {
  const { container, attachment } = place
  const wanted = await wantedPolicy(host, place, created.policy)
  const network = host.inventory.networks.get(created.networkId)
  const endpoint = host.inventory.endpoints.get(created.id) ?? created
  // The network's default policy has changed meanwhile.
  if (
    network !== undefined &&
    !isDeepStrictEqual(policyFor(container, attachment.name, network), wanted.source)
  )
    return withPolicyOfNow(host, { ...place, network }, endpoint)
  if (isDeepStrictEqual(endpoint.policy, wanted.policy)) return endpoint
  const portMappings = takePorts(host, endpoint, wanted.ports)
  return withPolicy(endpoint, inForce(wanted.policy, portMappings))
}
