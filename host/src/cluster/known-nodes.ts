// Which nodes the cluster has, and which an operator has removed, on the disk: when the store has lost something, it is known
// who has to come back, and who may not.
import type { RegisteredLimits } from './claim-transaction.ts'
import { keys } from './keys.ts'
import { isEnded, removeAgain } from './node-removal.ts'
import { RemovalMark, SharedNode } from './records.ts'
import { RememberedRecords, type RememberingOptions } from './remembered-records.ts'
import type { SharedStore } from './shared-store.ts'

export type KnownNodesOptions = RememberingOptions & {
  readonly store: SharedStore
  /** Of this machine. */
  readonly identity: string
  /** The store says something else of this machine. */
  seenHere(): void
}

export class KnownNodes {
  readonly #store: SharedStore
  readonly #nodes: RememberedRecords<typeof SharedNode>
  readonly #removals: RememberedRecords<typeof RemovalMark>

  constructor(options: KnownNodesOptions) {
    const { store, identity, seenHere } = options
    this.#store = store
    const seen = (identities: readonly string[]) => {
      if (identities.includes(identity)) seenHere()
    }
    this.#nodes = new RememberedRecords({
      ...{ ...options, seen, prefix: keys.nodes, schema: SharedNode, table: 'nodes' },
      idOf: (_name, { identity }) => identity,
    })
    this.#removals = new RememberedRecords({
      ...{ ...options, seen, prefix: keys.allRemoved, schema: RemovalMark, table: 'removed' },
      idOf: (identity) => identity,
    })
  }

  /** This one too, once it was registered. */
  get all(): readonly SharedNode[] {
    return [...this.#nodes.all.values()]
  }

  /** Whether an operator has removed the machine, and it has not found out, as far as is known here. */
  isRemoved(node: SharedNode): boolean {
    const mark = this.#removals.all.get(node.identity)
    return mark !== undefined && isEnded(node, mark)
  }

  /** Follows the store until the signal aborts. Called once. */
  async follow(): Promise<void> {
    await Promise.all([this.#nodes.follow(), this.#removals.follow()])
  }

  /** Whom an operator has removed, and a store has again that is a copy from before, or does not know of it. May be repeated. */
  async putRemovalsBack(limits: RegisteredLimits): Promise<void> {
    for (const [identity, mark] of [...this.#removals.all])
      await removeAgain(this.#store, { identity, mark }, limits)
  }
}
