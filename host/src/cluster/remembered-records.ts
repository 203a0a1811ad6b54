// Records of the store that are on the disk too: when the store has lost something, it is known what was there. One goes only
// when a store that is whole does not have it any more. While the disk does not take it, it is known in memory.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Static, TSchema } from 'typebox'
import { Backoff } from '../retry/backoff.ts'
import type { Changes, Purpose, Table } from '../store/index.ts'
import { Mirror, type MirrorChange } from './mirror.ts'
import type { BlockStore } from './own-blocks.ts'
import { reader } from './records.ts'
import type { SharedStore } from './shared-store.ts'
import { unattended } from './unattended.ts'

/** A disk that is full stays so until somebody makes room. */
const defaultAgainMs = { firstMs: 500, mostMs: 30_000 }

export type RememberingOptions = {
  readonly store: Pick<SharedStore, 'list' | 'watch'>
  readonly records: BlockStore
  /** Whether the store has lost something just now. */
  isLoss(): Promise<boolean>
  /** Ends all of it. */
  readonly signal: AbortSignal
  readonly log: Pick<Logger, 'error' | 'info'>
  /** When what the disk has refused is written again. */
  readonly againMs?: { readonly firstMs: number; readonly mostMs: number }
}

export type RememberedRecordsOptions<S extends TSchema> = RememberingOptions & {
  /** Ends with a slash. */
  readonly prefix: string
  readonly schema: S
  /** On the disk. */
  readonly table: string
  /** What a record is kept under; `key` is that in the store, without the prefix. */
  idOf(key: string, record: Static<S>): string
  /** The store says something else of these. */
  seen(ids: readonly string[]): void
}

export class RememberedRecords<S extends TSchema> {
  readonly #options: RememberedRecordsOptions<S>
  readonly #table: Table<Static<S>>
  readonly #mirror: Mirror<Static<S>>
  /** By id. */
  readonly #known: Map<string, Static<S>>
  /** Ids of which the disk says something else than what is known. */
  readonly #unwritten = new Set<string>()
  #isLate = false

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
      listed: () => unattended(`of the ${table} some that are gone stay`, () => this.#dropOthers(), options),
    })
  }

  /** By id. */
  get all(): ReadonlyMap<string, Static<S>> {
    return this.#known
  }

  /** Follows the store until the signal aborts. Called once. */
  follow(): Promise<void> {
    return this.#mirror.follow(this.#options.signal)
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

  /** It does not throw: whoever follows the store counts on that. */
  #write(seen: ReadonlyMap<string, Static<S>>, gone: readonly string[]): void {
    for (const [id, record] of seen) this.#known.set(id, record)
    for (const id of gone) this.#known.delete(id)
    for (const id of [...seen.keys(), ...gone]) this.#unwritten.add(id)
    try {
      this.#save()
    } catch (err) {
      if (this.#isLate) return
      const { log, table } = this.#options
      log.error({ table, err }, 'cluster: what is known of nodes is not on the disk; it is tried again')
      void this.#saveLate()
    }
  }

  /** With what is new meanwhile. */
  async #saveLate(): Promise<void> {
    const { signal, log, table, againMs = defaultAgainMs } = this.#options
    this.#isLate = true
    const backoff = new Backoff(againMs)
    while (this.#unwritten.size > 0) {
      await sleep(backoff.nextMs(), undefined, { signal, ref: false }).catch(() => undefined)
      if (signal.aborted) return
      try {
        this.#save()
      } catch {
        // The log has it already.
      }
    }
    this.#isLate = false
    log.info({ table }, 'cluster: what is known of nodes is on the disk')
  }

  #save(): void {
    const ids = [...this.#unwritten]
    const gone = ids.filter((id) => !this.#known.has(id))
    const there = ids.filter((id) => this.#known.has(id))
    // First, and by itself: it goes through on a disk that is full.
    this.#commit(gone, (changes, id) => this.#table.delete(changes, id), 'removal')
    const put = (changes: Changes, id: string) => {
      const record = this.#known.get(id)
      if (record !== undefined) this.#table.put(changes, id, record)
    }
    this.#commit(there, put, 'change')
  }

  #commit(ids: readonly string[], write: (changes: Changes, id: string) => void, purpose: Purpose): void {
    if (ids.length === 0) return
    this.#options.records.transaction((changes) => {
      for (const id of ids) write(changes, id)
    }, purpose)
    for (const id of ids) this.#unwritten.delete(id)
  }
}
