// The key-value store on lmdb: one file, one map of text to text. Knows no record types and no schema versions.
import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { ConetError } from '@conet/sdk'
import { open, type RootDatabase } from 'lmdb'
import type { Changes, Entry, KeyValueStore, Purpose } from './key-value-store.ts'
import { checkLmdbFile } from './lmdb-file.ts'
import { Reserve } from './reserve.ts'
import { isFull, isGivenUp, storeFull, writeError } from './store-error.ts'

export type LmdbStoreOptions = {
  /** The file. Its directory belongs to the store alone: it is made, and closed to all but the owner. */
  path: string
  /** True: a transaction is on the disk when it returns. False: it survives a crash of the process only. */
  durable: boolean
  /** Live data above which puts are refused, but those of removals. */
  maxBytes?: number
}

const defaultMaxBytes = 1024 ** 3
// Asking lmdb for its size costs as much as a small transaction, so not every one asks.
const transactionsPerSizeCheck = 64

export class LmdbStore implements KeyValueStore {
  readonly path: string
  readonly #database: RootDatabase<string, string>
  readonly #maxBytes: number
  readonly #reserve: Reserve
  #transactionsLeft = 0
  #isOverLimit = false
  #isClosed = false

  constructor({ path, durable, maxBytes = defaultMaxBytes }: LmdbStoreOptions) {
    this.path = path
    this.#maxBytes = maxBytes
    this.#database = openDatabase(path, durable)
    this.#reserve = new Reserve(`${path}-reserve`)
  }

  get(key: string): string | undefined {
    return this.#database.get(key)
  }

  list(prefix: string): Entry[] {
    const entries: Entry[] = []
    for (const { key, value } of this.#database.getRange({ start: prefix })) {
      if (!key.startsWith(prefix)) break
      entries.push({ key, value })
    }
    return entries
  }

  transaction<T>(work: (changes: Changes) => T, purpose: Purpose = 'change'): T {
    this.#checkSize()
    try {
      return this.#attempt(work, purpose)
    } catch (error) {
      if (isGivenUp(error)) return this.#attempt(work, purpose)
      const isForWantOfRoom = purpose === 'removal' && ConetError.is(error, 'storageFull')
      if (!isForWantOfRoom || !this.#reserve.release()) throw error
      return this.#attempt(work, purpose)
    }
  }

  #attempt<T>(work: (changes: Changes) => T, purpose: Purpose): T {
    const beforePut = purpose === 'removal' ? () => undefined : () => this.#refusePutOverLimit()
    const changes = new OpenChanges(this.path, this.#database, beforePut)
    let isWorkDone = false
    try {
      return this.#database.transactionSync(() => {
        const result = synchronous(work(changes))
        isWorkDone = true
        return result
      })
    } catch (error) {
      // What `work` throws belongs to the caller; only a commit's failure is lmdb's.
      throw isWorkDone ? writeError(this.path, error) : error
    } finally {
      changes.end()
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#database.close()
  }

  #checkSize(): void {
    if (this.#transactionsLeft-- > 0) return
    this.#transactionsLeft = transactionsPerSizeCheck
    this.#isOverLimit = liveBytes(this.#database.getStats()) > this.#maxBytes
    if (this.#isOverLimit) this.#transactionsLeft = 0
    this.#reserve.keep()
  }

  #refusePutOverLimit(): void {
    if (this.#isOverLimit) throw storeFull(this.path, `it holds more than ${this.#maxBytes} bytes`)
  }
}

class OpenChanges implements Changes {
  readonly #path: string
  readonly #database: RootDatabase<string, string>
  readonly #beforePut: () => void
  #isEnded = false

  constructor(path: string, database: RootDatabase<string, string>, beforePut: () => void) {
    this.#path = path
    this.#database = database
    this.#beforePut = beforePut
  }

  put(key: string, value: string): void {
    this.#beforePut()
    this.#write((database) => database.putSync(key, value))
  }

  delete(key: string): void {
    this.#write((database) => database.removeSync(key))
  }

  end(): void {
    this.#isEnded = true
  }

  #write(step: (database: RootDatabase<string, string>) => void): void {
    if (this.#isEnded) throw new Error('a store transaction was used after it had ended')
    try {
      step(this.#database)
    } catch (error) {
      throw writeError(this.#path, error)
    }
  }
}

function openDatabase(path: string, durable: boolean): RootDatabase<string, string> {
  const directory = dirname(path)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  chmodSync(directory, 0o700)
  checkLmdbFile(path)
  requireRoom(path)
  const options = {
    path,
    noSubdir: true,
    encoding: 'string',
    noSync: !durable,
    // The fsync is part of the commit: what a caller was told is on the disk.
    overlappingSync: false,
    permissionsMode: 0o600,
  } as const
  const database = opened(path, () => open<string, string>(options))
  for (const file of [path, `${path}-lock`]) chmodSync(file, 0o600)
  return database
}

/** lmdb makes a hole of its lock file and writes into the map of it: on a full disk that is no error but SIGBUS. */
function requireRoom(path: string): void {
  if (existsSync(`${path}-lock`) || !isFull(dirname(path))) return
  throw storeFull(path, 'no space left on the device')
}

function opened<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw writeError(path, error)
  }
}

// lmdb would keep the transaction open, and every later write and its own close waiting, until a promise settles.
function synchronous<T>(result: T): T {
  const isThenable =
    typeof result === 'object' && result !== null && typeof Reflect.get(result, 'then') === 'function'
  if (isThenable) throw new Error('the work of a store transaction must be synchronous')
  return result
}

function liveBytes(stats: object): number {
  const count = (name: string): number => {
    const value: unknown = Reflect.get(stats, name)
    return typeof value === 'number' ? value : 0
  }
  const pages = count('treeLeafPageCount') + count('treeBranchPageCount') + count('overflowPages')
  return pages * count('pageSize')
}
