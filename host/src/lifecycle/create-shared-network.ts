// A network of the cluster is created: its driver here sees it first, so that what is wrong with it is found before
// anybody else hears of it; then it is written where all hosts read it, unless others came first.
import { ConetError } from '@conet/sdk'
import type { SharedNetwork } from '../cluster/records.ts'
import { freeSegment, type ProposedNetwork } from '../cluster/shared-networks.ts'
import { driverView, type NetworkRecord } from '../domain/network.ts'
import { ownersOf } from './address-book.ts'
import type { ClusterAccess } from './cluster-access.ts'
import type { DriverSession } from './driver-access.ts'
import { callFor } from './driver-call.ts'
import { adoptNow } from './follow-cluster.ts'
import type { HostContext, Operation } from './host-context.ts'
import { releaseIfUnused } from './network-at-driver.ts'
import { removeNetwork } from './remove-network.ts'
import { sharedOf } from './shared-network-record.ts'

export type SharedWish = {
  readonly name: string
  readonly request: string
  readonly config: Readonly<Record<string, unknown>>
  /** Puts the network on record as one that is being created, with what only the cluster can choose. */
  intend(elsewhere: readonly Elsewhere[], also: ClusterPart): NetworkRecord
}

export type Elsewhere = { readonly subnet: string; readonly owner: string; readonly internal: boolean }
export type ClusterPart = Pick<NetworkRecord, 'scope' | 'segmentId'>

/** A network that is there already is judged by who calls: it may be another one of that name. */
export async function createSharedNetwork(
  host: HostContext,
  { cluster, session, wish }: { cluster: ClusterAccess; session: DriverSession; wish: SharedWish },
  operation: Operation,
): Promise<{ network: NetworkRecord; created: boolean }> {
  let intended: NetworkRecord | undefined
  const takeBack = async () => {
    const network = intended
    intended = undefined
    if (network !== undefined) await removeNetwork(host, network, { id: `undo-${network.id}` })
  }
  const propose = async (known: readonly SharedNetwork[]): Promise<ProposedNetwork> => {
    await takeBack()
    const other = known.find(({ name }) => name === wish.name)
    if (other !== undefined) return { network: other, existing: true }
    const segment = chooseSegment(session, wish, known)
    intended = wish.intend(known.flatMap(elsewhereOf), { scope: 'global', ...segment })
    host.made.begun(intended.id)
    await session.call('network/create', { network: driverView(intended) }, callFor(operation))
    return { network: sharedOf(intended, cluster.node) }
  }
  try {
    const { network: shared, existing = false } = await cluster.createNetwork(propose, operation)
    const network = adoptNow(host, shared)
    releaseIfUnused(host, network.id)
    return { network, created: !existing }
  } catch (error) {
    await takeBack().catch((err: unknown) =>
      host.log.error({ name: wish.name, err, reason: error }, 'a failed network could not be undone yet'),
    )
    throw error
  }
}

/** The number in each packet, for a driver that asks for one: the user's, or a free one. */
function chooseSegment(
  { driver }: DriverSession,
  { config }: SharedWish,
  known: readonly SharedNetwork[],
): { segmentId?: number } {
  const { segments } = driver.capabilities
  if (segments === undefined) return {}
  const own = known.filter(({ type }) => type === driver.name)
  const { configMember = '' } = segments
  const wanted = config[configMember]
  if (typeof wanted !== 'number') {
    const taken = new Set(own.flatMap(({ segmentId = -1 }) => segmentId))
    return { segmentId: freeSegment(segments, taken) }
  }
  const path = `config.${configMember}`
  if (!Number.isInteger(wanted) || wanted < segments.minimum || wanted > segments.maximum) {
    const message = `must be a whole number from ${segments.minimum} to ${segments.maximum}`
    throw new ConetError('invalidArgument', `create network: ${path}: ${message}`, {
      fields: [{ path, message }],
    })
  }
  const holder = own.find(({ segmentId }) => segmentId === wanted)
  if (holder === undefined) return { segmentId: wanted }
  const message = `${wanted} is that of network ${holder.name}`
  throw new ConetError('conflict', `create network: ${path}: ${message}`, {
    fields: [{ path, message }],
    details: { network: holder.name, networkId: holder.id },
    help: `choose another ${configMember}, or leave it out to get a free one`,
  })
}

function elsewhereOf(network: SharedNetwork): Elsewhere[] {
  return ownersOf(network).map((owner) => ({ ...owner, internal: network.internal }))
}
