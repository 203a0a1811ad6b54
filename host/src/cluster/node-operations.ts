// What an operator does with the nodes of a cluster, on the store of this one.
import { blocksOf, listNodes, type NodeReport, quarantineNode, removeFencedNode } from './node-directory.ts'
import type { SharedStore } from './shared-store.ts'

export class NodeOperations {
  readonly #store: SharedStore

  constructor(store: SharedStore) {
    this.#store = store
  }

  list(): Promise<NodeReport[]> {
    return listNodes(this.#store)
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
