// A count of this node's own, in the shared store and on the disk, that grows as it writes. A store that has a lower one
// than the disk is an older copy, also where the writes of others have taken its revision past the one that is known.
import { type Static, Type } from 'typebox'
import type { Table } from '../store/index.ts'
import { keys } from './keys.ts'
import type { BlockStore } from './own-blocks.ts'
import type { CallLimits, Condition, SharedEntry, SharedStore } from './shared-store.ts'

const Progress = Type.Object({ count: Type.Integer() })
type Progress = Static<typeof Progress>

const recordKey = 'own'

export class OwnProgress {
  readonly #store: SharedStore
  readonly #key: string
  readonly #records: BlockStore
  readonly #table: Table<Progress>
  #count: number
  /** What this node had written when it counted last. */
  #countedAt: number | undefined

  /** `identity` is the machine's: what it is called may change hands. */
  constructor(store: SharedStore, { records, identity }: { records: BlockStore; identity: string }) {
    this.#store = store
    this.#records = records
    this.#key = keys.progress(identity)
    this.#table = records.table('progress', Progress)
    this.#count = this.#table.get(recordKey)?.count ?? 0
  }

  /** Whether the store has forgotten something that this node has written. */
  async isForgotten(limits: CallLimits): Promise<boolean> {
    if (this.#count === 0) return false
    return countOf(await this.#store.get(this.#key, limits)) < this.#count
  }

  /**
   * Counts on, if this node has written anything since. First in the store: who is ended between the two has a lower count
   * on the disk, which says nothing wrong. False: the store has forgotten something.
   */
  async advance(limits: CallLimits): Promise<boolean> {
    if (this.#countedAt === this.#store.written) return true
    const found = await this.#store.get(this.#key, limits)
    if (countOf(found) < this.#count) return false
    await this.#write(found, limits)
    return true
  }

  /** Counts on after the store has got back what it had forgotten. */
  async catchUp(limits: CallLimits): Promise<void> {
    await this.#write(await this.#store.get(this.#key, limits), limits)
  }

  async #write(found: SharedEntry | undefined, limits: CallLimits): Promise<void> {
    const count = Math.max(this.#count, countOf(found)) + 1
    const unchanged: Condition =
      found === undefined ? { absent: this.#key } : { unchanged: this.#key, since: found.revision }
    const change = { put: this.#key, value: String(count) }
    const { committed } = await this.#store.commit([unchanged], [change], limits)
    // Only another store, put in its place in this moment, has another one.
    if (!committed) throw new Error('the progress of this node was changed by others')
    this.#countedAt = this.#store.written
    this.#records.transaction((changes) => this.#table.put(changes, recordKey, { count }), 'change')
    this.#count = count
  }
}

function countOf(entry: SharedEntry | undefined): number {
  return Number(entry?.value ?? 0)
}
