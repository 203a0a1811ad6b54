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
    const { id, name, vni } = proposed.network
    const { committed } = await store.commit(
      [{ older: keys.networks, than: revision + 1 }, { absent: keys.name(name) }, { absent: keys.vni(vni) }],
      [
        { put: keys.network(id), value: JSON.stringify(proposed.network) },
        { put: keys.name(name), value: id },
        { put: keys.vni(vni), value: id },
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
  { id, name, vni }: Pick<SharedNetwork, 'id' | 'name' | 'vni'>,
  limits: CallLimits = {},
): Promise<void> {
  const { committed } = await store.commit(
    [{ present: keys.network(id) }, { empty: keys.holders(id) }],
    [
      { delete: keys.network(id) },
      { delete: keys.name(name) },
      { delete: keys.vni(vni) },
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

/** A free identifier: those who create at the same time seldom choose the same. */
export function freeVni(taken: ReadonlySet<number>, random: () => number = Math.random): number {
  for (let tries = 0; tries < 1_000; tries++) {
    // Up to 4095 people choose by hand, as they do VLANs.
    const vni = 4_096 + Math.floor(random() * (16_777_216 - 4_096))
    if (!taken.has(vni)) return vni
  }
  throw new ConetError('overloaded', 'choose a virtual network identifier: found none that is free')
}
