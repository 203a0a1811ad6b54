// Which blocks of a network's subnets this node hands addresses out of. A block is claimed in one transaction, and is the
// node's alone until it gives it back; who is cut off from the store goes on with what it has.
import { ConetError } from '@conet/sdk'
import { BlockGrid } from '../ipam/block-grid.ts'
import {
  type BlockRecord,
  isBlock,
  isUnplugged,
  isWish,
  readBlock,
  readBlockRecord,
} from './block-records.ts'
import { BlockTransactions } from './block-transactions.ts'
import type { ClaimLimits, RegisteredLimits } from './claim-transaction.ts'
import { keys } from './keys.ts'
import { Mirror } from './mirror.ts'
import type { SharedNetwork } from './records.ts'
import type { CallLimits, SharedStore } from './shared-store.ts'

/** Among so many free blocks a node takes one by chance, so that nodes that come at once seldom meet. */
const choice = 16
const mostTries = 64

export type AddressBlocksOptions = {
  readonly store: Pick<SharedStore, 'get' | 'list' | 'commit' | 'watch' | 'revision'>
  readonly node: string
  readonly network: Pick<SharedNetwork, 'id' | 'name' | 'subnets' | 'blockBits'>
  readonly random?: () => number
  /** Somebody has taken blocks or given them back. It must not throw. */
  changed?(): void
  /** Another node needs a block of the subnet, and none is free, or that very block. It must not throw. */
  wanted?(subnet: string, block?: string): void
  /** Whether the store has lost something just now. */
  isLoss?(): Promise<boolean>
  /** What other nodes say of their endpoints, which the claims may lack. */
  readonly elsewhere?: InUseElsewhere
  /** Of each node: how many addresses of the subnet its plugged endpoints have; undefined while that is not known. */
  held?(subnet: string): Readonly<Record<string, number>> | undefined
  /** Of this node: how many all its endpoints have. */
  heldHere?(subnet: string): number | undefined
  /** The store does not take what is written, because this node is not registered any more. */
  refused?(): void
}

export type InUseElsewhere = {
  /** Blocks in which endpoints of other nodes have addresses. */
  readonly blocks: Iterable<string>
  /** The node that has some in the block, if the store confirms it. */
  holderOf(block: string, limits: CallLimits): Promise<string | undefined>
}

const nowhere: InUseElsewhere = { blocks: [], holderOf: async () => undefined }

export class AddressBlocks {
  readonly #options: Required<Omit<AddressBlocksOptions, 'changed' | 'wanted' | 'isLoss'>>
  /** What is written of blocks. */
  readonly transactions: BlockTransactions
  readonly #grids: Map<string, BlockGrid>
  readonly #claims: Mirror<BlockRecord>

