// One attachment becomes an endpoint: planned, on record, created by the driver, plugged when there is a sandbox.
import { ConetError, type PlugResult } from '@conet/sdk'
import type { Attachment, ContainerRecord, SandboxRecord } from '../domain/container.ts'
import type { EndpointRecord } from '../domain/endpoint.ts'
import { newId } from '../domain/ids.ts'
import { chooseDefaultRoute, chooseInterfaceName } from '../domain/interface-plan.ts'
import { assertUsable, hasWayOut, type NetworkRecord } from '../domain/network.ts'
import { policyFor } from '../domain/policy.ts'
import { isLeftToHost } from '../sandbox/index.ts'
import type { Reservation } from './address-book.ts'
import { claimAhead, ensureRoom, hasRoomFor } from './block-room.ts'
import type { DriverSession } from './driver-access.ts'
import { callFor } from './driver-call.ts'
import { createParameters, plugParameters } from './driver-parameters.ts'
import { type WantedPolicy, wantedPolicy, withWantedPolicy } from './endpoint-policy.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext, Operation } from './host-context.ts'
import { claimMac, isMacToClaim, tidyMacs } from './mac-claims.ts'
import { about } from './named-field.ts'
import { ensureAtDriver, releaseIfUnused } from './network-at-driver.ts'
import { portCursor } from './policy-ports.ts'
import { assertAnswer, settleInSandbox } from './sandbox-settlement.ts'
import { refuseAmbiguousNetworks } from './subnet-overlap.ts'

export type EndpointWish = {
  container: ContainerRecord
  attachment: Attachment
  madeBy: EndpointRecord['madeBy']
  /** Absent: the endpoint is created only, and plugged at `up`. */
  sandbox?: SandboxRecord | undefined
}

/** An endpoint on record, which the driver does not know yet. */
export type IntendedEndpoint = { endpoint: EndpointRecord; network: NetworkRecord; session: DriverSession }

/** Everything is checked and reserved, then written down. When a check fails nothing has changed. */
export async function intendEndpoint(
  host: HostContext,
  wish: EndpointWish,
  operation: Operation,
): Promise<IntendedEndpoint> {
  const { attachment, container } = wish
  const what = `plug container ${container.handle}`
  const network = networkOf(host, attachment, what)
  const session = await host.drivers.require(network.type, operation)
  await session.documents.check('attachment', attachment.options, 'options')
  const wanted = await wantedPolicy(host, { container, attachment, network, session })
  const planned = await planWithRoom(host, wish, operation)
  await claimPlannedMac(host, { wish, network, planned }, operation)
  const endpoint = writeIntent(host, wish, { ...planned, wanted })
  // The network's default policy has changed meanwhile.
  if (endpoint === undefined) return intendEndpoint(host, wish, operation)
  claimAhead(host, network)
  failpoint('host:endpoint:after-intent')
  return { endpoint, network, session }
}

async function claimPlannedMac(
  host: HostContext,
  { wish, network, planned }: { wish: EndpointWish; network: NetworkRecord; planned: Planned },
  operation: Operation,
): Promise<void> {
  const { attachment, container } = wish
  const { endpoint } = planned
  if (!isMacToClaim(network, attachment, endpoint)) return
  const what = `plug container ${container.handle}`
  try {
    await claimMac(host, network, endpoint.interface.macAddress, operation)
    assertUsable(networkOf(host, attachment, what), what)
  } catch (error) {
    giveUpPlan(host, planned)
    throw error
  }
}

/** Undefined, and nothing done, if another policy stands for it now. */
function writeIntent(
  host: HostContext,
  { attachment, container, madeBy }: EndpointWish,
  { endpoint: plan, reservation, wanted }: Planned & { wanted: WantedPolicy },
): EndpointRecord | undefined {
  try {
    const network = host.inventory.networks.get(plan.networkId)
    const isStale = policyFor(container, attachment.name, network) !== wanted.source
    if (isStale) return giveUpPlan(host, { endpoint: plan, reservation })
    const endpoint = withWantedPolicy(host, plan, wanted)
    failpoint('host:endpoint:before-intent')
    host.inventory.commit((change) => {
      change.putEndpoint(endpoint)
      if (madeBy === 'plug') change.putContainer(container)
      for (const { subnetKey, cursor } of reservation.cursors) change.putCursor(subnetKey, cursor)
      if (endpoint.portMappings !== undefined) change.putCursor(portCursor, String(host.ports.cursor))
    })
    return endpoint
  } catch (error) {
    giveUpPlan(host, { endpoint: plan, reservation })
    throw error
  }
}

