// Records of one type in a store: JSON below `name/`, checked against a schema once, when the table is opened.
// Afterwards only this process writes, so later reads trust what they find.
import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Changes, Entry, KeyValueStore } from './key-value-store.ts'

/** A record that was moved aside because it did not fit; its text is kept below `quarantine/`. */
export type QuarantinedRecord = { table: string; key: string; reason: string; text: string }

const quarantinePrefix = 'quarantine/'

export class Table<T> {
  readonly name: string
  readonly #store: KeyValueStore
  readonly #prefix: string

  constructor(store: KeyValueStore, name: string) {
    this.name = name
    this.#store = store
    this.#prefix = tablePrefix(name)
  }

  get(key: string): T | undefined {
    const text = this.#store.get(this.#prefix + key)
    return text === undefined ? undefined : JSON.parse(text)
  }

  has(key: string): boolean {
    return this.#store.get(this.#prefix + key) !== undefined
  }

  /** The records whose key starts with `keyPrefix`, in key order. */
  list(keyPrefix = ''): { key: string; record: T }[] {
    return this.#store.list(this.#prefix + keyPrefix).map(({ key, value }) => ({
      key: key.slice(this.#prefix.length),
      record: JSON.parse(value),
    }))
  }

  put(changes: Changes, key: string, record: T): void {
    changes.put(this.#prefix + key, JSON.stringify(record))
  }

  /** Deleting what is not there is no error. */
  delete(changes: Changes, key: string): void {
    changes.delete(this.#prefix + key)
  }
}

/** Opens a table; records that do not fit its schema are moved aside and handed to `onQuarantine`. */
export function openTable<S extends TSchema>(
  store: KeyValueStore,
  name: string,
  schema: S,
  onQuarantine: (record: QuarantinedRecord) => void,
): Table<Static<S>> {
  const misfits = findMisfits(store, name, schema)
  if (misfits.length > 0) moveAside(store, misfits)
  for (const misfit of misfits) onQuarantine(misfit)
  return new Table<Static<S>>(store, name)
}

/** What was moved aside in this store, from any table and any run. */
export function listQuarantine(store: KeyValueStore): QuarantinedRecord[] {
  return store.list(quarantinePrefix).map(({ value }) => JSON.parse(value))
}

function findMisfits(store: KeyValueStore, table: string, schema: TSchema): QuarantinedRecord[] {
  const prefix = tablePrefix(table)
  const entries = store.list(prefix)
  // Most tables of a host that starts are empty, and a schema takes longer to compile than a record to check.
  if (entries.length === 0) return []
  const validator = Compile(schema)
  const reasonOf = ({ value }: Entry): string | undefined => {
    const parsed = parseJson(value)
    if (!parsed.ok) return parsed.reason
    if (validator.Check(parsed.value)) return undefined
    const [first] = validator.Errors(parsed.value)
    return first === undefined ? 'it does not fit' : `${first.instancePath || '/'} ${first.message}`
  }
  return entries.flatMap((entry) => {
    const reason = reasonOf(entry)
    return reason === undefined
      ? []
      : [{ table, key: entry.key.slice(prefix.length), reason, text: entry.value }]
  })
}

function moveAside(store: KeyValueStore, misfits: readonly QuarantinedRecord[]): void {
  store.transaction((changes) => {
    for (const misfit of misfits) {
      changes.put(`${quarantinePrefix}${misfit.table}/${misfit.key}`, JSON.stringify(misfit))
      changes.delete(tablePrefix(misfit.table) + misfit.key)
    }
  })
}

function parseJson(text: string): { ok: true; value: unknown } | { ok: false; reason: string } {
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) }
  }
}

function tablePrefix(name: string): string {
  if (!/^[a-z][a-z-]*$/.test(name) || name === 'quarantine' || name === 'meta') {
    throw new Error(`"${name}" is no name for a table`)
  }
  return `${name}/`
}