  constructor(options: AddressBlocksOptions) {
    const { store, node, network, changed = () => undefined, wanted = () => undefined, isLoss } = options
    this.#options = {
      random: Math.random,
      refused: () => undefined,
      elsewhere: nowhere,
      held: () => undefined,
      heldHere: () => undefined,
      ...options,
    }
    this.transactions = new BlockTransactions(this.#options)
    this.#grids = new Map(
      network.subnets.map((spec) => [spec.subnet, new BlockGrid(spec, network.blockBits)]),
    )
    this.#claims = new Mirror({
      store,
      prefix: keys.blocks(network.id),
      parse: readBlockRecord,
      // Whose the blocks were that are not put back yet.
      ...(isLoss && { isLoss }),
      changed: (changes) => {
        if (changes.some(({ before, after }) => !isUnplugged(after ?? before))) changed()
        for (const { after } of changes)
          if (after !== undefined && isWish(after) && after.wantedBy !== node)
            wanted(after.ofSubnet, after.block)
      },
    })
  }

  /** Follows what all nodes claim, until the signal aborts. Called once. */
  follow(signal: AbortSignal): Promise<void> {
    return this.#claims.follow(signal)
  }

  /** Settles when the store was read; rejects when the signal aborts first. */
  current(signal: AbortSignal): Promise<void> {
    return this.#claims.current(signal)
  }

  /** Of the store, when it was last heard of. */
  get revision(): number {
    return this.#claims.revision
  }

  /** Names of this node's blocks of a subnet. */
  own(subnet: string): string[] {
    return this.#of(subnet, (node) => node === this.#options.node)
  }

  /** Subnets and blocks that this node has asked for, as far as is known. */
  get wishes(): string[] {
    const wishes = [...this.#claims.records.values()].filter(isWish)
    const own = wishes.filter(({ wantedBy }) => wantedBy === this.#options.node)
    return own.map(({ ofSubnet, block }) => block ?? ofSubnet)
  }

  /** The node that has the block, as far as is known. */
  ownerOf(block: string): string | undefined {
    const claim = this.#claims.records.get(block)
    return isBlock(claim) ? claim.node : undefined
  }

  /**
   * Takes one more block of a subnet, and says that this node holds the network. Throws `addressesExhausted` with the
   * use per node, `notFound` when the network is gone, and what the store throws.
   */
  async claim(subnet: string, limits: ClaimLimits = {}): Promise<string> {
    const lost = new Set<string>()
    for (let tries = 0; tries < mostTries; tries++) {
      const taken = new Set([...this.#taken(), ...lost])
      const free = this.#grid(subnet).free(taken, choice)
      const block = free[Math.floor(this.#options.random() * free.length)]
      if (block === undefined) throw this.#exhausted(subnet)
      if (await this.transactions.take({ block, subnet }, limits)) return block
      lost.add(block)
    }
    throw new ConetError('overloaded', `${this.#what(subnet)}: other nodes came first, each time`, {
      details: { subnet },
      help: 'try again in a moment',
    })
  }

  /** Whether a block is free, as far as is known. */
  hasFree(subnet: string): boolean {
    return this.#grid(subnet).free(this.#taken(), 1).length > 0
  }

  /** Takes the block of an address that somebody asked for. Throws `addressInUse` with the node that has it. */
  async claimFor(address: string, subnet: string, limits: ClaimLimits = {}): Promise<string> {
    const block = this.#grid(subnet).nameOf(address)
    const node = await this.#options.elsewhere.holderOf(block, limits)
    if (node !== undefined) throw blockOf(node, { block, address })
    await this.#takeOrName(block, { address, subnet }, limits)
    return block
  }

  /** Takes a block again that was this node's. Throws `addressInUse` with the node that has it now. */
  restore(block: string, subnet: string, limits: ClaimLimits): Promise<void> {
    return this.#takeOrName(block, { address: block, subnet }, limits)
  }

  async #takeOrName(
    block: string,
    { address, subnet }: { address: string; subnet: string },
    limits: ClaimLimits,
  ): Promise<void> {
    if (await this.transactions.take({ block, subnet }, limits)) return
    const entry = await this.#options.store.get(keys.block(this.#options.network.id, block), limits)
    const node = entry === undefined ? undefined : readBlock(entry.value)?.node
    if (node !== this.#options.node) throw blockOf(node, { block, address })
  }

  /** Writes for other nodes what the store lacks of the blocks that they have, as far as is known here. May be repeated. */
  async speakFor(nodes: ReadonlySet<string>, limits: RegisteredLimits): Promise<void> {
    const { store, network } = this.#options
    const { entries } = await store.list(keys.blocks(network.id), limits)
    const present = new Set(entries.map(({ key }) => key))
    for (const [block, claim] of this.#claims.records)
      if (isBlock(claim) && nodes.has(claim.node) && !present.has(keys.block(network.id, block)))
        await this.transactions.putFor(block, claim, limits)
  }

  /** Of each node: how many blocks of the subnet it has. */
  use(subnet: string): Record<string, number> {
    const use: Record<string, number> = {}
    for (const record of this.#claims.records.values())
      if (isBlock(record) && record.subnet === subnet) use[record.node] = (use[record.node] ?? 0) + 1
    return use
  }

  /** Names of blocks that somebody has, or is about to say that he has. */
  #taken(): Set<string> {
    return new Set([...this.#claims.records.keys(), ...this.#options.elsewhere.blocks])
  }

  #grid(subnet: string): BlockGrid {
    const grid = this.#grids.get(subnet)
    if (grid === undefined) throw new Error(`network ${this.#options.network.id} has no subnet ${subnet}`)
    return grid
  }

  #of(subnet: string, isWanted: (node: string) => boolean): string[] {
    return [...this.#claims.records]
      .filter(([, claim]) => isBlock(claim) && claim.subnet === subnet && isWanted(claim.node))
      .map(([block]) => block)
  }

  #what(subnet: string): string {
    return `take a block of ${subnet} of network ${this.#options.network.name}`
  }

  #exhausted(subnet: string): ConetError {
    const use = this.use(subnet)
    const free = this.#free(subnet)
    const words = Object.entries(use).map(([node, count]) => {
      const left = free?.[node]
      return `${node} has ${count}${left === undefined ? '' : ` (${left} ${left === 1 ? 'address' : 'addresses'} free)`}`
    })
    const { network } = this.#options
    const roomOf = `conet net inspect ${network.name}`
    return new ConetError('addressesExhausted', `${this.#what(subnet)}: none is free: ${words.join(', ')}`, {
      details: {
        ...{ subnet, blocks: use, blockSize: Number(this.#grid(subnet).blockSize) },
        ...(free && { freeAddresses: free }),
      },
      help: `plug on a host that has addresses free in its blocks (${roomOf}), free a whole block by unplugging all that is in it, or create a network with a larger subnet; what a host has that is gone for good is freed by: conet node rm NAME --fenced`,
    })
  }

  /** Of each node: addresses of its blocks that no endpoint has, plugged or not. */
  #free(subnet: string): Record<string, number> | undefined {
    const plugged = this.#options.held(subnet)
    if (plugged === undefined) return undefined
    const held = { ...plugged }
    for (const { unpluggedOf: node, addresses } of [...this.#claims.records.values()].filter(isUnplugged))
      held[node] = (held[node] ?? 0) + (addresses[subnet] ?? 0)
    const here = this.#options.heldHere(subnet)
    if (here !== undefined) held[this.#options.node] = here
    const freeOf = (node: string) => {
      const blocks = this.#of(subnet, (owner) => owner === node)
      const capacity = blocks.reduce((sum, block) => sum + Number(this.#grid(subnet).capacityOf(block)), 0)
      return Math.max(0, capacity - (held[node] ?? 0))
    }
    return Object.fromEntries(Object.keys(this.use(subnet)).map((node) => [node, freeOf(node)]))
  }
}

function blockOf(node: string | undefined, { block, address }: { block: string; address: string }) {
  return new ConetError('addressInUse', `reserve address ${address}: its block belongs to node ${node}`, {
    details: { address, node, block },
    help: `plug the container on node ${node}, or ask for an address of a block that is this node’s`,
  })
}
