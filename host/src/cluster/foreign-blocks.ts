// In which blocks of a network endpoints of other nodes have addresses, by what those say of their endpoints: also where the
// claims of the blocks say nothing of it, or something else, as after the store has lost them.
import type { MirrorChange } from './mirror.ts'
import type { NetworkGrid } from './network-grid.ts'
import { nodeOf } from './network-peers.ts'
import type { SharedMember } from './records.ts'

export class ForeignBlocks {
  readonly #grid: NetworkGrid
  /** By block, then by node: how many addresses. */
  readonly #counts = new Map<string, Map<string, number>>()

  constructor(grid: NetworkGrid) {
    this.#grid = grid
  }

  /** Names of all of them. */
  get names(): Iterable<string> {
    return this.#counts.keys()
  }

  /** A node that has an address in the block. */
  holderOf(block: string): string | undefined {
    const [node] = this.#counts.get(block)?.keys() ?? []
    return node
  }

  /** Of endpoints on other nodes. */
  note(changes: readonly MirrorChange<SharedMember>[]): void {
    for (const { key, before, after } of changes) {
      this.#count(nodeOf(key), before, -1)
      this.#count(nodeOf(key), after, 1)
    }
  }

  #count(node: string, member: SharedMember | undefined, by: 1 | -1): void {
    for (const address of member?.addresses ?? []) {
      const block = this.#grid.blockOf(address)?.block
      if (block === undefined) continue
      const ofBlock = this.#counts.get(block) ?? new Map<string, number>()
      const count = (ofBlock.get(node) ?? 0) + by
      if (count > 0) this.#counts.set(block, ofBlock.set(node, count))
      else ofBlock.delete(node)
      if (ofBlock.size === 0) this.#counts.delete(block)
    }
  }
}
