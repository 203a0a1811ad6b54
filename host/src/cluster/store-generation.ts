// Whether the shared store is still the one that this node knows, and as far as it was. One that was lost, or restored from
// an older copy, gets a new name from the first node that sees it, so that those that come back later see it too.
import { randomUUID } from 'node:crypto'
import { type Static, Type } from 'typebox'
import type { Table } from '../store/index.ts'
import { keys } from './keys.ts'
import type { BlockStore } from './own-blocks.ts'
import { OwnProgress } from './own-progress.ts'
import type { CallLimits, Condition, SharedChange, SharedEntry, SharedStore } from './shared-store.ts'

const KnownStore = Type.Object({ generation: Type.String(), revision: Type.Integer() })
type KnownStore = Static<typeof KnownStore>

const recordKey = 'known'
const mostTries = 16

export type StoreGenerationOptions = {
  readonly records: BlockStore
  /** Of the machine. */
  readonly identity: string
  /** After a loss: how long hosts are waited for that have not put back what they have. */
  readonly awaitMs: number
}

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
  readonly #awaitMs: number
  #known: KnownStore | undefined

  constructor(store: SharedStore, { records, identity, awaitMs }: StoreGenerationOptions) {
    this.#store = store
    this.#awaitMs = awaitMs
    this.#records = records
    this.#progress = new OwnProgress(store, { records, identity })
    this.#table = records.table('store', KnownStore)
    this.#known = this.#table.get(recordKey)
  }

  /** What the store was called when this node knew last that it was whole. */
  get known(): string | undefined {
    return this.#known?.generation
  }

  /**
   * One at a time. Before anybody puts something back into a store that has lost it, all hosts know by `awaiting` that
   * more will come. Throws what the store throws.
   */
  async look(limits: CallLimits): Promise<StoreSight> {
    const known = this.#known
    for (let tries = 0; tries < mostTries; tries++) {
      const before = Math.max(known?.revision ?? 0, this.#store.revision)
      const { entries, revision } = await this.#store.list(keys.generation, limits)
      const [found] = entries
      const isOlder = known !== undefined && (revision < before || (await this.#progress.isForgotten(limits)))
      const isReplaced = known !== undefined && (isOlder || found?.value !== known.generation)
      if (found !== undefined && !(isOlder && found.value === known.generation)) {
        if (isReplaced && !(await this.#isAwaited(found, limits))) continue
        return { generation: found.value, revision, isReplaced }
      }
      const begun = await this.#begin(found, isReplaced, limits)
      if (begun !== undefined) return { ...begun, isReplaced }
    }
    throw new Error('the name of the shared store changes all the time')
  }

  /** All that follows from what was seen is done: on the disk when this resolves. Throws what the store throws. */
  async remember({ generation, revision, isReplaced }: StoreSight, limits: CallLimits): Promise<void> {
    if (isReplaced) {
      await this.#progress.catchUp(generation, limits)
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
    return this.#progress.advance(this.#known.generation, limits)
  }

  #write(record: KnownStore): void {
    this.#records.transaction((changes) => this.#table.put(changes, recordKey, record), 'change')
    this.#known = record
  }

  /** Undefined: others came first. */
  async #begin(found: SharedEntry | undefined, isReplaced: boolean, limits: CallLimits) {
    const generation = randomUUID()
    const changes: SharedChange[] = [{ put: keys.generation, value: generation }]
    if (isReplaced) changes.push(...(await this.#awaitOthers(generation, limits)))
    const { committed, revision } = await this.#store.commit(
      [unchanged(keys.generation, found)],
      changes,
      limits,
    )
    return committed ? { generation, revision } : undefined
  }

  /**
   * A host that is new to the cluster may have given an empty store its name, and knows of no loss: the first that does
   * sees to it that all are waited for. False: something has changed meanwhile.
   */
  async #isAwaited({ value: generation }: SharedEntry, limits: CallLimits): Promise<boolean> {
    const loss = await this.#store.get(keys.loss, limits)
    if (loss?.value === generation) return true
    const { committed } = await this.#store.commit(
      [{ is: keys.generation, value: generation }, unchanged(keys.loss, loss)],
      await this.#awaitOthers(generation, limits),
      limits,
    )
    return committed
  }

  async #awaitOthers(generation: string, limits: CallLimits): Promise<SharedChange[]> {
    const lease = await this.#store.grantLease(Math.ceil(this.#awaitMs / 1_000), limits)
    return [
      { put: keys.loss, value: generation },
      { put: keys.awaiting, value: generation, lease },
    ]
  }
}

function unchanged(key: string, found: SharedEntry | undefined): Condition {
  return found === undefined ? { absent: key } : { unchanged: key, since: found.revision }
}
