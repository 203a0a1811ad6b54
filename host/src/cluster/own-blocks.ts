// Which blocks of addresses this node has, as far as it knows by itself: on the disk, so that a node that starts while
// the shared store is away hands out addresses of them.
import { type Static, Type } from 'typebox'
import type { Changes, Purpose, Store, Table } from '../store/index.ts'

const OwnBlock = Type.Object({ networkId: Type.String(), subnet: Type.String(), block: Type.String() })
export type OwnBlock = Static<typeof OwnBlock>

/** The part of the durable store that is needed. */
export type BlockStore = Pick<Store, 'table' | 'transaction'>

export class OwnBlockRecord {
  readonly #store: BlockStore
  readonly #table: Table<OwnBlock>
  /** By network, then by block: its subnet. */
  readonly #blocks = new Map<string, Map<string, string>>()
  /** By network. */
  readonly #foreign = new Map<string, ReadonlySet<string>>()
  readonly #changed: (networkId: string) => void

  /** `changed` is called after each change. */
  constructor(store: BlockStore, changed: (networkId: string) => void) {
    this.#store = store
    this.#changed = changed
    this.#table = store.table('blocks', OwnBlock)
    for (const { record } of this.#table.list()) this.#remember(record)
  }

  /** Networks of which there are blocks. */
  get networks(): string[] {
    return [...this.#blocks.keys()]
  }

  own(networkId: string, subnet: string): string[] {
    return [...(this.#blocks.get(networkId) ?? [])].filter(([, of]) => of === subnet).map(([block]) => block)
  }

  /** Of all subnets. */
  all(networkId: string): string[] {
    return [...(this.#blocks.get(networkId)?.keys() ?? [])]
  }

  /** Of all subnets, with them. */
  of(networkId: string): { block: string; subnet: string }[] {
    return [...(this.#blocks.get(networkId) ?? [])].map(([block, subnet]) => ({ block, subnet }))
  }

  has(networkId: string, block: string): boolean {
    return this.#blocks.get(networkId)?.has(block) ?? false
  }

  /** Addresses in own blocks that endpoints of other nodes have: nobody gets them here. */
  foreign(networkId: string): ReadonlySet<string> {
    return this.#foreign.get(networkId) ?? none
  }

  /** All that there are now. */
  noteForeign(networkId: string, addresses: ReadonlySet<string>): void {
    const before = this.foreign(networkId)
    if (before.size === addresses.size && [...before].every((address) => addresses.has(address))) return
    if (addresses.size === 0) this.#foreign.delete(networkId)
    else this.#foreign.set(networkId, addresses)
    this.#changed(networkId)
  }

  /** On the disk when this returns. May be repeated. */
  add(record: OwnBlock): void {
    this.#write((changes) => this.#table.put(changes, keyOf(record), record), 'change')
    this.#remember(record)
    this.#changed(record.networkId)
  }

  /** Nothing of them is handed out any more. May be repeated. */
  remove(networkId: string, blocks: readonly string[]): void {
    if (blocks.length === 0) return
    this.#write((changes) => {
      for (const block of blocks) this.#table.delete(changes, keyOf({ networkId, block }))
    }, 'removal')
    const known = this.#blocks.get(networkId)
    for (const block of blocks) known?.delete(block)
    if (known?.size === 0) this.#blocks.delete(networkId)
    this.#changed(networkId)
  }

  #write(work: (changes: Changes) => void, purpose: Purpose): void {
    this.#store.transaction(work, purpose)
  }

  #remember({ networkId, subnet, block }: OwnBlock): void {
    const known = this.#blocks.get(networkId)
    if (known === undefined) this.#blocks.set(networkId, new Map([[block, subnet]]))
    else known.set(block, subnet)
  }
}

const none: ReadonlySet<string> = new Set()

function keyOf({ networkId, block }: Pick<OwnBlock, 'networkId' | 'block'>): string {
  return `${networkId}/${block}`
}
