// Which removal by an operator this node has obeyed already: an older copy of the store may say the same again. And since when
// it takes part without having been removed: others tell by it whether it has heard of a removal that the store has lost.
import { type Static, Type } from 'typebox'
import type { Table } from '../store/index.ts'
import type { BlockStore } from './own-blocks.ts'
import { RemovalMark, reader } from './records.ts'

const Obeyed = Type.Object({ mark: Type.String() })
const Registered = Type.Object({ registeredAt: Type.String() })

const recordKey = 'last'
const readMark = reader(RemovalMark)

export class ObeyedRemovals {
  readonly #records: BlockStore
  readonly #table: Table<Static<typeof Obeyed>>
  readonly #registered: Table<Static<typeof Registered>>

  constructor(records: BlockStore) {
    this.#records = records
    this.#table = records.table('removals', Obeyed)
    this.#registered = records.table('registered', Registered)
  }

  /** Since when; the same until another removal is obeyed, also after a restart. On the disk when this returns. */
  ensureRegisteredAt(): string {
    const known = this.#registered.get(recordKey)
    if (known !== undefined) return known.registeredAt
    const registeredAt = new Date().toISOString()
    this.#records.transaction(
      (changes) => this.#registered.put(changes, recordKey, { registeredAt }),
      'change',
    )
    return registeredAt
  }

  /** `mark` is what the operator's host has left in the store. */
  has(mark: string): boolean {
    return this.#table.get(recordKey)?.mark === mark
  }

  /** On the disk when this returns. */
  note(mark: string): void {
    const ended = [this.#registered.get(recordKey)?.registeredAt, readMark(mark)?.registeredAt]
    // The clock may have gone back since.
    const registeredAt = ended.reduce(later, new Date().toISOString())
    this.#records.transaction((changes) => {
      this.#table.put(changes, recordKey, { mark })
      this.#registered.put(changes, recordKey, { registeredAt })
    }, 'change')
  }
}

function later(time: string, ended: string | undefined): string {
  const endedMs = Date.parse(ended ?? '')
  return endedMs >= Date.parse(time) ? new Date(endedMs + 1).toISOString() : time
}
