// Answers that were given under an Idempotency-Key: the same key and request get the same answer again, also while the
// first one is still being worked on, and after a restart. Only answers that made something are kept: a failure leaves
// nothing behind, so its request may run again. Knows no HTTP.
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
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
  readonly #keeping = new Set<Promise<void>>()
  readonly #running = new Map<string, { fingerprint: string; answer: Promise<Answer> }>()

  constructor({ store, onError, keptMs = day, mostKept = 4096, now = Date.now }: IdempotencyKeysOptions) {
    this.#store = store
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
    await Promise.all(this.#keeping)
  }

  /** The answer kept or awaited for `key`, or that of `work`. */
  async answer(key: string, request: string, work: () => Promise<Answer>): Promise<KeyedAnswer> {
    const id = digest(key)
    const fingerprint = digest(request)
    const known = this.#running.get(id) ?? this.#find(id)
    if (known !== undefined && known.fingerprint !== fingerprint) {
      return { ok: false, reason: 'sameKeyOtherRequest' }
    }
    const answer = known?.answer ?? this.#run(id, fingerprint, work)
    return { ok: true, answer: await answer }
  }

  #find(id: string): { fingerprint: string; answer: Answer } | undefined {
    const atMs = this.#kept.get(id)
    if (atMs === undefined || this.#isOld(atMs)) return undefined
    const kept = this.#table.get(id)
    if (kept === undefined) return undefined
    return { fingerprint: kept.fingerprint, answer: { status: kept.status, body: kept.body } }
  }

  #run(id: string, fingerprint: string, work: () => Promise<Answer>): Promise<Answer> {
    const answer = work()
    this.#running.set(id, { fingerprint, answer })
    const keeping = this.#keepLater(id, fingerprint, answer).finally(() => {
      this.#running.delete(id)
      this.#keeping.delete(keeping)
    })
    this.#keeping.add(keeping)
    return answer
  }

  /**
   * Behind the answer, which it must not hold up: until then the running work gives it, and after a crash in between
   * the record that the work has made. Never rejects.
   */
  async #keepLater(id: string, fingerprint: string, answer: Promise<Answer>): Promise<void> {
    const given = await answer.catch(() => undefined)
    if (given === undefined) return
    await setImmediate()
    try {
      this.#keep(id, { fingerprint, ...given, atMs: this.#now() })
    } catch (error) {
      this.#onError(error)
    }
  }

  #keep(id: string, kept: KeptAnswer): void {
    const dropped = this.#tooMany()
    this.#store.transaction((changes) => {
      for (const other of dropped) this.#table.delete(changes, other)
      this.#table.put(changes, id, kept)
    })
    for (const other of dropped) this.#kept.delete(other)
    // Anew at the end, so that the order stays that of time.
    this.#kept.delete(id)
    this.#kept.set(id, kept.atMs)
  }

  #tooMany(): string[] {
    const surplus = this.#kept.size + 1 - this.#mostKept
    const dropped: string[] = []
    for (const [id, atMs] of this.#kept) {
      if (dropped.length >= surplus && !this.#isOld(atMs)) break
      dropped.push(id)
    }
    return dropped
  }

  #isOld(atMs: number): boolean {
    return this.#now() - atMs > this.#keptMs
  }
}

/** A client's key may hold anything of any length; a store's may not. */
function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
