// An endpoint on record becomes one at its driver: created, and plugged when there is a sandbox.
import { ConetError, type PlugResult } from '@conet/sdk'
import type { Attachment, ContainerRecord, SandboxRecord } from '../domain/container.ts'
import type { EndpointRecord } from '../domain/endpoint.ts'
import type { NetworkRecord } from '../domain/network.ts'
import { isLeftToHost } from '../sandbox/index.ts'
import { callFor } from './driver-call.ts'
import { createParameters, plugParameters } from './driver-parameters.ts'
import { withPolicyOfNow } from './endpoint-policy.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext, Operation } from './host-context.ts'
import type { IntendedEndpoint } from './intend-endpoint.ts'
import { namingWish } from './interface-refusal.ts'
import { ensureAtDriver } from './network-at-driver.ts'
import { keepPortsOf } from './policy-ports.ts'
import { assertAnswer, settleInSandbox } from './sandbox-settlement.ts'
import { namingLeftover } from './unfinished-removals.ts'

/** The driver creates the endpoint; nothing is in a sandbox yet. */
export async function createEndpoint(
  host: HostContext,
  intended: IntendedEndpoint,
  operation: Operation,
): Promise<EndpointRecord> {
  const endpoint = await createAtDriver(host, intended, operation)
  failpoint('host:endpoint:after-create')
  return record(host, { ...endpoint, state: 'created' })
}

/** The endpoint with what the driver has given it. */
export async function createAtDriver(
  host: HostContext,
  { endpoint, network, session }: IntendedEndpoint,
  operation: Operation,
): Promise<EndpointRecord> {
  await ensureAtDriver(host, { network, session }, operation)
  const parameters = createParameters(host, endpoint, network)
  const { addresses } = await namingWish({ endpoint, network }, () =>
    session.call('endpoint/create', parameters, callFor(operation)),
  )
  if (network.ipam !== 'driver') return endpoint
  const given = host.addresses.adopt({
    networkId: network.id,
    endpointId: endpoint.id,
    driver: network.type,
    addresses,
    requested: endpoint.requestedAddresses ?? [],
  })
  return { ...endpoint, interface: { ...endpoint.interface, addresses: given } }
}

/** The driver creates the endpoint and plugs it. */
export function createAndPlug(
  host: HostContext,
  intended: IntendedEndpoint,
  sandbox: SandboxRecord,
  operation: Operation,
): Promise<EndpointRecord> {
  const plug = intended.network.ipam === 'driver' ? createThenPlug : plugAtOnce
  return namingLeftover(host, intended.endpoint.handle, () => plug(host, intended, sandbox, operation))
}

/** By the plug alone, or by two calls that are under way at once. */
async function plugAtOnce(
  host: HostContext,
  intended: IntendedEndpoint,
  sandbox: SandboxRecord,
  operation: Operation,
): Promise<EndpointRecord> {
  const { endpoint, network, session } = intended
  if (network.scope === 'global') await ensureAtDriver(host, { network, session }, operation)
  const call = callFor(operation)
  const create = createParameters(host, endpoint, network)
  const isCreatedFirst = session.driver.capabilities.plugCreates !== true
  const created = isCreatedFirst ? session.call('endpoint/create', create, call) : undefined
  const plugged = session.call('endpoint/plug', plugParameters(create, sandbox), call)
  const result = await namingWish({ endpoint, network }, () =>
    created === undefined ? plugged : bothOrFirstError(created, plugged),
  )
  return recordPlug(host, { endpoint, network, sandbox }, result)
}

/** The plug has the addresses with which the driver answers the create. */
async function createThenPlug(
  host: HostContext,
  intended: IntendedEndpoint,
  sandbox: SandboxRecord,
  operation: Operation,
): Promise<EndpointRecord> {
  const { network, session } = intended
  const endpoint = record(host, await createAtDriver(host, intended, operation))
  failpoint('host:endpoint:after-create')
  const parameters = plugParameters(createParameters(host, endpoint, network), sandbox)
  const result = await namingWish({ endpoint, network }, () =>
    session.call('endpoint/plug', parameters, callFor(operation)),
  )
  return recordPlug(host, { endpoint, network, sandbox }, result)
}

/** Plugs an endpoint that was created before there was a sandbox, with the policy that stands for it now. */
export async function plugCreated(
  host: HostContext,
  { container, attachment, created }: CreatedEndpoint,
  sandbox: SandboxRecord,
  operation: Operation,
): Promise<EndpointRecord> {
  const network = host.inventory.networks.get(created.networkId)
  if (network === undefined)
    throw new ConetError('notFound', `plug endpoint ${created.id}: its network is gone`)
  const session = await host.drivers.require(network.type, operation)
  const current = await withPolicyOfNow(host, { container, attachment, network, session }, created)
  const endpoint = record(host, { ...current, state: 'plugging', hold: sandbox.hold })
  failpoint('host:endpoint:after-intent')
  const create = createParameters(host, endpoint, network)
  const plugged = await namingLeftover(host, endpoint.handle, async () => {
    const result = await namingWish({ endpoint, network }, () =>
      session.call('endpoint/plug', plugParameters(create, sandbox), callFor(operation)),
    )
    return recordPlug(host, { endpoint, network, sandbox }, result)
  })
  keepPortsOf(host, plugged)
  return plugged
}

type CreatedEndpoint = {
  readonly container: ContainerRecord
  readonly attachment: Attachment
  readonly created: EndpointRecord
}

type AnsweredPlug = { endpoint: EndpointRecord; network: NetworkRecord; sandbox: SandboxRecord }

function recordPlug(host: HostContext, plug: AnsweredPlug, result: PlugResult): Promise<EndpointRecord> {
  return host.answeredPlugs.record(plug.network.type, () => recordNow(host, plug, result))
}

async function recordNow(
  host: HostContext,
  { endpoint, network, sandbox }: AnsweredPlug,
  result: PlugResult,
): Promise<EndpointRecord> {
  failpoint('host:endpoint:after-plug')
  judge(host, { endpoint, network, sandbox }, result)
  // On record before the host touches the sandbox, so that whatever ends it here knows what to take back.
  if (result.interfaces.some(isLeftToHost)) record(host, { ...endpoint, result })
  const settled = await settleInSandbox(host, { endpoint, network, sandbox }, result)
  failpoint('host:endpoint:settled')
  const plugged = record(host, { ...endpoint, state: 'plugged', result, ...settled })
  failpoint('host:endpoint:after-outcome')
  host.events.append({
    type: 'endpoint.plugged',
    network_id: endpoint.networkId,
    endpoint_id: endpoint.id,
    container: endpoint.handle,
  })
  return plugged
}

/** The client is told what is wrong with the answer, and so is whoever keeps the driver. */
function judge(host: HostContext, placed: Parameters<typeof assertAnswer>[1], result: PlugResult): void {
  try {
    assertAnswer(host, placed, result)
  } catch (error) {
    const { endpoint, network } = placed
    host.log.warn(
      { driver: network.type, endpointId: endpoint.id, err: error },
      'the answer to a plug is not acted on',
    )
    throw error
  }
}

function record(host: HostContext, endpoint: EndpointRecord): EndpointRecord {
  host.inventory.commit((change) => change.putEndpoint(endpoint))
  return endpoint
}

/** When the first call fails the second does too; the first one's error is the one that says why. */
async function bothOrFirstError<A, B>(first: Promise<A>, second: Promise<B>): Promise<B> {
  const [one, two] = await Promise.allSettled([first, second])
  if (one.status === 'rejected') throw one.reason
  if (two.status === 'rejected') throw two.reason
  return two.value
}
