// The store as the host uses it: typed tables over lmdb, with a schema version. One class for the durable store
// (state directory) and the volatile one (run directory, on tmpfs); who opens it says which it is.
import type { Static, TSchema } from 'typebox'
import type { Changes, Purpose } from './key-value-store.ts'
import { LmdbStore, type LmdbStoreOptions } from './lmdb-store.ts'
import { ensureSchemaVersion, type SchemaVersion } from './schema-version.ts'
import { listQuarantine, openTable, type QuarantinedRecord, type Table } from './table.ts'

export type StoreOptions = LmdbStoreOptions & {
  schema: SchemaVersion
  /** Told of each record that did not fit its table's schema; the record is kept aside. */
  onQuarantine: (record: QuarantinedRecord) => void
}

export class Store implements AsyncDisposable {
  readonly #entries: LmdbStore
  readonly #onQuarantine: (record: QuarantinedRecord) => void

  private constructor(entries: LmdbStore, onQuarantine: (record: QuarantinedRecord) => void) {
    this.#entries = entries
    this.#onQuarantine = onQuarantine
  }

  /** Opens or makes the store. Refuses one whose schema version is newer than ours (`failedPrecondition`). */
  static async open({ schema, onQuarantine, ...options }: StoreOptions): Promise<Store> {
    const entries = new LmdbStore(options)
    try {
      ensureSchemaVersion(entries, options.path, schema)
    } catch (error) {
      await entries.close()
      throw error
    }
    return new Store(entries, onQuarantine)
  }

  /** The table of that name. Checks every record in it, so open each table once, at start. */
  table<S extends TSchema>(name: string, schema: S): Table<Static<S>> {
    return openTable(this.#entries, name, schema, this.#onQuarantine)
  }

  /** All that `work` writes, or nothing if it throws; committed when this returns. `storageFull` on a full disk. */
  transaction<T>(work: (changes: Changes) => T, purpose?: Purpose): T {
    return this.#entries.transaction(work, purpose)
  }

  quarantine(): QuarantinedRecord[] {
    return listQuarantine(this.#entries)
  }

  close(): Promise<void> {
    return this.#entries.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
