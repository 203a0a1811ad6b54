// A network is created: named, its subnets chosen, on record, made by its driver.
import { ConetError } from '@conet/sdk'
import type { CreateNetworkBody } from '@conet/sdk/api'
import { completeDns } from '../domain/dns.ts'
import { newId } from '../domain/ids.ts'
import { driverView, goingHelp, type NetworkRecord } from '../domain/network.ts'
import { twoWordName } from '../domain/two-word-name.ts'
import { blockBitsFor } from '../ipam/index.ts'
import type { ClusterAccess } from './cluster-access.ts'
import { type ClusterPart, createSharedNetwork, type Elsewhere } from './create-shared-network.ts'
import type { DriverSession } from './driver-access.ts'
import { callFor } from './driver-call.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext, Operation } from './host-context.ts'
import { networkQueue } from './keys.ts'
import { driverForRequest, refuseNameLikeId, refuseNameless } from './network-request.ts'
import { removeNetwork, removeNetworkLater } from './remove-network.ts'
import { assertSubnets } from './requested-subnets.ts'

export type CreatedNetwork = { network: NetworkRecord; created: boolean }

/** The same name and content again: the same network. Other content: `conflict`. When it fails nothing is left. */
export async function createNetwork(
  host: HostContext,
  body: CreateNetworkBody,
  operation: Operation,
): Promise<CreatedNetwork> {
  for (;;) {
    const name = nameOf(host, body, operation) ?? (await refuseNameless(host, body, operation))
    const made = await host.queue.run(networkQueue(name), async () => {
      const other = body.name === undefined ? findByName(host, name) : undefined
      // A made-up name that another request was given in the same moment.
      if (other !== undefined && !isOfSameRequest(other, operation)) return undefined
      return createNow(host, { ...body, name }, operation)
    })
    if (made !== undefined) return made
  }
}

/** As `createNetwork`, for a container's own, with the id that its record has; within the queue of the network's name. */
export function createOwnedNetwork(
  host: HostContext,
  { body, ...own }: { id: string; owner: string; body: CreateNetworkBody & { name: string } },
  operation: Operation,
): Promise<CreatedNetwork> {
  return createNow(host, body, operation, own)
}

async function createNow(
  host: HostContext,
  body: CreateNetworkBody & { name: string },
  operation: Operation,
  own?: Wish['own'],
): Promise<CreatedNetwork> {
  const request = canonicalText(body)
  const existing = findByName(host, body.name)
  if (existing !== undefined) return { network: sameOrConflict(existing, { body, request }), created: false }
  refuseNameLikeId(host, body.name)
  const session = await driverForRequest(host, body, operation)
  const { config = {} } = body
  const { capabilities } = session.driver
  const { requestKey } = operation
  const wish = {
    body: { ...body, config, ...ofDriver(capabilities) },
    request,
    requestKey,
    ...(own && { own }),
  }
  if (capabilities.scope === 'global' && host.cluster !== undefined)
    return createInCluster(host, { cluster: host.cluster, session, wish }, operation)
  const network = intend(host, wish)
  failpoint('host:network:after-intent')
  try {
    await makeAtDriver(session, network, operation)
    failpoint('host:network:after-create')
    const active: NetworkRecord = { ...network, state: 'active' }
    host.inventory.putNetwork(active)
    host.events.append({ type: 'network.created', network_id: network.id })
    return { network: active, created: true }
  } catch (error) {
    await undo(host, network, error)
    throw error
  }
}

async function createInCluster(
  host: HostContext,
  { cluster, session, wish }: { cluster: ClusterAccess; session: DriverSession; wish: Wish },
  operation: Operation,
): Promise<CreatedNetwork> {
  const { body, request } = wish
  const { name, config } = body
  const intendShared = (elsewhere: readonly Elsewhere[], part: ClusterPart) =>
    intend(host, { ...wish, mostBlockBits: cluster.mostBlockBits }, { elsewhere, part })
  const shared = { name, request, config, intend: intendShared }
  const made = await createSharedNetwork(host, { cluster, session, wish: shared }, operation)
  return made.created ? made : { network: sameOrConflict(made.network, wish), created: false }
}

