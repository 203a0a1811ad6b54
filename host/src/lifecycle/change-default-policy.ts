// Gives the containers of a network that have no policy of their own another default: here, one endpoint after the other.
import { isDeepStrictEqual } from 'node:util'
import { ConetError } from '@conet/sdk'
import { type EndpointRecord, isWanted } from '../domain/endpoint.ts'
import type { NetworkRecord } from '../domain/network.ts'
import { ownPolicyOf, type PolicyDocument, policyFor } from '../domain/policy.ts'
import { namingContainer } from './added-entries.ts'
import { applyPolicies, putBack } from './apply-policies.ts'
import type { DriverSession } from './driver-access.ts'
import { takesPolicies } from './endpoint-policy.ts'
import type { HostContext, Operation } from './host-context.ts'
import { containerQueue } from './keys.ts'
import { callsOf, wantedPorts } from './policy-ports.ts'
import { defaultPolicyPath as at, helpingWithPorts } from './policy-refusal.ts'
import { type PreparedStep, prepared } from './prepare-policies.ts'
import { retold } from './retold.ts'

const atOnce = 16

export type DefaultChange = {
  readonly networkId: string
  readonly session: DriverSession
  readonly policy: PolicyDocument | undefined
  /** What was put in force, to be put back should the rest fail. */
  readonly done: PreparedStep[]
  /** Goes on with the others where one fails; else the first failure is thrown. */
  failed?(endpointId: string, error: unknown): void
}

/** False: there was nobody left to change. */
export async function changeThose(
  host: HostContext,
  change: DefaultChange,
  operation: Operation,
): Promise<boolean> {
  if (!takesPolicies(change.session)) return false
  const left = host.inventory
    .endpointsOfNetwork(change.networkId)
    .filter((endpoint) => endpoint.state !== 'deleting' && isToChange(host, endpoint, change))
  let changed = 0
  const waiting = left.values()
  const worker = async () => {
    for (const { id, handle } of waiting) {
      const step = await host.queue
        .run(containerQueue(handle), () => changeOne(host, id, change, operation))
        .catch((error: unknown) => {
          if (change.failed === undefined) throw error
          change.failed(id, error)
        })
      if (step !== undefined) changed += 1
    }
  }
  const outcomes = await Promise.allSettled(Array.from({ length: atOnce }, worker))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  return changed > 0
}

function isToChange(host: HostContext, endpoint: EndpointRecord, change: DefaultChange): boolean {
  const container = host.inventory.containers.get(endpoint.handle)
  if (container !== undefined && ownPolicyOf(container, endpoint.attachment) !== undefined) return false
  return (
    endpoint.diverged !== undefined || !isDeepStrictEqual(endpoint.policy, policyOf(host, endpoint, change))
  )
}

/** The new default, and what the container's runtime has added. */
function policyOf(
  { inventory }: HostContext,
  { handle, attachment }: EndpointRecord,
  { policy: defaultPolicy }: DefaultChange,
): PolicyDocument | undefined {
  const container = inventory.containers.get(handle)
  return container === undefined ? defaultPolicy : policyFor(container, attachment, { defaultPolicy })
}

/** Undefined: the endpoint is gone, or has a policy of its own now. */
async function changeOne(
  host: HostContext,
  id: string,
  change: DefaultChange,
  operation: Operation,
): Promise<PreparedStep | undefined> {
  const endpoint = host.inventory.endpoints.get(id)
  const network = host.inventory.networks.get(change.networkId)
  if (endpoint === undefined || network === undefined || !isWanted(endpoint)) return undefined
  if (!isToChange(host, endpoint, change)) return undefined
  const { session, done } = change
  const policy = policyOf(host, endpoint, change)
  try {
    const calls = callsOf(host.inventory.containers.get(endpoint.handle), endpoint.attachment)
    const ports = await wantedPorts(host, session, { policy, former: endpoint.policy, calls, at })
    const steps = helpingWithPorts(network.name, () =>
      prepared(host, [{ endpoint, network, session, policy, ports, at }]),
    )
    await applyPolicies(host, steps, { operation })
    done.push(...steps)
    return steps[0]
  } catch (error) {
    throw aboutContainer(host, error, endpoint, change)
  }
}

/** All is refused for this one; its additions are no fault of the default. */
function aboutContainer(
  { inventory }: HostContext,
  error: unknown,
  { handle, attachment }: EndpointRecord,
  { policy: defaultPolicy }: DefaultChange,
): unknown {
  const container = inventory.containers.get(handle)
  if (container === undefined) return error
  const told = namingContainer(error, { container, attachment, network: { defaultPolicy } }, at)
  if (told !== error || !ConetError.is(error)) return told
  const details = { ...error.details, container: handle }
  return retold(error, { message: `for container ${handle}: ${error.message}`, details })
}

/** Those that got another policy meanwhile, or are gone, are as their clients want them. */
export async function takeBack(host: HostContext, done: readonly PreparedStep[]): Promise<void> {
  for (const step of [...done].reverse()) {
    const { id, handle } = step.endpoint
    await host.queue.run(containerQueue(handle), async () => {
      const current = host.inventory.endpoints.get(id)
      if (current === undefined || !isWanted(current) || current.policy !== step.next.policy) return
      await putBack(host, [step])
    })
  }
}

/** What comes up from now on has it. */
export function putDefault(
  host: HostContext,
  { defaultPolicy: _former, ...network }: NetworkRecord,
  { policy, policyRevision }: { policy: PolicyDocument | undefined; policyRevision?: number },
): NetworkRecord {
  const changed: NetworkRecord = {
    ...network,
    ...(policy !== undefined && { defaultPolicy: policy }),
    ...(policyRevision !== undefined && { policyRevision }),
  }
  host.inventory.putNetwork(changed)
  host.events.append({ type: 'network.default-policy', network_id: network.id })
  return changed
}
