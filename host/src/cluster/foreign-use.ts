// What endpoints of other nodes have of a network, as those say: addresses of it are not handed out here, even where their
// block is this node's now, and their blocks are not taken.
import { ForeignBlocks } from './foreign-blocks.ts'
import { keys } from './keys.ts'
import type { MirrorChange } from './mirror.ts'
import type { NetworkGrid } from './network-grid.ts'
import type { OwnBlockRecord } from './own-blocks.ts'
import { reader, SharedMember } from './records.ts'
import type { CallLimits, SharedStore } from './shared-store.ts'

export type ForeignUseOptions = {
  readonly store: Pick<SharedStore, 'list'>
  readonly networkId: string
  readonly grid: NetworkGrid
  readonly own: Pick<OwnBlockRecord, 'has' | 'all' | 'noteForeign'>
  /** The endpoints on other nodes. */
  others(): Iterable<{ readonly node: string; readonly member: SharedMember }>
}

/** In a block that is this node's. */
export type ForeignAddress = { readonly address: string; readonly node: string; readonly container: string }

const readMember = reader(SharedMember)

export class ForeignUse {
  readonly #options: ForeignUseOptions
  readonly #blocks: ForeignBlocks
  #hasForeign = false

  constructor(options: ForeignUseOptions) {
    this.#options = options
    this.#blocks = new ForeignBlocks(options.grid)
  }

  /** Names of the blocks in which they have addresses. */
  get blocks(): Iterable<string> {
    return this.#blocks.names
  }

  /** Something has changed on other nodes. */
  note(changes: readonly MirrorChange<SharedMember>[]): void {
    this.#blocks.note(changes)
    this.compare()
  }

  /** Something has changed there, or in the blocks of this node. */
  compare(): void {
    const { networkId, own } = this.#options
    const isMet = own.all(networkId).some((block) => this.#blocks.holderOf(block) !== undefined)
    if (!isMet && !this.#hasForeign) return
    const foreign = new Set(isMet ? [...this.#inOwnBlocks()].map(({ address }) => address) : [])
    this.#hasForeign = foreign.size > 0
    own.noteForeign(networkId, foreign)
  }

  /** The node that has an address in the block, if the store confirms it: what is known here may be a moment old. */
  async holderOf(block: string, limits: CallLimits): Promise<string | undefined> {
    const { store, networkId, grid } = this.#options
    const node = this.#blocks.holderOf(block)
    if (node === undefined) return undefined
    const { entries } = await store.list(keys.membersOf(networkId, node), limits)
    const addresses = entries.flatMap(({ value }) => readMember(value)?.addresses ?? [])
    return addresses.some((address) => grid.blockOf(address)?.block === block) ? node : undefined
  }

  /** With who has them, for people. */
  *described(): Generator<ForeignAddress> {
    if (!this.#hasForeign) return
    for (const { address, node, container } of this.#inOwnBlocks()) yield { address, node, container }
  }

  *#inOwnBlocks(): Generator<ForeignAddress> {
    const { networkId, grid, own, others } = this.#options
    for (const { node, member } of others())
      for (const address of member.addresses) {
        const block = grid.blockOf(address)?.block
        if (block !== undefined && own.has(networkId, block))
          yield { address, node, container: member.container }
      }
  }
}
