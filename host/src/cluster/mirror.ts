// A prefix of the shared store, kept in memory for as long as its owner lives: listed, then watched. Whatever ends the
// watch, the prefix is listed again and compared, so that nothing is missed: a gap, a compaction, an etcd from a backup.
import { setTimeout as sleep } from 'node:timers/promises'
import { Backoff } from '../retry/backoff.ts'
import type { SharedStore, WatchedChange } from './shared-store.ts'

/** `after` is undefined where the record has gone, `before` where it is new. */
export type MirrorChange<T> = {
  readonly key: string
  readonly before: T | undefined
  readonly after: T | undefined
}

export type MirrorOptions<T> = {
  readonly store: Pick<SharedStore, 'list' | 'watch'>
  /** Ends with a slash; the keys of records are without it. */
  readonly prefix: string
  /** Undefined: no record that this version knows; it counts as absent. */
  parse(text: string, key: string): T | undefined
  /** All that differs from the state before; the records are new already. It must not throw. */
  changed(changes: readonly MirrorChange<T>[], revision: number): void
  /** Each time the whole prefix was read: the keys that there are. After `changed`; it must not throw. */
  listed?(keys: ReadonlySet<string>): void
  /**
   * Asked when a list lacks what was there: whether the store itself has lost it. Then it stays for a while, in which
   * whoever it belongs to may put it back.
   */
  isLoss?(): Promise<boolean>
  /** Each time the store could not be followed. Where it was until then, it may be followed again in a moment. */
  lost?(reason: unknown, was: { readonly followed: boolean }): void
}

/** A watch that ends sooner was none. */
const momentMs = 1_000
/** For others to find out that the store has lost something, and to put it back. */
const doubtMs = 20_000

export class Mirror<T> {
  readonly #options: MirrorOptions<T>
  readonly #texts = new Map<string, string>()
  readonly #records = new Map<string, T>()
  readonly #backoff = new Backoff({ firstMs: 100, mostMs: 5_000 })
  #revision = 0
  #isCurrent = false
  #listedAt = 0
  readonly #waiting = new Set<() => void>()
  /** What the store has lost, maybe for good. */
  readonly #doubted = new Set<string>()

  constructor(options: MirrorOptions<T>) {
    this.#options = options
  }

  /** What the store held when it was last heard of. */
  get records(): ReadonlyMap<string, T> {
    return this.#records
  }

  get revision(): number {
    return this.#revision
  }

  /** False: the store is away, or not asked yet. */
  get isCurrent(): boolean {
    return this.#isCurrent
  }

  /** Settles when the store has been listed since the last loss; rejects when the signal aborts first. */
  current(signal: AbortSignal): Promise<void> {
    if (this.#isCurrent) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const arrived = () => {
        signal.removeEventListener('abort', given)
        resolve()
      }
      const given = () => {
        this.#waiting.delete(arrived)
        reject(signal.reason)
      }
      if (signal.aborted) return given()
      this.#waiting.add(arrived)
      signal.addEventListener('abort', given, { once: true })
    })
  }

  /** Follows the store until the signal aborts. Called once. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#listAndWatch(signal)
      } catch (error) {
        if (signal.aborted) return
        const followed = this.#isCurrent && performance.now() - this.#listedAt > momentMs
        this.#isCurrent = false
        this.#options.lost?.(error, { followed })
        await sleep(this.#backoff.nextMs(), undefined, { signal }).catch(() => undefined)
      }
    }
  }

  async #listAndWatch(signal: AbortSignal): Promise<void> {
    const { store, prefix } = this.#options
    const { entries, revision } = await store.list(prefix, { signal })
    const found = new Map(entries.map(({ key, value }) => [key, value]))
    const gone = [...this.#texts.keys()].filter((key) => !found.has(prefix + key))
    const isLoss = gone.length > 0 && ((await this.#options.isLoss?.()) ?? false)
    if (isLoss) void this.#doubt(gone, signal)
    this.#apply([...(isLoss ? [] : gone.map((key) => ({ key: prefix + key }))), ...entries], revision)
    this.#isCurrent = true
    this.#listedAt = performance.now()
    this.#backoff.reset()
    this.#options.listed?.(new Set(this.#texts.keys()))
    for (const arrived of this.#waiting) arrived()
    this.#waiting.clear()
    await store.watch(prefix, {
      after: revision,
      signal,
      changed: (changes) => this.#apply(changes, changes.at(-1)?.revision ?? revision),
    })
  }

  async #doubt(gone: readonly string[], signal: AbortSignal): Promise<void> {
    for (const key of gone) this.#doubted.add(key)
    await sleep(doubtMs, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    this.#apply(
      [...this.#doubted].map((key) => ({ key: this.#options.prefix + key })),
      this.#revision,
    )
  }

  #apply(writes: readonly Pick<WatchedChange, 'key' | 'value'>[], revision: number): void {
    const { prefix, changed } = this.#options
    const before = new Map<string, T | undefined>()
    for (const { key: fullKey, value } of writes) {
      const key = fullKey.slice(prefix.length)
      this.#doubted.delete(key)
      if (this.#texts.get(key) === value) continue
      if (!before.has(key)) before.set(key, this.#records.get(key))
      this.#write(key, value)
    }
    this.#revision = revision
    const changes = [...before].map(([key, old]) => ({ key, before: old, after: this.#records.get(key) }))
    const real = changes.filter((change) => change.before !== change.after)
    if (real.length > 0) changed(real, revision)
  }

  #write(key: string, text: string | undefined): void {
    if (text === undefined) this.#texts.delete(key)
    else this.#texts.set(key, text)
    const record = text === undefined ? undefined : this.#options.parse(text, key)
    if (record === undefined) this.#records.delete(key)
    else this.#records.set(key, record)
  }
}
