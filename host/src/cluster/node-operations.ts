// What an operator does with the nodes of a cluster, on the store of this one.

import { keys } from './keys.ts'
import { blocksOf, listNodes, type NodeReport, quarantineNode, removeFencedNode } from './node-directory.ts'
import type { CallLimits, SharedStore } from './shared-store.ts'

export class NodeOperations {
  readonly #store: SharedStore

  constructor(store: SharedStore) {
    this.#store = store
  }

  list(): Promise<NodeReport[]> {
    return listNodes(this.#store)
  }

  /** How many there are, and how many of them live. */
  async count(limits: CallLimits = {}): Promise<{ all: number; alive: number }> {
    const [all, alive] = await Promise.all(
      [keys.nodes, keys.alive].map((prefix) => this.#store.count(prefix, limits)),
    )
    return { all: all ?? 0, alive: alive ?? 0 }
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
