// The nodes of a cluster, as an operator sees them: which there are, and what each has.
import { keys } from './keys.ts'
import { reader, SharedBlock, SharedNode } from './records.ts'
import type { CallLimits, SharedStore } from './shared-store.ts'

export type NodeState = 'alive' | 'away' | 'quarantined'

export type NodeReport = {
  readonly node: SharedNode
  readonly state: NodeState
  /** Of networks of which it has something: how many endpoints. */
  readonly endpoints: ReadonlyMap<string, number>
}

const readNode = reader(SharedNode)
const readBlock = reader(SharedBlock)
const countsAtOnce = 16

export async function listNodes(store: SharedStore, limits: CallLimits = {}): Promise<NodeReport[]> {
  const [nodes, alive, held] = await Promise.all(
    [keys.nodes, keys.alive, keys.holdings].map((prefix) => store.list(prefix, limits)),
  )
  const living = new Set((alive?.entries ?? []).map(({ key }) => key.slice(keys.alive.length)))
  const pairs = (held?.entries ?? []).map(({ key }) => key.slice(keys.holdings.length).split('/'))
  const counts = await countsOf(store, pairs, limits)
  return (nodes?.entries ?? []).flatMap(({ value }) => {
    const node = readNode(value)
    if (node === undefined) return []
    return [{ node, state: stateOf(node, living), endpoints: counts.get(node.name) ?? new Map() }]
  })
}

/** Blocks of addresses of each network of which the node has some. */
export async function blocksOf(
  store: SharedStore,
  { node, networkIds }: { node: string; networkIds: Iterable<string> },
  limits: CallLimits = {},
): Promise<Map<string, string[]>> {
  const blocks = new Map<string, string[]>()
  for (const networkId of networkIds) {
    const prefix = keys.blocks(networkId)
    const { entries } = await store.list(prefix, limits)
    const own = entries.filter(({ value }) => readBlock(value)?.node === node)
    blocks.set(
      networkId,
      own.map(({ key }) => key.slice(prefix.length)),
    )
  }
  return blocks
}

async function countsOf(
  store: SharedStore,
  pairs: readonly string[][],
  limits: CallLimits,
): Promise<Map<string, Map<string, number>>> {
  const counts = new Map<string, Map<string, number>>()
  const left = [...pairs]
  const worker = async () => {
    for (let pair = left.pop(); pair !== undefined; pair = left.pop()) {
      const [node = '', networkId = ''] = pair
      const count = await store.count(keys.membersOf(networkId, node), limits)
      const ofNode = counts.get(node) ?? new Map<string, number>()
      counts.set(node, ofNode.set(networkId, count))
    }
  }
  await Promise.all(Array.from({ length: countsAtOnce }, worker))
  return counts
}

function stateOf({ name, quarantinedAt }: SharedNode, living: ReadonlySet<string>): NodeState {
  if (living.has(name)) return 'alive'
  return quarantinedAt === undefined ? 'away' : 'quarantined'
}
