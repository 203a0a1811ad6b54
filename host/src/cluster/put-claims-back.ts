// What this node has claimed of a network, and a store that has lost something lacks, is written again; what others have
// there by now is theirs, and is asked for where endpoints of this node have addresses in it still.
import { ConetError } from '@conet/sdk'
import type { AddressBlocks } from './address-blocks.ts'
import type { RegisteredLimits } from './claim-transaction.ts'
import type { MacClaims } from './mac-claims.ts'
import type { BlockOfSubnet } from './network-grid.ts'
import type { OwnBlockRecord } from './own-blocks.ts'
import type { OwnWishes } from './own-wishes.ts'
import type { CallLimits } from './shared-store.ts'

export type PutClaimsBackOptions = {
  readonly networkId: string
  readonly blocks: Pick<AddressBlocks, 'restore'>
  readonly wishes: Pick<OwnWishes, 'ask' | 'unask'>
  readonly macs: Pick<MacClaims, 'claim'>
  readonly own: Pick<OwnBlockRecord, 'has' | 'of' | 'remove'>
  /** The block is this node's now, unless it has left the network meanwhile. */
  keep(block: string, subnet: string): void
}

/** What endpoints of this node have. */
export type InUseHere = {
  /** Blocks in which they have addresses. */
  readonly blocks: readonly BlockOfSubnet[]
  readonly macAddresses: readonly string[]
}

export class ClaimsPutBack {
  readonly #options: PutClaimsBackOptions
  /** Blocks that others were asked for. */
  readonly #asked = new Set<string>()
  /** MACs of endpoints here, and who has claimed them. */
  #lostMacs: ReadonlyMap<string, string> = new Map()

  constructor(options: PutClaimsBackOptions) {
    this.#options = options
  }

  /** `there`: blocks that the store says are this node's. Resolves to what others have. May be repeated. */
  async run(there: readonly string[], inUse: InUseHere, limits: RegisteredLimits): Promise<string[]> {
    const { own, networkId, macs, keep } = this.#options
    const lost = whatIsLost({ own: own.of(networkId), inUse: inUse.blocks, there })
    const conflicts: string[] = []
    await this.#unaskUnused(inUse, limits)
    for (const block of lost.restorable) conflicts.push(...(await this.#restore(block, inUse, limits)))
    for (const { block, subnet } of lost.unrecorded) keep(block, subnet)
    const lostMacs = new Map<string, string>()
    for (const mac of inUse.macAddresses) {
      const refused = await refusal(macs.claim(mac, limits))
      if (refused === undefined) continue
      lostMacs.set(mac, String(refused.details.node))
      conflicts.push(refused.message)
    }
    this.#lostMacs = lostMacs
    return conflicts
  }

  /** MACs of endpoints here that were others' when this was tried last, and whose. */
  get lostMacs(): ReadonlyMap<string, string> {
    return this.#lostMacs
  }

  /** Endpoints that had addresses in a block are gone since it was asked for. */
  async #unaskUnused({ blocks }: InUseHere, limits: CallLimits): Promise<void> {
    const used = new Set(blocks.map(({ block }) => block))
    for (const block of this.#asked) if (!used.has(block)) await this.#unask(block, limits)
  }

  async #unask(block: string, limits: CallLimits): Promise<void> {
    if (this.#asked.delete(block)) await this.#options.wishes.unask(block, limits)
  }

  async #restore(of: BlockOfSubnet, inUse: InUseHere, limits: RegisteredLimits): Promise<string[]> {
    const { own, networkId, blocks, wishes, keep } = this.#options
    const { block, subnet } = of
    const refused = await refusal(blocks.restore(block, subnet, limits))
    if (refused === undefined) {
      if (!own.has(networkId, block)) keep(block, subnet)
      await this.#unask(block, limits)
      return []
    }
    // From now on nothing more of it is handed out here, whatever becomes of it.
    own.remove(networkId, [block])
    if (!inUse.blocks.some((used) => used.block === block)) return []
    // Who has it and does not use it gives it back.
    this.#asked.add(block)
    await wishes.ask(of, limits)
    return [refused.message]
  }
}

/**
 * What there is to do after a loss, of blocks on record (`own`), blocks in which endpoints here have addresses (`inUse`), and
 * those that the store has as this node's (`there`).
 */
export function whatIsLost({
  own,
  inUse,
  there,
}: {
  own: readonly BlockOfSubnet[]
  inUse: readonly BlockOfSubnet[]
  there: readonly string[]
}): {
  /** To be written to the store. */
  restorable: BlockOfSubnet[]
  /** To be put on record here. */
  unrecorded: BlockOfSubnet[]
  /** To be given back: somebody may have got it after the copy of the store was made. */
  strange: string[]
} {
  const recorded = new Set(own.map(({ block }) => block))
  const used = new Set(inUse.map(({ block }) => block))
  const known = new Set(there)
  const mine = new Map([...own, ...inUse].map((of) => [of.block, of]))
  return {
    restorable: [...mine.values()].filter(({ block }) => !known.has(block)),
    unrecorded: inUse.filter(({ block }) => known.has(block) && !recorded.has(block)),
    strange: there.filter((block) => !recorded.has(block) && !used.has(block)),
  }
}

/** What somebody else has; all other errors are thrown. */
async function refusal(work: Promise<unknown>): Promise<ConetError | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    if (ConetError.is(error, 'addressInUse')) return error
    throw error
  }
}