function giveUpPlan(host: HostContext, { endpoint, reservation }: Planned): undefined {
  reservation.release()
  host.ports.release(endpoint.id)
  const network = host.inventory.networks.get(endpoint.networkId)
  if (network !== undefined) tidyMacs(host, network)
  releaseIfUnused(host, endpoint.networkId)
}

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
async function createAtDriver(
  host: HostContext,
  { endpoint, network, session }: IntendedEndpoint,
  operation: Operation,
): Promise<EndpointRecord> {
  await ensureAtDriver(host, { network, session }, operation)
  const parameters = createParameters(host, endpoint, network)
  const { addresses } = await session.call('endpoint/create', parameters, callFor(operation))
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

/** The driver creates the endpoint and plugs it: both calls are under way at once, and served in this order. */
export async function createAndPlug(
  host: HostContext,
  intended: IntendedEndpoint,
  sandbox: SandboxRecord,
  operation: Operation,
): Promise<EndpointRecord> {
  const { endpoint, network, session } = intended
  if (network.ipam === 'driver') return createThenPlug(host, intended, sandbox, operation)
  if (network.scope === 'global') await ensureAtDriver(host, { network, session }, operation)
  const call = callFor(operation)
  const create = createParameters(host, endpoint, network)
  const created = session.call('endpoint/create', create, call)
  const plugged = session.call('endpoint/plug', plugParameters(create, sandbox), call)
  return recordPlug(host, { endpoint, network, sandbox }, await bothOrFirstError(created, plugged))
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
  const result = await session.call('endpoint/plug', parameters, callFor(operation))
  return recordPlug(host, { endpoint, network, sandbox }, result)
}

/** Plugs an endpoint that was created before there was a sandbox. */
export async function plugCreated(
  host: HostContext,
  created: EndpointRecord,
  sandbox: SandboxRecord,
  operation: Operation,
): Promise<EndpointRecord> {
  const network = host.inventory.networks.get(created.networkId)
  if (network === undefined)
    throw new ConetError('notFound', `plug endpoint ${created.id}: its network is gone`)
  const session = await host.drivers.require(network.type, operation)
  const endpoint = record(host, { ...created, state: 'plugging', hold: sandbox.hold })
  failpoint('host:endpoint:after-intent')
  const create = createParameters(host, endpoint, network)
  const result = await session.call('endpoint/plug', plugParameters(create, sandbox), callFor(operation))
  return recordPlug(host, { endpoint, network, sandbox }, result)
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
  await settleInSandbox(host, { endpoint, network, sandbox }, result)
  failpoint('host:endpoint:settled')
  const plugged = record(host, { ...endpoint, state: 'plugged', result })
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

type Planned = { endpoint: EndpointRecord; reservation: Reservation }

/** A plan with addresses: in a network of the cluster others may take them in the turn in which there was room. */
async function planWithRoom(host: HostContext, wish: EndpointWish, operation: Operation): Promise<Planned> {
  const { attachment, container } = wish
  const what = `plug container ${container.handle}`
  for (;;) {
    const network = networkOf(host, attachment, what)
    // It may have begun to go while something was awaited.
    assertUsable(network, what)
    if (network.scope !== 'global') return planEndpoint(host, wish, network, operation)
    try {
      if (hasRoomFor(host, network, attachment)) return planEndpoint(host, wish, network, operation)
      await ensureRoom(host, { network, attachment }, operation)
    } catch (error) {
      releaseIfUnused(host, network.id)
      throw error
    }
    operation.signal?.throwIfAborted()
  }
}

function planEndpoint(
  host: HostContext,
  { attachment, container, madeBy, sandbox }: EndpointWish,
  network: NetworkRecord,
  { requestKey }: Operation,
): Planned {
  const others = host.inventory.endpointsOfContainer(container.handle)
  const networks = others.flatMap(({ networkId }) => host.inventory.networks.get(networkId) ?? [])
  about('network', () => refuseAmbiguousNetworks(network, networks, container.handle))
  // What is still to be removed from a sandbox that was let go takes no name in this one.
  const present = others.filter(
    ({ state, hold }) => state !== 'deleting' || (hold !== undefined && hold === sandbox?.hold),
  )
  const name = chooseInterfaceName(attachment.interface, present, sandbox?.foreignInterfaces ?? [])
  const isPromised = isDefaultRoutePromised(host, container, attachment)
  const defaultRoute = chooseDefaultRoute(attachment.defaultRoute, network, { endpoints: others, isPromised })
  const id = newId()
  const reservation = host.addresses.reserve(network, { endpointId: id, attachment })
  const endpoint: EndpointRecord = {
    id,
    networkId: network.id,
    handle: container.handle,
    attachment: attachment.name,
    madeBy,
    order: host.inventory.nextOrder(),
    state: sandbox === undefined ? 'creating' : 'plugging',
    interface: {
      name,
      macAddress: reservation.macAddress,
      addresses: reservation.addresses,
      defaultRoute,
      routes: [],
      ...(attachment.mtu === undefined ? {} : { mtu: attachment.mtu }),
    },
    ...(sandbox === undefined ? {} : { hold: sandbox.hold }),
    ...(requestKey === undefined ? {} : { requestKey }),
    options: attachment.options,
    ...(network.ipam === 'driver' && { requestedAddresses: attachment.addresses }),
    createdAt: new Date().toISOString(),
  }
  return { endpoint, reservation }
}

/** To another attachment of the container, by a word of its client. */
function isDefaultRoutePromised(
  { inventory }: HostContext,
  { attachments }: ContainerRecord,
  { name, primary }: Attachment,
): boolean {
  const leadsOut = ({ networkId, own }: Attachment) => {
    const network = inventory.networks.get(networkId)
    return network === undefined ? own !== undefined : hasWayOut(network)
  }
  const others = attachments.filter((other) => other.name !== name && other.defaultRoute !== false)
  if (others.some(({ defaultRoute }) => defaultRoute === true)) return true
  return primary !== true && others.some((other) => other.primary === true && leadsOut(other))
}

function networkOf(host: HostContext, { networkId, name }: Attachment, operation: string): NetworkRecord {
  const network = host.inventory.networks.get(networkId)
  if (network !== undefined) return network
  throw new ConetError('notFound', `${operation}: the network of attachment ${name} is gone`, {
    details: { networkId },
  })
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
