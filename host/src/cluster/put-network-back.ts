// A network that this node has on record comes back into a store that has lost it.
import { keys } from './keys.ts'
import { reader, SharedNetwork } from './records.ts'
import { namesOf } from './shared-networks.ts'
import type { CallLimits, Condition, SharedEntry, SharedStore } from './shared-store.ts'

const readNetwork = reader(SharedNetwork)

/** Resolves to why it cannot: another network has its name or its number now. May be repeated. */
export async function putNetworkBack(
  store: SharedStore,
  network: SharedNetwork,
  { condition, ...limits }: CallLimits & { condition: Condition },
): Promise<string[]> {
  const { id, name } = network
  const names = namesOf(network)
  const { committed } = await store.commit(
    [...[keys.network(id), ...names].map((key) => ({ absent: key })), condition],
    [
      { put: keys.network(id), value: JSON.stringify(network) },
      ...names.map((key) => ({ put: key, value: id })),
    ],
    limits,
  )
  if (committed) return []
  const found = await store.get(keys.network(id), limits)
  if (found !== undefined) {
    await putPolicyBack(store, { network, found }, { condition, ...limits })
    return []
  }
  const other = await store.get(keys.name(name), limits)
  return [
    other === undefined
      ? `the number of network ${name} (${id.slice(0, 12)}) is another’s`
      : `the name of network ${name} (${id.slice(0, 12)}) is that of ${other.value.slice(0, 12)}`,
  ]
}

/** An older copy of the store has an older default policy; one that somebody changes meanwhile is newer. */
async function putPolicyBack(
  store: SharedStore,
  { network, found: { key, value, revision } }: { network: SharedNetwork; found: SharedEntry },
  { condition, ...limits }: CallLimits & { condition: Condition },
): Promise<void> {
  const { policyRevision: there = 0 } = readNetwork(value) ?? {}
  if (there >= (network.policyRevision ?? 0)) return
  const change = { put: key, value: JSON.stringify(network) }
  await store.commit([{ unchanged: key, since: revision }, condition], [change], limits)
}
