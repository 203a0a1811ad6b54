// What the host asks of anything that keeps its records: the local lmdb store, and a cluster store later.
// Knows no record types: keys and values are text.

export type Entry = { key: string; value: string }

/** The writes of one transaction. Using it after the transaction has ended is an error. */
export interface Changes {
  put(key: string, value: string): void
  delete(key: string): void
}

/** A `removal` goes through where a `change` is refused for want of room: what it removes makes room. */
export type Purpose = 'change' | 'removal'

export interface KeyValueStore {
  get(key: string): string | undefined
  /** Every entry whose key starts with `prefix`, in key order. */
  list(prefix: string): Entry[]
  /**
   * Runs `work` and commits all that it wrote, or nothing if it throws. It runs at once and is committed when the
   * call returns, so a decision and its record are one step of the event loop. Reads inside see its own writes;
   * a compare-and-swap is a `get` followed by a `put`. A removal on a full disk may run `work` a second time.
   */
  transaction<T>(work: (changes: Changes) => T, purpose?: Purpose): T
  close(): Promise<void>
}
