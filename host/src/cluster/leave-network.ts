// A node gives back all that it has of a network, and says in the same transaction that it has nothing of it.
import type { BlockTransactions } from './block-transactions.ts'
import { notRegistered, type RegisteredLimits } from './claim-transaction.ts'
import { lettingGo } from './node-holdings.ts'
import type { SharedNetwork } from './records.ts'
import type { SharedStore } from './shared-store.ts'

export type LeavingNode = {
  readonly store: Pick<SharedStore, 'commit'>
  readonly node: string
  readonly network: Pick<SharedNetwork, 'id' | 'name'>
  readonly transactions: Pick<BlockTransactions, 'giveBack'>
  /** The store does not take what is written, because this node is not registered any more. */
  refused(): void
}

/** Of one transaction, below what etcd takes. */
const blocksAtOnce = 100

/** `mine`: names of its blocks. May be repeated. Resolves to the store's revision then. */
export async function leaveNetwork(
  { store, node, network, transactions, refused }: LeavingNode,
  mine: readonly string[],
  { condition, ...limits }: RegisteredLimits,
): Promise<number> {
  const last = mine.slice(0, blocksAtOnce)
  for (const block of mine.slice(blocksAtOnce)) await transactions.giveBack(block, { ...limits, condition })
  const { committed, revision } = await store.commit([condition], lettingGo(network.id, node, last), limits)
  if (committed) return revision
  throw notRegistered({ node, network, refused }, `leave network ${network.name}`)
}
