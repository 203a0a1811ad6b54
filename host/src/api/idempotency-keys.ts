// Answers that were given under an Idempotency-Key: the same key and request get the same answer again, also while the
// first one is still being worked on, and after a restart. Only answers that made something are kept: a failure leaves
// nothing behind, so its request may run again. Knows no HTTP.
import { type Static, Type } from 'typebox'
import type { Store, Table } from '../store/index.ts'

const KeptAnswer = Type.Object({
  /** Stands for the whole request. */
  fingerprint: Type.String(),
  status: Type.Integer(),
  body: Type.Unknown(),
  atMs: Type.Integer(),
})
type KeptAnswer = Static<typeof KeptAnswer>

export type Answer = { readonly status: number; readonly body: unknown }

/** `sameKeyOtherRequest`: the key was used for something else. */
export type KeyedAnswer = { ok: true; answer: Answer } | { ok: false; reason: 'sameKeyOtherRequest' }

export type IdempotencyKeysOptions = {
  readonly store: Pick<Store, 'table' | 'transaction'>
  /** Hears of an answer that could not be kept: the disk may be full. */
  readonly onError: (error: unknown) => void
  readonly keptMs?: number
  readonly mostKept?: number
  readonly delayMs?: number
  readonly now?: () => number
}

const day = 24 * 60 * 60 * 1000

export class IdempotencyKeys {
  readonly #store: IdempotencyKeysOptions['store']
  readonly #table: Table<KeptAnswer>
  readonly #keptMs: number
  readonly #mostKept: number
  readonly #now: () => number
  readonly #onError: (error: unknown) => void
  /** Time of each kept answer, oldest first. */
  readonly #kept = new Map<string, number>()
  /** Until they have failed, or are kept. */
  readonly #running = new Map<string, { fingerprint: string; answer: Promise<Answer> }>()
  /** What is to be kept. */
  readonly #waiting = new Map<string, KeptAnswer>()
  readonly #delayMs: number
  #timer: NodeJS.Timeout | undefined

  constructor(options: IdempotencyKeysOptions) {
    const { store, onError, keptMs = day, mostKept = 4096, delayMs = 20, now = Date.now } = options
    this.#store = store
    this.#delayMs = delayMs
    this.#onError = onError
    this.#table = store.table('idempotency', KeptAnswer)
    this.#keptMs = keptMs
    this.#mostKept = mostKept
    this.#now = now
    const oldestFirst = this.#table.list().sort((a, b) => a.record.atMs - b.record.atMs)
    for (const { key, record } of oldestFirst) this.#kept.set(key, record.atMs)
  }

  /** Resolves when every answer that was given is kept: before the store is closed. */
  async flush(): Promise<void> {
    await Promise.allSettled([...this.#running.values()].map(({ answer }) => answer))
    this.#keepAll()
  }

  /**
   * The answer kept or awaited for `key`, or that of `work`. The fingerprint stands for the whole request, the key is of
   * at most 255 characters.
   */
  async answer(key: string, fingerprint: string, work: () => Promise<Answer>): Promise<KeyedAnswer> {
    const known = this.#running.get(key) ?? this.#find(key)
    if (known !== undefined && known.fingerprint !== fingerprint) {
      return { ok: false, reason: 'sameKeyOtherRequest' }
    }
    const answer = known?.answer ?? this.#run(key, fingerprint, work)
    return { ok: true, answer: await answer }
  }

  #find(key: string): { fingerprint: string; answer: Answer } | undefined {
    const atMs = this.#kept.get(key)
    if (atMs === undefined || this.#isOld(atMs)) return undefined
    const kept = this.#table.get(key)
    if (kept === undefined) return undefined
    return { fingerprint: kept.fingerprint, answer: { status: kept.status, body: kept.body } }
  }

  #run(key: string, fingerprint: string, work: () => Promise<Answer>): Promise<Answer> {
    const answer = work()
    this.#running.set(key, { fingerprint, answer })
    answer.then(
      (given) => this.#keepLater(key, { fingerprint, ...given, atMs: this.#now() }),
      () => this.#running.delete(key),
    )
    return answer
  }

  /**
   * Behind the answers, which it must not hold up, and many at once: until then the running work gives the answer, and
   * after a crash in between the record that the work has made.
   */
  #keepLater(key: string, kept: KeptAnswer): void {
    this.#waiting.set(key, kept)
    this.#timer ??= setTimeout(() => this.#keepAll(), this.#delayMs)
  }

  #keepAll(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const all = [...this.#waiting]
    this.#waiting.clear()
    try {
      if (all.length > 0) this.#keep(all)
    } catch (error) {
      this.#onError(error)
    }
    for (const [key] of all) this.#running.delete(key)
  }

  #keep(all: readonly (readonly [key: string, kept: KeptAnswer])[]): void {
    const dropped = this.#tooMany(all.length)
    this.#store.transaction((changes) => {
      for (const other of dropped) this.#table.delete(changes, other)
      for (const [key, kept] of all) this.#table.put(changes, key, kept)
    })
    for (const other of dropped) this.#kept.delete(other)
    for (const [key, { atMs }] of all) {
      // Anew at the end, so that the order stays that of time.
      this.#kept.delete(key)
      this.#kept.set(key, atMs)
    }
  }

  #tooMany(more: number): string[] {
    const surplus = this.#kept.size + more - this.#mostKept
    const dropped: string[] = []
    for (const [key, atMs] of this.#kept) {
      if (dropped.length >= surplus && !this.#isOld(atMs)) break
      dropped.push(key)
    }
    return dropped
  }

  #isOld(atMs: number): boolean {
    return this.#now() - atMs > this.#keptMs
  }
}