function makeAtDriver(session: DriverSession, network: NetworkRecord, operation: Operation) {
  return session.call('network/create', { network: driverView(network) }, callFor(operation))
}

/** What the network has of its driver's capabilities. */
type OfDriver = Pick<NetworkRecord, 'ipam' | 'sandbox'>

function ofDriver({ ipam, sandbox }: DriverSession['driver']['capabilities']): OfDriver {
  return { ...(ipam === 'driver' && { ipam }), ...(sandbox === 'private' && { sandbox }) }
}

type Wish = {
  readonly body: CreateNetworkBody & { name: string; config: Record<string, unknown> } & OfDriver
  readonly request: string
  readonly requestKey: string | undefined
  /** Of a container's own. */
  readonly own?: { readonly id: string; readonly owner: string }
  /** Of a network of the cluster. */
  readonly mostBlockBits?: number
}

/** Chooses the subnets and writes the intent, in one step of the event loop: nobody else gets the same. */
function intend(
  host: HostContext,
  { body, request, requestKey, own, mostBlockBits }: Wish,
  { elsewhere, part = {} }: { elsewhere?: readonly Elsewhere[]; part?: ClusterPart } = {},
): NetworkRecord {
  const { name, type, labels = {}, internal = false, config, default_policy: defaultPolicy } = body
  const subnets = host.addresses.chooseSubnets(body, elsewhere)
  const network: NetworkRecord = {
    id: own?.id ?? newId(),
    name,
    type,
    state: 'creating',
    labels,
    internal,
    subnets,
    ...(body.ipam && { ipam: body.ipam }),
    ...(body.sandbox && { sandbox: body.sandbox }),
    ...part,
    ...(mostBlockBits !== undefined && { blockBits: blockBitsFor(subnets, mostBlockBits) }),
    ...(own && { owner: own.owner }),
    config,
    createdAt: new Date().toISOString(),
    request,
    ...(body.dns && { dns: completeDns(body.dns) }),
    ...(defaultPolicy === undefined ? {} : { defaultPolicy }),
    ...(requestKey === undefined ? {} : { requestKey }),
  }
  failpoint('host:network:before-intent')
  host.inventory.putNetwork(network)
  host.addresses.open(network)
  return network
}

async function undo(host: HostContext, network: NetworkRecord, reason: unknown): Promise<void> {
  try {
    // A driver that left the call unanswered would leave its client waiting for as long again.
    if (ConetError.is(reason, 'deadlineExceeded')) removeNetworkLater(host, network)
    else await removeNetwork(host, network, { id: `undo-${network.id}` })
  } catch (error) {
    host.log.error({ networkId: network.id, err: error, reason }, 'a failed network could not be undone yet')
  }
}

function nameOf(
  host: HostContext,
  { name, generate_name: generate }: CreateNetworkBody,
  operation: Operation,
): string | undefined {
  if (name !== undefined) return name
  // A crash came between the network and the answer, and the client asks again.
  for (const network of host.inventory.networks.values())
    if (isOfSameRequest(network, operation)) return network.name
  if (generate === true) return twoWordName((candidate) => findByName(host, candidate) !== undefined)
  return undefined
}

function isOfSameRequest(network: NetworkRecord, { requestKey }: Operation): boolean {
  return requestKey !== undefined && network.requestKey === requestKey
}

function findByName(host: HostContext, name: string): NetworkRecord | undefined {
  for (const network of host.inventory.networks.values()) if (network.name === name) return network
  return undefined
}

/** Other content that is wrong in itself is told as that: no other name would help it. */
function sameOrConflict(
  existing: NetworkRecord,
  { body, request }: { body: CreateNetworkBody; request: string },
): NetworkRecord {
  const details = { networkId: existing.id }
  if (existing.state === 'deleting') {
    throw new ConetError(
      'operationPending',
      `create network ${existing.name}: the one before is still being deleted`,
      { details, help: goingHelp(existing) },
    )
  }
  if (existing.request === request) return existing
  assertSubnets(body)
  throw new ConetError('conflict', `create network ${existing.name}: it exists with other content`, {
    details,
    fields: [{ path: 'name', message: 'is the name of a network with other content' }],
    help: `see it with: conet net inspect ${existing.name}`,
  })
}

/** The same for the same content, whatever the order of its members. */
function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )
}
