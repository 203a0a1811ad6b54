// A count of this node's own, in the shared store and on the disk, that grows as it writes. A store that has a lower one
// than the disk is an older copy, also where the writes of others have taken its revision past the one that is known. Beside
// it stands the generation of the store in which it was written, so that others see who is back after a loss.
import { type Static, Type } from 'typebox'
import type { Table } from '../store/index.ts'
import { keys } from './keys.ts'
import type { BlockStore } from './own-blocks.ts'
import type { CallLimits, Condition, SharedEntry, SharedStore } from './shared-store.ts'

const Progress = Type.Object({ count: Type.Integer() })
type Progress = Static<typeof Progress>

const recordKey = 'own'

export class OwnProgress {
  readonly #store: SharedStore
  readonly #key: string
  readonly #records: BlockStore
  readonly #table: Table<Progress>
  #count: number
  /** What this node had written when it counted last: at first nothing, which one that is refused its name stays at. */
  #countedAt = 0

  /** `identity` is the machine's: what it is called may change hands. */
  constructor(store: SharedStore, { records, identity }: { records: BlockStore; identity: string }) {
    this.#store = store
    this.#records = records
    this.#key = keys.progress(identity)
    this.#table = records.table('progress', Progress)
    this.#count = this.#table.get(recordKey)?.count ?? 0
  }

  /** Whether the store has forgotten something that this node has written. */
  async isForgotten(limits: CallLimits): Promise<boolean> {
    // Read before the store is asked: it may count on before its answer is here.
    const count = this.#count
    return count > 0 && countOf(await this.#store.get(this.#key, limits)) < count
  }

  /**
   * Counts on, if this node has written anything since. First in the store: who is ended between the two has a lower count
   * on the disk, which says nothing wrong. False: the store has forgotten something.
   */
  async advance(generation: string, limits: CallLimits): Promise<boolean> {
    if (this.#countedAt === this.#store.written) return true
    const count = this.#count
    const found = await this.#store.get(this.#key, limits)
    if (countOf(found) < count) return false
    await this.#write(found, generation, limits)
    return true
  }

  /** Counts on after the store has got back what it had forgotten: others need not wait for this node any more. */
  async catchUp(generation: string, limits: CallLimits): Promise<void> {
    await this.#write(await this.#store.get(this.#key, limits), generation, limits)
  }

  async #write(found: SharedEntry | undefined, generation: string, limits: CallLimits): Promise<void> {
    const count = Math.max(this.#count, countOf(found)) + 1
    const unchanged: Condition =
      found === undefined ? { absent: this.#key } : { unchanged: this.#key, since: found.revision }
    const change = { put: this.#key, value: `${count} ${generation}` }
    const same: Condition = { is: keys.generation, value: generation }
    const { committed } = await this.#store.commit([unchanged, same], [change], limits)
    // Only another store, put in its place in this moment, has another one.
    if (!committed) throw new Error('the progress of this node was changed by others')
    this.#countedAt = this.#store.written
    this.#records.transaction((changes) => this.#table.put(changes, recordKey, { count }), 'change')
    this.#count = count
  }
}

/** Of what machines have noted: which have put back what they have since the store has its name. */
export function backAmong(noted: readonly SharedEntry[], generation: string): Set<string> {
  const back = noted.filter((entry) => generationOf(entry) === generation)
  return new Set(back.map(({ key }) => key.slice(keys.allProgress.length)))
}

/** Whether a machine has put back what it has since the store has its name. */
export async function isBack(
  store: Pick<SharedStore, 'get'>,
  identity: string,
  limits: CallLimits,
): Promise<boolean> {
  const generation = await store.get(keys.generation, limits)
  const progress = await store.get(keys.progress(identity), limits)
  return progress !== undefined && generationOf(progress) === generation?.value
}

function generationOf({ value }: Pick<SharedEntry, 'value'>): string | undefined {
  return value.split(' ')[1]
}

function countOf(entry: SharedEntry | undefined): number {
  return Number(entry?.value.split(' ')[0] ?? 0)
}
