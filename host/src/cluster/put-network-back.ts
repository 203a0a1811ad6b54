// A network that this node has on record comes back into a store that has lost it.
import { keys } from './keys.ts'
import type { SharedNetwork } from './records.ts'
import { namesOf } from './shared-networks.ts'
import type { CallLimits, Condition, SharedStore } from './shared-store.ts'

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
  if (committed || (await store.get(keys.network(id), limits)) !== undefined) return []
  const other = await store.get(keys.name(name), limits)
  return [
    other === undefined
      ? `the number of network ${name} (${id.slice(0, 12)}) is another’s`
      : `the name of network ${name} (${id.slice(0, 12)}) is that of ${other.value.slice(0, 12)}`,
  ]
}
