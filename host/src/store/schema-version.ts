// The version of what a store holds: refuses a newer one, and brings an older one up to date in one transaction.
import { ConetError } from '@conet/sdk'
import type { Changes, KeyValueStore } from './key-value-store.ts'

/** Brings the records of the version before `to` into the form of `to`. */
export type Migration = { to: number; migrate(store: KeyValueStore, changes: Changes): void }

export type SchemaVersion = { version: number; migrations?: readonly Migration[] }

const versionKey = 'meta/version'

export function ensureSchemaVersion(store: KeyValueStore, path: string, schema: SchemaVersion): void {
  const found = foundVersion(store, path)
  if (found === schema.version) return
  if (found !== undefined && found > schema.version) throw tooNew(path, found, schema.version)
  store.transaction((changes) => {
    if (found !== undefined) migrate({ store, changes, path, found, schema })
    changes.put(versionKey, String(schema.version))
  })
}

function foundVersion(store: KeyValueStore, path: string): number | undefined {
  const text = store.get(versionKey)
  if (text === undefined && store.list('').length === 0) return undefined
  if (text === undefined || !/^[1-9]\d{0,8}$/.test(text)) throw notOurs(path)
  return Number(text)
}

type Step = { store: KeyValueStore; changes: Changes; path: string; found: number; schema: SchemaVersion }

function migrate({ store, changes, path, found, schema }: Step): void {
  for (let version = found + 1; version <= schema.version; version++) {
    const migration = schema.migrations?.find(({ to }) => to === version)
    if (migration === undefined) throw noWay(path, version - 1, version)
    migration.migrate(store, changes)
  }
}

function tooNew(path: string, found: number, known: number): ConetError {
  const message = `open store ${path}: its version ${found} is newer than ${known}, the newest this conetd knows`
  return new ConetError('failedPrecondition', message, {
    details: { path, found, known },
    help: `start the conetd that wrote ${path}, or a newer one`,
  })
}

function notOurs(path: string): ConetError {
  return new ConetError('failedPrecondition', `open store ${path}: it has records but no version`, {
    details: { path },
    help: `move ${path} away if it is not conet's`,
  })
}

function noWay(path: string, from: number, to: number): ConetError {
  return new ConetError(
    'failedPrecondition',
    `open store ${path}: no migration from version ${from} to ${to}`,
    {
      details: { path, from, to },
      help: 'upgrade in smaller steps: first to a conetd that knows this version',
    },
  )
}
