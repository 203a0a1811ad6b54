// Networks that all nodes know. A network comes into being in one transaction that holds only if nothing came into being
// since its maker looked: so names, identifiers and subnets are unique in the cluster.
import { ConetError } from '@conet/sdk'
import { keys } from './keys.ts'
import { reader, SharedNetwork } from './records.ts'
import type { CallLimits, SharedStore } from './shared-store.ts'

export type ProposedNetwork = {
  network: SharedNetwork
  /** It is there already, by the same request. */
  existing?: boolean
}

const readNetwork = reader(SharedNetwork)

/** Tries that others may come before: each time one of them succeeds. */
const mostTries = 32

/**
 * Creates a network. `propose` sees all that there are and chooses what is free, or throws; it may be called again. After
 * `clusterUnavailable` it is unknown whether it was created: the same request again tells.
 */
export async function createSharedNetwork(
  store: SharedStore,
  propose: (known: readonly SharedNetwork[]) => ProposedNetwork,
  limits: CallLimits = {},
): Promise<ProposedNetwork> {
  for (let tries = 0; tries < mostTries; tries++) {
    const { entries, revision } = await store.list(keys.networks, limits)
    const known = entries.map(({ value }) => readNetwork(value)).filter((network) => network !== undefined)
    const proposed = propose(known)
    if (proposed.existing) return proposed
    const { id } = proposed.network
    const names = namesOf(proposed.network)
    const { committed } = await store.commit(
      [{ older: keys.networks, than: revision + 1 }, ...names.map((key) => ({ absent: key }))],
      [
        { put: keys.network(id), value: JSON.stringify(proposed.network) },
        ...names.map((key) => ({ put: key, value: id })),
      ],
      limits,
    )
    if (committed) return proposed
  }
  throw new ConetError('overloaded', 'create a network of the cluster: others came first, each time')
}

/** Deletes a network that nobody holds; throws `inUse` with the nodes that do. May be repeated. */
export async function deleteSharedNetwork(
  store: SharedStore,
  network: Pick<SharedNetwork, 'id' | 'name' | 'type' | 'segmentId'>,
  limits: CallLimits = {},
): Promise<void> {
  const { id, name } = network
  const { committed } = await store.commit(
    [{ present: keys.network(id) }, { empty: keys.holders(id) }],
    [
      { delete: keys.network(id) },
      ...namesOf(network).map((key) => ({ delete: key })),
      { clear: keys.blocks(id) },
      { clear: keys.members(id) },
    ],
    limits,
  )
  // Its name may be another's already.
  if (committed || (await store.get(keys.network(id), limits)) === undefined) return
  const { entries } = await store.list(keys.holders(id), limits)
  const nodes = entries.map(({ key }) => key.slice(keys.holders(id).length))
  throw new ConetError('inUse', `delete network ${name}: it has endpoints on ${nodes.join(', ')}`, {
    details: { networkId: id, nodes },
    help: 'unplug its containers there: conet net inspect shows them',
  })
}

/** What only one network has. */
function namesOf({ name, type, segmentId }: Pick<SharedNetwork, 'name' | 'type' | 'segmentId'>): string[] {
  return [keys.name(name), ...(segmentId === undefined ? [] : [keys.segment(type, segmentId)])]
}

/** A free number: those who create at the same time seldom choose the same. */
export function freeSegment(
  { minimum, maximum }: { minimum: number; maximum: number },
  taken: ReadonlySet<number>,
  random: () => number = Math.random,
): number {
  const size = maximum - minimum + 1
  const start = Math.floor(random() * size)
  for (let step = 0; step < Math.min(size, taken.size + 1); step++) {
    const segment = minimum + ((start + step) % size)
    if (!taken.has(segment)) return segment
  }
  throw new ConetError('overloaded', `choose a segment: all from ${minimum} to ${maximum} are in use`)
}
