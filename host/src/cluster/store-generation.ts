// Whether the shared store is still the one that this node knows, and as far as it was. One that was lost, or restored from
// an older copy, gets a new name from the first node that sees it, so that those that come back later see it too.
import { randomUUID } from 'node:crypto'
import { type Static, Type } from 'typebox'
import type { Table } from '../store/index.ts'
import { keys } from './keys.ts'
import type { BlockStore } from './own-blocks.ts'
import { OwnProgress } from './own-progress.ts'
import type { CallLimits, Condition, SharedEntry, SharedStore } from './shared-store.ts'

const KnownStore = Type.Object({ generation: Type.String(), revision: Type.Integer() })
type KnownStore = Static<typeof KnownStore>

const recordKey = 'known'
const mostTries = 16

/** What a look at the store has shown. `generation` is what it is called now. */
export type StoreSight = {
  readonly generation: string
  readonly revision: number
  /** What this node has said may be missing, and what others have taken may be forgotten. */
  readonly isReplaced: boolean
}

export class StoreGeneration {
  readonly #store: SharedStore
  readonly #records: BlockStore
  readonly #table: Table<KnownStore>
  readonly #progress: OwnProgress
  #known: KnownStore | undefined

  constructor(store: SharedStore, { records, identity }: { records: BlockStore; identity: string }) {
    this.#store = store
    this.#records = records
    this.#progress = new OwnProgress(store, { records, identity })
    this.#table = records.table('store', KnownStore)
    this.#known = this.#table.get(recordKey)
  }

  /** One at a time. Throws what the store throws. */
  async look(limits: CallLimits): Promise<StoreSight> {
    const known = this.#known
    for (let tries = 0; tries < mostTries; tries++) {
      const before = Math.max(known?.revision ?? 0, this.#store.revision)
      const { entries, revision } = await this.#store.list(keys.generation, limits)
      const [found] = entries
      const isOlder = known !== undefined && (revision < before || (await this.#progress.isForgotten(limits)))
      const isReplaced = known !== undefined && (isOlder || found?.value !== known.generation)
      if (found !== undefined && !(isOlder && found.value === known.generation))
        return { generation: found.value, revision, isReplaced }
      const begun = await this.#begin(found, limits)
      if (begun !== undefined) return { ...begun, isReplaced }
    }
    throw new Error('the name of the shared store changes all the time')
  }

  /** All that follows from what was seen is done: on the disk when this resolves. Throws what the store throws. */
  async remember({ generation, revision, isReplaced }: StoreSight, limits: CallLimits): Promise<void> {
    if (isReplaced) {
      await this.#progress.catchUp(limits)
      this.#store.restartAt(revision)
    }
    this.#write({ generation, revision: Math.max(revision, this.#store.revision) })
  }

  /**
   * How far the store is now, for when this node comes back. False: the store has forgotten something. Throws what the store
   * throws.
   */
  async keep(limits: CallLimits): Promise<boolean> {
    if (this.#known === undefined) return true
    const revision = Math.max(this.#known.revision, this.#store.revision)
    if (revision !== this.#known.revision) this.#write({ ...this.#known, revision })
    return this.#progress.advance(limits)
  }

  #write(record: KnownStore): void {
    this.#records.transaction((changes) => this.#table.put(changes, recordKey, record), 'change')
    this.#known = record
  }

  /** Undefined: others came first. */
  async #begin(found: SharedEntry | undefined, limits: CallLimits) {
    const generation = randomUUID()
    const unchanged: Condition =
      found === undefined
        ? { absent: keys.generation }
        : { unchanged: keys.generation, since: found.revision }
    const change = { put: keys.generation, value: generation }
    const { committed, revision } = await this.#store.commit([unchanged], [change], limits)
    return committed ? { generation, revision } : undefined
  }
}
