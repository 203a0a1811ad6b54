// A network that all nodes know is changed: in a write that holds only if it is still as it was when it was looked at.
import { ConetError } from '@conet/sdk'
import { keys } from './keys.ts'
import { reader, SharedNetwork } from './records.ts'
import type { Registered } from './shared-networks.ts'
import type { CallLimits, SharedStore } from './shared-store.ts'

const readNetwork = reader(SharedNetwork)

/** Tries that others may come before: each time one of them succeeds. */
const mostTries = 32

/** Makes another record of the one in the store, or the very same: then nothing is written. */
export type NetworkChange = (known: SharedNetwork) => SharedNetwork | Promise<SharedNetwork>

/**
 * Resolves to what is in the store then. `change` is called again when others came first. Throws `notFound` where the
 * network is gone. After `clusterUnavailable` it is unknown whether it was changed, unless the error says `not-started`.
 */
export async function changeSharedNetwork(
  store: SharedStore,
  { id, change }: { id: string; change: NetworkChange },
  { registered, ...limits }: CallLimits & { registered: Registered },
): Promise<SharedNetwork> {
  const key = keys.network(id)
  for (let tries = 0; tries < mostTries; tries++) {
    const condition = await registered.condition()
    const entry = await store.get(key, limits)
    const known = entry && readNetwork(entry.value)
    if (entry === undefined || known === undefined) throw gone(id)
    const changed = await change(known)
    if (changed === known) return known
    const { committed } = await store.commit(
      [{ unchanged: key, since: entry.revision }, condition],
      [{ put: key, value: JSON.stringify(changed) }],
      limits,
    )
    if (committed) return changed
    if (!(await store.commit([condition], [], limits)).committed) registered.refused()
  }
  throw new ConetError('overloaded', `change network ${id}: others came first, each time`, {
    details: { networkId: id },
    help: 'try again in a moment',
  })
}

function gone(id: string): ConetError {
  return new ConetError('notFound', `change network ${id}: it is not in the cluster any more`, {
    details: { networkId: id },
    help: 'conet net list shows those that there are',
  })
}
