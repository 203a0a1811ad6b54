// The blocks into which a network's subnets are cut.
import { readAddress } from '../ipam/address.ts'
import { BlockGrid } from '../ipam/block-grid.ts'
import type { SharedNetwork } from './records.ts'

export type BlockOfSubnet = { readonly block: string; readonly subnet: string }

/** Finds the block of an address. */
export class NetworkGrid {
  readonly #grids: readonly BlockGrid[]

  constructor({ subnets, blockBits }: Pick<SharedNetwork, 'subnets' | 'blockBits'>) {
    this.#grids = subnets.map((spec) => new BlockGrid(spec, blockBits))
  }

  /** Undefined for one that is in no subnet. */
  blockOf(address: string): BlockOfSubnet | undefined {
    const read = readAddress(address)
    if (!read.ok) return undefined
    for (const grid of this.#grids) {
      const block = grid.nameAround(read.value)
      if (block !== undefined) return { block, subnet: grid.subnet }
    }
    return undefined
  }

  /** Each once. */
  blocksOf(addresses: Iterable<string>): BlockOfSubnet[] {
    const found = new Map<string, BlockOfSubnet>()
    for (const address of addresses) {
      const of = this.blockOf(address)
      if (of !== undefined) found.set(of.block, of)
    }
    return [...found.values()]
  }
}
