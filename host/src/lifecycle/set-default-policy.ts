// The default policy of a network changes, and with it that of every container that has none of its own: all, or none.
import { isDeepStrictEqual } from 'node:util'
import { ConetError } from '@conet/sdk'
import { type EndpointRecord, isWanted } from '../domain/endpoint.ts'
import { assertUsable, type NetworkRecord } from '../domain/network.ts'
import { ownPolicyOf, type PolicyDocument } from '../domain/policy.ts'
import { resolveKey } from '../domain/resolve.ts'
import { applyPolicies, type PreparedStep, prepared, putBack } from './apply-policies.ts'
import type { DriverSession } from './driver-access.ts'
import { assertTakesPolicies, takesPolicies } from './endpoint-policy.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext, Operation } from './host-context.ts'
import { containerQueue, defaultPolicyQueue } from './keys.ts'
import { wantedPorts } from './policy-ports.ts'
import { defaultPolicyPath, helpingWithPorts } from './policy-refusal.ts'

const atOnce = 16
const at = defaultPolicyPath

/** `null`: none from now on. Throws as `setPolicies` does; then all is as before, or on record as diverged. May be repeated. */
export function setDefaultPolicy(
  host: HostContext,
  key: string,
  policy: PolicyDocument | null,
  operation: Operation,
): Promise<NetworkRecord> {
  const { id } = resolveKey(key, host.inventory.networks.values(), 'network')
  return host.queue.run(defaultPolicyQueue(id), () => setNow(host, id, policy ?? undefined, operation))
}

type DefaultChange = {
  readonly networkId: string
  readonly session: DriverSession
  readonly policy: PolicyDocument | undefined
  /** What was put in force, to be put back should the rest fail. */
  readonly done: PreparedStep[]
}

async function setNow(
  host: HostContext,
  networkId: string,
  policy: PolicyDocument | undefined,
  operation: Operation,
): Promise<NetworkRecord> {
  const network = currentNetwork(host, networkId)
  const session = await host.drivers.require(network.type, operation)
  if (policy !== undefined) {
    assertTakesPolicies(session, at)
    await session.documents.check('policy', policy, at)
  }
  const change: DefaultChange = { networkId, session, policy, done: [] }
  try {
    // Endpoints come while others change; with the last one changed the network's record follows at once.
    while (await changeThose(host, change, operation)) operation.signal?.throwIfAborted()
    return record(host, networkId, policy)
  } catch (error) {
    await takeBack(host, change.done)
    throw error
  }
}

/** Throws for a network that cannot change it now. */
function currentNetwork(host: HostContext, networkId: string): NetworkRecord {
  const network = host.inventory.networks.get(networkId)
  if (network === undefined) throw new ConetError('notFound', `set ${at}: network ${networkId} is gone`)
  assertUsable(network, `set ${at}`)
  if (network.scope !== 'global') return network
  const message = 'a network of the cluster keeps the default policy that it was created with'
  throw new ConetError('unsupported', `${at}: ${message}`, {
    fields: [{ path: at, message }],
    help: 'give each container a policy of its own: conet container policy HANDLE',
  })
}

/** False: there was nobody left to change. */
async function changeThose(host: HostContext, change: DefaultChange, operation: Operation): Promise<boolean> {
  if (!takesPolicies(change.session)) return false
  const left = host.inventory
    .endpointsOfNetwork(change.networkId)
    .filter((endpoint) => endpoint.state !== 'deleting' && isToChange(host, endpoint, change))
  let changed = 0
  const waiting = left.values()
  const worker = async () => {
    for (const { id, handle } of waiting) {
      const step = await host.queue.run(containerQueue(handle), () => changeOne(host, id, change, operation))
      if (step !== undefined) changed += 1
    }
  }
  const outcomes = await Promise.allSettled(Array.from({ length: atOnce }, worker))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  return changed > 0
}

function isToChange(host: HostContext, endpoint: EndpointRecord, { policy }: DefaultChange): boolean {
  const container = host.inventory.containers.get(endpoint.handle)
  if (container !== undefined && ownPolicyOf(container, endpoint.attachment) !== undefined) return false
  return endpoint.diverged !== undefined || !isDeepStrictEqual(endpoint.policy, policy)
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
  const { policy, session, done } = change
  const ports = await wantedPorts(host, session, { policy, former: endpoint.policy, at })
  const steps = helpingWithPorts(network.name, () =>
    prepared(host, [{ endpoint, network, session, policy, ports, at }]),
  )
  await applyPolicies(host, steps, { operation })
  done.push(...steps)
  return steps[0]
}

function record(host: HostContext, networkId: string, policy: PolicyDocument | undefined): NetworkRecord {
  const { defaultPolicy: _former, ...rest } = currentNetwork(host, networkId)
  const network: NetworkRecord = { ...rest, ...(policy !== undefined && { defaultPolicy: policy }) }
  failpoint('host:policy:before-default')
  host.inventory.putNetwork(network)
  failpoint('host:policy:after-default')
  host.events.append({ type: 'network.default-policy', network_id: networkId })
  return network
}

/** Those that got another policy meanwhile, or are gone, are as their clients want them. */
async function takeBack(host: HostContext, done: readonly PreparedStep[]): Promise<void> {
  for (const step of [...done].reverse()) {
    const { id, handle } = step.endpoint
    await host.queue.run(containerQueue(handle), async () => {
      const current = host.inventory.endpoints.get(id)
      if (current === undefined || !isWanted(current) || current.policy !== step.next.policy) return
      await putBack(host, [step])
    })
  }
}
