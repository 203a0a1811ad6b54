// Nodes that the cluster had before the store has lost something, and that are to put back what they have.
import { keys } from './keys.ts'
import { orAborted } from './or-aborted.ts'
import { backAmong } from './own-progress.ts'
import { RemovalMark, reader, type SharedNode } from './records.ts'
import type { CallLimits, SharedEntry, SharedStore } from './shared-store.ts'

const few = 8
/** What was found is good for so long: however many plugs wait, the store is asked no more often. */
const freshMs = 500

const readMark = reader(RemovalMark)

export class AwaitedNodes {
  readonly #store: Pick<SharedStore, 'list'>
  readonly #generation: string
  #missing: readonly SharedNode[]
  #wasAsked = false
  #foundAt = Number.NEGATIVE_INFINITY
  /** Under way: for all who ask meanwhile it is the same one. */
  #look: Promise<void> | undefined

  /** `generation` is what the store is called since. */
  constructor(store: Pick<SharedStore, 'list'>, generation: string, nodes: readonly SharedNode[]) {
    this.#store = store
    this.#generation = generation
    this.#missing = nodes
  }

  /** Of which nothing was heard when it was last asked. */
  get missing(): readonly SharedNode[] {
    return this.#missing
  }

  /** The same for people: as long as nobody has asked it is not known of any. */
  get named(): string[] {
    return this.#wasAsked ? this.#missing.map(({ name }) => name) : []
  }

  /**
   * Whether all have put back what they have, or were removed: who has done so once is not asked again, since nothing of it
   * is lost but with the store. What was found half a second ago is not looked at again. Throws what the store throws, and
   * when the signal aborts.
   */
  async areBack({ signal }: Pick<CallLimits, 'signal'>): Promise<boolean> {
    signal?.throwIfAborted()
    if (this.#missing.length > 0 && performance.now() - this.#foundAt > freshMs)
      await orAborted(this.#sharedLook(), signal)
    return this.#missing.length === 0
  }

  #sharedLook(): Promise<void> {
    this.#look ??= this.#lookAtStore().finally(() => {
      this.#look = undefined
    })
    return this.#look
  }

  async #lookAtStore(): Promise<void> {
    const noted = await this.#read(keys.allProgress, keys.progress)
    const back = backAmong(noted, this.#generation)
    const removals = await this.#removals()
    const isRemoved = ({ identity, registeredAt = '' }: SharedNode) => {
      const ended = removals.get(identity)
      // An older copy may say so of one that has come back since.
      return ended !== undefined && ended >= registeredAt
    }
    this.#wasAsked = true
    this.#foundAt = performance.now()
    this.#missing = this.#missing.filter((node) => !back.has(node.identity) && !isRemoved(node))
  }

  /** Who waits for a few does not read what thousands have. */
  async #read(all: string, keyOf: (identity: string) => string): Promise<readonly SharedEntry[]> {
    const prefixes = this.#missing.length > few ? [all] : this.#missing.map(({ identity }) => keyOf(identity))
    const lists = await Promise.all(prefixes.map((prefix) => this.#store.list(prefix)))
    return lists.flatMap(({ entries }) => entries)
  }

  /** Of each machine that was removed: when it had registered. */
  async #removals(): Promise<Map<string, string>> {
    const entries = await this.#read(keys.allRemoved, keys.removed)
    return new Map(
      entries.map(({ key, value }) => [
        key.slice(keys.allRemoved.length),
        readMark(value)?.registeredAt ?? '',
      ]),
    )
  }
}
