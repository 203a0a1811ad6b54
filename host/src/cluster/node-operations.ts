// What an operator does with the nodes of a cluster, on the store of this one.

import { keys } from './keys.ts'
import { blocksOf, listNodes, type NodeReport } from './node-directory.ts'
import { quarantineNode, removeFencedNode } from './node-removal.ts'
import { reader, SharedNode } from './records.ts'
import type { CallLimits, SharedStore } from './shared-store.ts'

const readNode = reader(SharedNode)

export class NodeOperations {
  readonly #store: SharedStore
  readonly #known: () => readonly SharedNode[]

  /** `known`: on the disk of this node, also while the store has lost them and nobody has put them back. */
  constructor(store: SharedStore, known: () => readonly SharedNode[]) {
    this.#store = store
    this.#known = known
  }

  /** Those that the store has lost are away. */
  async list(): Promise<NodeReport[]> {
    const listed = await listNodes(this.#store)
    const names = new Set(listed.map(({ node }) => node.name))
    const lost = await this.#withoutMark(this.#known().filter(({ name }) => !names.has(name)))
    const all = [...listed, ...lost.map((node) => ({ node, state: 'away' as const, endpoints: new Map() }))]
    return all.sort((a, b) => (a.node.name < b.node.name ? -1 : 1))
  }

  /** All that are on record, and the names of those that do not live now. */
  async overview(limits: CallLimits = {}): Promise<{ nodes: SharedNode[]; away: string[] }> {
    const [{ entries }, alive] = await Promise.all([
      this.#store.list(keys.nodes, limits),
      this.#store.list(keys.alive, limits),
    ])
    const living = new Set(alive.entries.map(({ key }) => key))
    const nodes = entries.flatMap(({ value }) => readNode(value) ?? [])
    const away = nodes.map(({ name }) => name).filter((name) => !living.has(keys.aliveNode(name)))
    return { nodes, away }
  }

  /** The blocks that a node has of networks. */
  blocksOf(node: string, networkIds: Iterable<string>): Promise<Map<string, string[]>> {
    return blocksOf(this.#store, { node, networkIds })
  }

  /** As `quarantineNode`. */
  async quarantine(name: string): Promise<void> {
    await this.#putBack(name)
    return quarantineNode(this.#store, name)
  }

  /** As `removeFencedNode`. */
  async removeFenced(name: string): Promise<void> {
    await this.#putBack(name)
    return removeFencedNode(this.#store, name)
  }

  /** Of these, those whom nobody has removed in this moment. */
  async #withoutMark(nodes: readonly SharedNode[]): Promise<SharedNode[]> {
    if (nodes.length === 0) return []
    const { entries } = await this.#store.list(keys.allRemoved)
    const removed = new Set(entries.map(({ key }) => key))
    return nodes.filter(({ identity }) => !removed.has(keys.removed(identity)))
  }

  /** One that the store has lost, and nobody has put back yet. */
  async #putBack(name: string): Promise<void> {
    for (const node of this.#known().filter((known) => known.name === name))
      await this.#store.commit(
        [{ absent: keys.node(name) }, { absent: keys.removed(node.identity) }],
        [{ put: keys.node(name), value: JSON.stringify(node) }],
      )
  }
}
