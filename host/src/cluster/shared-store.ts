// What the hosts of a cluster share: text under keys, changed in transactions, watched. Knows no record types.
import type { ConetError } from '@conet/sdk'

export type SharedEntry = { readonly key: string; readonly value: string; readonly revision: number }

/** What must hold when the changes are made. */
export type Condition =
  | { readonly absent: string }
  | { readonly present: string }
  | { readonly unchanged: string; readonly since: number }
  /** It is there, and is this. */
  | { readonly is: string; readonly value: string }
  /** There is nothing below this prefix. */
  | { readonly empty: string }
  /** Nothing below this prefix was put in that revision or later; what was deleted does not count. */
  | { readonly older: string; readonly than: number }

export type SharedChange =
  | { readonly put: string; readonly value: string; readonly lease?: string }
  | { readonly delete: string }
  | { readonly clear: string }

/** `revision` counts the transactions of the whole store; a refused one has that of the moment it was looked at. */
export type CommitResult = { readonly committed: boolean; readonly revision: number }

/** What one transaction of anybody did below a watched prefix. `value` is missing where a key was deleted. */
export type WatchedChange = { readonly key: string; readonly value?: string; readonly revision: number }

/** The store answers, and does not take this host for who it is. */
export type StoreRefusal = { readonly since: Date; readonly error: ConetError }

export type CallLimits = { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number }

/** All of it throws `clusterUnavailable` while the store does not answer, and `deadlineExceeded` when the time is up. */
export interface SharedStore {
  /** The highest that any answer had: later answers of the same store have no lower one. */
  readonly revision: number
  /** That of the last change that this process made. */
  readonly written: number
  /** Undefined: it takes this host, as far as is known. */
  readonly refusal: StoreRefusal | undefined
  /** The store is another one, or an older copy: it counts from there. */
  restartAt(revision: number): void
  get(key: string, limits?: CallLimits): Promise<SharedEntry | undefined>
  /** Every entry below a prefix as of one revision, in key order. */
  list(prefix: string, limits?: CallLimits): Promise<{ entries: SharedEntry[]; revision: number }>
  /** How many entries there are below a prefix. */
  count(prefix: string, limits?: CallLimits): Promise<number>
  /** All changes or none. After `clusterUnavailable` it is unknown which: look before it is tried again. */
  commit(
    conditions: readonly Condition[],
    changes: readonly SharedChange[],
    limits?: CallLimits,
  ): Promise<CommitResult>
  /**
   * Hands on what is changed below a prefix after a revision, in order, nothing left out. Settles when the signal
   * aborts, and rejects when it can no longer promise that: then the prefix must be listed again.
   */
  watch(prefix: string, watching: Watching): Promise<void>
  /** A lease that is kept alive until the signal aborts. Keys put with its id go when it has not been for `ttlSeconds`. */
  holdLease(ttlSeconds: number, signal: AbortSignal): Promise<Lease>
  /** A lease that nobody keeps alive: keys put with its id go after `ttlSeconds`. */
  grantLease(ttlSeconds: number, limits?: CallLimits): Promise<string>
  close(): void
}

export type Watching = {
  readonly after: number
  readonly signal: AbortSignal
  /** Called with what one answer of the store holds; it must not throw. */
  changed(changes: readonly WatchedChange[]): void
}

export type Lease = {
  readonly id: string
  /** Settles when the lease is no longer kept: with the reason, or undefined after the signal's end. */
  readonly lost: Promise<Error | undefined>
}
