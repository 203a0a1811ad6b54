// The transaction by which a node takes what may be others' of a network: a block of addresses, a MAC. It holds only while
// the network is there, nobody has what is taken, and the node is registered.
import { ConetError } from '@conet/sdk'
import { assertOpen, GateShut } from './claim-gate.ts'
import { keys } from './keys.ts'
import { holding } from './node-holdings.ts'
import type { SharedNetwork } from './records.ts'
import type { CallLimits, Condition, SharedStore } from './shared-store.ts'

/** `condition`: that this node is registered. */
export type RegisteredLimits = CallLimits & { readonly condition: Condition }

/** `gate`: as `ClaimGate` hands them on; none where a node puts back what it had. */
export type ClaimLimits = Partial<RegisteredLimits> & { readonly gate?: readonly Condition[] }

export type ClaimingNode = {
  readonly store: Pick<SharedStore, 'get' | 'commit' | 'revision'>
  readonly node: string
  readonly network: Pick<SharedNetwork, 'id' | 'name'>
  /** The store does not take what is written, because this node is not registered any more. */
  refused(): void
}

/** False: a condition does not hold. Throws what the gate is to hear, and what the store throws. */
export async function commitClaim(
  { store, node, network }: ClaimingNode,
  { key, value }: { key: string; value: string },
  { condition, gate = [], ...limits }: ClaimLimits,
): Promise<boolean> {
  const seen = store.revision
  const { committed, revision } = await store.commit(
    [
      { present: keys.network(network.id) },
      { absent: key },
      ...(condition === undefined ? [] : [condition]),
      ...gate,
    ],
    [{ put: key, value }, ...holding(network.id, node)],
    limits,
  )
  // What is put back is put into a store that is known to count from lower on.
  const isOlderCopy = gate.length > 0 && revision < seen
  if (committed && !isOlderCopy) return true
  // It was free in the copy: nobody knows yet what came after.
  if (committed) await store.commit([{ unchanged: key, since: revision }], [{ delete: key }], limits)
  if (committed) throw new GateShut()
  await assertOpen(store, gate, limits)
  return false
}

/** `what` opens the message of the `notFound` that is thrown when the network is gone. */
export async function assertNetwork(
  { store, network }: ClaimingNode,
  what: string,
  limits: CallLimits,
): Promise<void> {
  if ((await store.get(keys.network(network.id), limits)) !== undefined) return
  throw new ConetError('notFound', `${what}: network ${network.name} is gone`, {
    details: { networkId: network.id },
    help: 'conet net list shows those that there are',
  })
}

/** A write was refused, and nothing else can be why. `what` opens the message. */
export function notRegistered(
  { node, network, refused }: Omit<ClaimingNode, 'store'>,
  what: string,
): ConetError {
  refused()
  return new ConetError('clusterUnavailable', `${what}: node ${node} is not registered any more`, {
    operationState: 'not-started',
    details: { node, networkId: network.id },
    help: 'try again: it registers anew at once; where that fails conet status says why',
  })
}
