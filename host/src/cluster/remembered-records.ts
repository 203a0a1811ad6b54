// Records of the store that are on the disk too: when the store has lost something, it is known what was there. One goes only
// when a store that is whole does not have it any more.
import type { Static, TSchema } from 'typebox'
import type { Table } from '../store/index.ts'
import { Mirror, type MirrorChange } from './mirror.ts'
import type { BlockStore } from './own-blocks.ts'
import { reader } from './records.ts'
import type { SharedStore } from './shared-store.ts'

export type RememberedRecordsOptions<S extends TSchema> = {
  readonly store: Pick<SharedStore, 'list' | 'watch'>
  /** Ends with a slash. */
  readonly prefix: string
  readonly schema: S
  readonly records: BlockStore
  /** On the disk. */
  readonly table: string
  /** What a record is kept under; `key` is that in the store, without the prefix. */
  idOf(key: string, record: Static<S>): string
  /** The store says something else of these. */
  seen(ids: readonly string[]): void
  /** Whether the store has lost something just now. */
  isLoss(): Promise<boolean>
}

export class RememberedRecords<S extends TSchema> {
  readonly #options: RememberedRecordsOptions<S>
  readonly #table: Table<Static<S>>
  readonly #mirror: Mirror<Static<S>>
  /** By id. */
  readonly #known: Map<string, Static<S>>

  constructor(options: RememberedRecordsOptions<S>) {
    this.#options = options
    const { store, prefix, schema, records, table, isLoss } = options
    this.#table = records.table(table, schema)
    this.#known = new Map(this.#table.list().map(({ key, record }) => [key, record]))
    this.#mirror = new Mirror({
      store,
      prefix,
      parse: reader(schema),
      isLoss,
      changed: (changes) => this.#note(changes),
      // It is not known only when this node stops.
      listed: () => void this.#dropOthers().catch(() => undefined),
    })
  }

  /** By id. */
  get all(): ReadonlyMap<string, Static<S>> {
    return this.#known
  }

  /** Follows the store until the signal aborts. Called once. */
  follow(signal: AbortSignal): Promise<void> {
    return this.#mirror.follow(signal)
  }

  #note(changes: readonly MirrorChange<Static<S>>[]): void {
    const { idOf } = this.#options
    const seen = changes.flatMap(({ key, after }) =>
      after === undefined ? [] : [[idOf(key, after), after] as const],
    )
    const before = changes.flatMap(({ key, before }) => (before === undefined ? [] : [idOf(key, before)]))
    this.#write(new Map(seen), this.#withoutRecord(before))
    this.#options.seen([...seen.map(([id]) => id), ...before])
  }

  /** What went while this node was away; what the store has lost comes back, or is put back. */
  async #dropOthers(): Promise<void> {
    if (await this.#options.isLoss()) return
    this.#write(new Map(), this.#withoutRecord([...this.#known.keys()]))
  }

  /** Of these, those that the store does not have now. */
  #withoutRecord(ids: readonly string[]): string[] {
    const present = new Set([...this.#mirror.records].map(([key, record]) => this.#options.idOf(key, record)))
    return ids.filter((id) => !present.has(id))
  }

  #write(seen: ReadonlyMap<string, Static<S>>, gone: readonly string[]): void {
    if (seen.size + gone.length === 0) return
    this.#options.records.transaction((changes) => {
      for (const [id, record] of seen) this.#table.put(changes, id, record)
      for (const id of gone) this.#table.delete(changes, id)
    })
    for (const [id, record] of seen) this.#known.set(id, record)
    for (const id of gone) this.#known.delete(id)
  }
}
