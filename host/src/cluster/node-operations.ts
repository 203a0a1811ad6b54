// What an operator does with the nodes of a cluster, on the store of this one.

import { keys } from './keys.ts'
import { blocksOf, listNodes, type NodeReport, quarantineNode, removeFencedNode } from './node-directory.ts'
import { reader, SharedNode } from './records.ts'
import type { CallLimits, SharedStore } from './shared-store.ts'

const readNode = reader(SharedNode)

export class NodeOperations {
  readonly #store: SharedStore

  constructor(store: SharedStore) {
    this.#store = store
  }

  list(): Promise<NodeReport[]> {
    return listNodes(this.#store)
  }

  /** All that are on record, and how many of them live. */
  async overview(limits: CallLimits = {}): Promise<{ nodes: SharedNode[]; alive: number }> {
    const [{ entries }, alive] = await Promise.all([
      this.#store.list(keys.nodes, limits),
      this.#store.count(keys.alive, limits),
    ])
    return { nodes: entries.flatMap(({ value }) => readNode(value) ?? []), alive }
  }

  /** The blocks that a node has of networks. */
  blocksOf(node: string, networkIds: Iterable<string>): Promise<Map<string, string[]>> {
    return blocksOf(this.#store, { node, networkIds })
  }

  /** As `quarantineNode`. */
  quarantine(name: string): Promise<void> {
    return quarantineNode(this.#store, name)
  }

  /** As `removeFencedNode`. */
  removeFenced(name: string): Promise<void> {
    return removeFencedNode(this.#store, name)
  }
}
