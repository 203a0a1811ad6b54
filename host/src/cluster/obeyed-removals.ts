// Which removal by an operator this node has obeyed already: an older copy of the store may say the same again.
import { type Static, Type } from 'typebox'
import type { Table } from '../store/index.ts'
import type { BlockStore } from './own-blocks.ts'

const Obeyed = Type.Object({ mark: Type.String() })

const recordKey = 'last'

export class ObeyedRemovals {
  readonly #records: BlockStore
  readonly #table: Table<Static<typeof Obeyed>>

  constructor(records: BlockStore) {
    this.#records = records
    this.#table = records.table('removals', Obeyed)
  }

  /** `mark` is what the operator's host has left in the store. */
  has(mark: string): boolean {
    return this.#table.get(recordKey)?.mark === mark
  }

  /** On the disk when this returns. */
  note(mark: string): void {
    this.#records.transaction((changes) => this.#table.put(changes, recordKey, { mark }), 'change')
  }
}
