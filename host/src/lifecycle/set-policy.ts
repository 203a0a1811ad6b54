// A client changes the policies of a container by the names of its attachments, before or while it runs: all, or none.
import { ConetError, type PortMapping } from '@conet/sdk'
import type { ContainerRecord } from '../domain/container.ts'
import { type EndpointRecord, isWanted } from '../domain/endpoint.ts'
import {
  hasOwnPolicy,
  type PolicyDocument,
  type PolicyPatch,
  policyFor,
  withMore,
  withPatch,
  withPortKept,
} from '../domain/policy.ts'
import { applyPolicies } from './apply-policies.ts'
import { checkPolicy } from './check-policy.ts'
import { requireContainer } from './containers.ts'
import type { DriverSession } from './driver-access.ts'
import { assertTakesPolicies, takesPolicies } from './endpoint-policy.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext, Operation } from './host-context.ts'
import { containerQueue } from './keys.ts'
import { namingField } from './named-field.ts'
import { callsOf, wantedPorts } from './policy-ports.ts'
import { PolicyRefusal, pathOfPolicy } from './policy-refusal.ts'
import { type PolicyStep, prepared } from './prepare-policies.ts'
import { RequestFaults } from './request-faults.ts'
import { retold } from './retold.ts'

/**
 * Names that are absent keep what they have; `null` gives the network's default again. Throws `notAttached`,
 * `unsupported`, `portInUse`, `portsExhausted`, and what drivers and their schemas refuse; then all is as before, unless
 * `details.diverged` names attachments. May be repeated.
 */
export function setPolicies(
  host: HostContext,
  handle: string,
  patch: PolicyPatch,
  operation: Operation,
): Promise<ContainerRecord> {
  return host.queue.run(containerQueue(handle), async () => {
    try {
      return await setPoliciesNow(host, handle, patch, operation)
    } catch (error) {
      throw isAboutDocument(error)
        ? retold(error, { message: `put container policy ${handle}: ${error.message}` })
        : error
    }
  })
}

/** Whoever looks at documents knows no operation. */
function isAboutDocument(error: unknown): error is ConetError {
  if (!ConetError.is(error) || error.kind === 'notAttached') return false
  return error.fields.some(({ path }) => path.startsWith(pathOfPolicy('')))
}

/** As `setPolicies`, for callers that are inside the container's queue. */
export async function setPoliciesNow(
  host: HostContext,
  handle: string,
  patch: PolicyPatch,
  operation: Operation,
): Promise<ContainerRecord> {
  const container = withPatch(requireContainer(host, handle), patch, 'networks')
  return putInForce(host, container, Object.keys(patch), operation)
}

/** The container with the policies on it of the attachments that are named. */
async function putInForce(
  host: HostContext,
  container: ContainerRecord,
  names: readonly string[],
  operation: Operation,
): Promise<ContainerRecord> {
  const faults = new RequestFaults()
  const steps: PolicyStep[] = []
  for (const name of names)
    steps.push(...((await faults.ofLater(() => stepsFor(host, container, name, operation))) ?? []))
  faults.throwIfAny()
  if (steps.length > 0) {
    const also = (change: { putContainer(record: ContainerRecord): void }) => change.putContainer(container)
    await applyPolicies(host, prepared(host, steps), { operation, also })
    return container
  }
  failpoint('host:policy:before-outcome')
  host.inventory.putConfiguration(container)
  failpoint('host:policy:after-outcome')
  host.events.append({ type: 'container.policy', container: container.handle })
  return container
}

/** What stands for an attachment that is to get further entries, and its container with them. */
export type Standing = {
  readonly mappings: readonly PortMapping[]
  policyIn(container: ContainerRecord): PolicyDocument | undefined
  withEntries(entries: PolicyDocument): ContainerRecord
  /** With what keeps the port of the mapping at that place. */
  withPortKept(place: number): ContainerRecord
  readonly container: ContainerRecord
}

/**
 * Adds entries to what stands for one attachment, until the container goes down: as the container has them that `change` answers.
 * Resolves to the ports that it has then, while there is an endpoint for it. Throws as `setPolicies` does.
 */
export function addToPolicy(
  host: HostContext,
  { handle, attachment }: { handle: string; attachment: string },
  change: (standing: Standing) => ContainerRecord,
  operation: Operation,
): Promise<readonly PortMapping[]> {
  return host.queue.run(containerQueue(handle), async () => {
    const container = requireContainer(host, handle)
    const networkId = container.attachments.find(({ name }) => name === attachment)?.networkId
    const network = networkId === undefined ? undefined : host.inventory.networks.get(networkId)
    const mappings = () => endpointFor(host, handle, attachment)?.portMappings ?? []
    const place = { attachment, network }
    const next = change({
      container,
      mappings: mappings(),
      policyIn: (record) => policyFor(record, attachment, network),
      withEntries: (entries) => withMore(container, attachment, entries),
      withPortKept: (port) => withPortKept(container, place, port),
    })
    if (next !== container) await putInForce(host, next, [attachment], operation)
    return mappings()
  })
}

/** The endpoint that realises the attachment, if it is where it should be. */
function endpointFor(host: HostContext, handle: string, attachment: string): EndpointRecord | undefined {
  return host.inventory
    .endpointsOfContainer(handle)
    .find((endpoint) => endpoint.attachment === attachment && isWanted(endpoint))
}

/** Everything is checked. None where the driver need not be told now. */
async function stepsFor(
  host: HostContext,
  container: ContainerRecord,
  name: string,
  operation: Operation,
): Promise<PolicyStep[]> {
  const at = pathOfPolicy(name)
  const endpoint = endpointFor(host, container.handle, name)
  const isOwn = hasOwnPolicy(container, name)
  if (!isOwn && endpoint === undefined) return []
  const { network, session } = await driverOf(host, { container, name, at }, operation)
  if (isOwn) assertTakesPolicies(session, at)
  if (!takesPolicies(session)) return []
  // With an endpoint the driver sees it in a moment.
  const isInternal = network?.internal ?? false
  const policy = policyFor(container, name, network)
  if (isOwn && policy !== undefined && endpoint === undefined)
    await checkPolicy(session, { policy, at, isInternal }, operation)
  else if (isOwn && policy !== undefined) await session.documents.check('policy', policy, at)
  const calls = callsOf(container, name, host.inventory.containers.get(container.handle))
  const ports = await wantedPorts(host, session, { policy, former: endpoint?.policy, calls, at })
  if (endpoint === undefined || network === undefined) return []
  return [{ endpoint, network, session, policy, ports, at }]
}

/** Also of a network of the container's own that is not there before it comes up. */
async function driverOf(
  host: HostContext,
  { container, name, at }: { container: ContainerRecord; name: string; at: string },
  operation: Operation,
) {
  const attachment = container.attachments.find((one) => one.name === name)
  const network = host.inventory.networks.get(attachment?.networkId ?? '')
  const type = network?.type ?? attachment?.own?.type
  if (type === undefined) {
    const message = 'the network of the attachment is gone'
    throw new PolicyRefusal('notFound', { at, words: message }, { fields: [{ path: at, message }] })
  }
  try {
    const session: DriverSession = await host.drivers.require(type, operation)
    return { network, session }
  } catch (error) {
    throw namingField(error, at)
  }
}
