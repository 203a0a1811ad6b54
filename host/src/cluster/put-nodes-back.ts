// Nodes that are away while the store loses what it held are not forgotten: an operator sees that they are away, and what
// others have put back for them is theirs when they come back, or until they are removed.

import type { RegisteredLimits } from './claim-transaction.ts'
import { keys } from './keys.ts'
import type { SharedNode } from './records.ts'
import type { SharedStore } from './shared-store.ts'

/** Each unless its name is there, or it was removed. May be repeated. */
export async function putNodesBack(
  store: Pick<SharedStore, 'list' | 'commit'>,
  nodes: readonly SharedNode[],
  { condition, ...limits }: RegisteredLimits,
): Promise<void> {
  const { entries } = await store.list(keys.nodes, limits)
  const present = new Set(entries.map(({ key }) => key))
  for (const node of nodes.filter(({ name }) => !present.has(keys.node(name)))) {
    const key = keys.node(node.name)
    const conditions = [{ absent: key }, { absent: keys.removed(node.identity) }, condition]
    await store.commit(conditions, [{ put: key, value: JSON.stringify(node) }], limits)
  }
}
