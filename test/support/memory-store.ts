// A shared store in this process: one that may be lost, or restored from a copy, at any moment. Watches say nothing.
import type {
  CommitResult,
  Condition,
  SharedChange,
  SharedEntry,
  SharedStore,
} from '@conet/host/cluster/shared-store'

type Held = { readonly value: string; readonly revision: number }
type Copy = { readonly held: Map<string, Held>; readonly at: number }

export class MemoryStore implements SharedStore {
  /** Prefixes that were listed. */
  readonly listed: string[] = []
  readonly refusal = undefined
  #held = new Map<string, Held>()
  #at = 1
  #revision = 0
  #written = 0

  get revision(): number {
    return this.#revision
  }

  get written(): number {
    return this.#written
  }

  restartAt(revision: number): void {
    this.#revision = revision
  }

  /** What is there now, for `restore`. */
  copy(): Copy {
    return { held: new Map(this.#held), at: this.#at }
  }

  restore({ held, at }: Copy): void {
    this.#held = new Map(held)
    this.#at = at
  }

  lose(): void {
    this.restore({ held: new Map(), at: 1 })
  }

  keys(prefix: string): string[] {
    return [...this.#held.keys()].filter((key) => key.startsWith(prefix)).sort()
  }

  async get(key: string): Promise<SharedEntry | undefined> {
    return this.#below(key).find((entry) => entry.key === key)
  }

  async list(prefix: string): Promise<{ entries: SharedEntry[]; revision: number }> {
    this.listed.push(prefix)
    return { entries: this.#below(prefix), revision: this.#noted() }
  }

  async count(prefix: string): Promise<number> {
    return this.keys(prefix).length
  }

  async commit(conditions: readonly Condition[], changes: readonly SharedChange[]): Promise<CommitResult> {
    const committed = conditions.every((condition) => this.#holds(condition))
    if (committed && changes.length > 0) {
      this.#at += 1
      for (const change of changes) this.#make(change)
      this.#written = this.#at
    }
    return { committed, revision: this.#noted() }
  }

  watch: SharedStore['watch'] = (_prefix, { signal }) =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve()))

  async holdLease() {
    return { id: '1', lost: new Promise<undefined>(() => undefined) }
  }

  async grantLease(): Promise<string> {
    return '2'
  }

  close(): void {}

  #noted(): number {
    this.#revision = Math.max(this.#revision, this.#at)
    return this.#at
  }

  #below(prefix: string): SharedEntry[] {
    return this.keys(prefix).flatMap((key) => {
      const held = this.#held.get(key)
      return held === undefined ? [] : [{ key, ...held }]
    })
  }

  #holds(condition: Condition): boolean {
    if ('absent' in condition) return !this.#held.has(condition.absent)
    if ('present' in condition) return this.#held.has(condition.present)
    if ('is' in condition) return this.#held.get(condition.is)?.value === condition.value
    if ('empty' in condition) return this.keys(condition.empty).length === 0
    if ('unchanged' in condition) return this.#held.get(condition.unchanged)?.revision === condition.since
    return this.#below(condition.older).every(({ revision }) => revision < condition.than)
  }

  #make(change: SharedChange): void {
    if ('put' in change) this.#held.set(change.put, { value: change.value, revision: this.#at })
    else if ('delete' in change) this.#held.delete(change.delete)
    else for (const key of this.keys(change.clear)) this.#held.delete(key)
  }
}
