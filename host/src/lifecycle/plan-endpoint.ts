// What an endpoint is to be: its names, addresses and routes, reserved for it and not yet on record.
import { ConetError } from '@conet/sdk'
import type { Attachment, ContainerRecord, SandboxRecord } from '../domain/container.ts'
import type { EndpointRecord, InterfacePlan } from '../domain/endpoint.ts'
import { newId } from '../domain/ids.ts'
import { assertMtuFits, assertUsable, type NetworkRecord, networkGoneHelp } from '../domain/network.ts'
import type { Reservation } from './address-book.ts'
import { namingHolder } from './address-holder.ts'
import { ensureRoom, hasRoomFor } from './block-room.ts'
import type { HostContext, Operation } from './host-context.ts'
import { releaseIfUnused } from './network-at-driver.ts'
import { placeInSandbox } from './place-in-sandbox.ts'

export type EndpointWish = {
  container: ContainerRecord
  attachment: Attachment
  madeBy: EndpointRecord['madeBy']
  /** Absent: the endpoint is created only, and plugged at `up`. */
  sandbox?: SandboxRecord | undefined
}

/** The reservation is to be released unless the endpoint comes on record. */
export type PlannedEndpoint = { endpoint: EndpointRecord; reservation: Reservation }

/** A plan with addresses: in a network of the cluster others may take them in the turn in which there was room. */
export async function planWithRoom(
  host: HostContext,
  wish: EndpointWish,
  operation: Operation,
): Promise<PlannedEndpoint> {
  const { attachment, container } = wish
  const what = `plug container ${container.handle}`
  for (;;) {
    const network = networkOf(host, attachment, what)
    // It may have begun to go while something was awaited.
    assertUsable(network, what)
    if (network.scope !== 'global') return planEndpoint(host, wish, network, operation)
    try {
      host.cluster?.assertReachable(`${what} into network ${network.name}`)
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
  wish: EndpointWish,
  network: NetworkRecord,
  operation: Operation,
): PlannedEndpoint {
  const { attachment, container } = wish
  assertMtuFits(network, attachment, 'mtu')
  const { name, defaultRoute } = placeInSandbox(host, wish, network)
  const id = newId()
  const promisedMacs = macsOfOthers(container, attachment)
  const reservation = namingHolder(host, () =>
    host.addresses.reserve(network, { endpointId: id, attachment, promisedMacs }),
  )
  const plan: InterfacePlan = {
    name,
    macAddress: reservation.macAddress,
    addresses: reservation.addresses,
    defaultRoute,
    routes: [],
    ...(attachment.mtu === undefined ? {} : { mtu: attachment.mtu }),
  }
  const order = host.inventory.nextOrder()
  return { endpoint: recordOf(wish, { id, order, plan, network }, operation), reservation }
}

/** In the same network: a MAC that somebody asks for wins over one that follows from an address. */
function macsOfOthers({ attachments }: ContainerRecord, { name, networkId }: Attachment): string[] {
  const others = attachments.filter((other) => other.name !== name && other.networkId === networkId)
  return others.flatMap(({ macAddress }) => macAddress ?? [])
}

function recordOf(
  { attachment, container, madeBy, sandbox }: EndpointWish,
  { id, order, plan, network }: { id: string; order: number; plan: InterfacePlan; network: NetworkRecord },
  { requestKey }: Operation,
): EndpointRecord {
  return {
    id,
    networkId: network.id,
    handle: container.handle,
    attachment: attachment.name,
    madeBy,
    order,
    state: sandbox === undefined ? 'creating' : 'plugging',
    interface: plan,
    ...(sandbox === undefined ? {} : { hold: sandbox.hold }),
    ...(requestKey === undefined ? {} : { requestKey }),
    options: attachment.options,
    ...(network.ipam === 'driver' && { requestedAddresses: attachment.addresses }),
    createdAt: new Date().toISOString(),
  }
}

/** Throws `notFound`. */
export function networkOf(
  host: HostContext,
  { networkId, name }: Attachment,
  operation: string,
): NetworkRecord {
  const network = host.inventory.networks.get(networkId)
  if (network !== undefined) return network
  throw new ConetError('notFound', `${operation}: the network of attachment ${name} is gone`, {
    details: { networkId },
    help: networkGoneHelp,
  })
}
