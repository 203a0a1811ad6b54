// Which blocks of a network's subnets this node hands addresses out of. A block is claimed in one transaction, and is the
// node's alone until it gives it back; who is cut off from the store goes on with what it has.
import { randomUUID } from 'node:crypto'
import { ConetError } from '@conet/sdk'
import { BlockGrid } from '../ipam/block-grid.ts'
import { keys } from './keys.ts'
import { Mirror } from './mirror.ts'
import { holding } from './node-holdings.ts'
import { BlockWish, reader, SharedBlock, type SharedNetwork } from './records.ts'
import type { CallLimits, Condition, SharedStore } from './shared-store.ts'

/** Among so many free blocks a node takes one by chance, so that nodes that come at once seldom meet. */
const choice = 16
const mostTries = 64

export type AddressBlocksOptions = {
  readonly store: Pick<SharedStore, 'get' | 'list' | 'commit' | 'watch'>
  readonly node: string
  readonly network: Pick<SharedNetwork, 'id' | 'name' | 'subnets' | 'blockBits'>
  readonly random?: () => number
  /** Somebody has taken blocks or given them back. It must not throw. */
  changed?(): void
  /** Another node needs a block of the subnet, and none is free. It must not throw. */
  wanted?(subnet: string): void
  /** The store does not take what is written, because this node is not registered any more. */
  refused?(): void
}

/** `condition`: that this node is registered. */
type ClaimLimits = CallLimits & { readonly condition?: Condition }

export class AddressBlocks {
  readonly #options: Required<Omit<AddressBlocksOptions, 'changed' | 'wanted'>>
  readonly #grids: Map<string, BlockGrid>
  readonly #claims: Mirror<SharedBlock | BlockWish>

  constructor(options: AddressBlocksOptions) {
    const { store, node, network, changed = () => undefined, wanted = () => undefined } = options
    this.#options = { random: Math.random, refused: () => undefined, ...options }
    this.#grids = new Map(
      network.subnets.map((spec) => [spec.subnet, new BlockGrid(spec, network.blockBits)]),
    )
    this.#claims = new Mirror({
      store,
      prefix: keys.blocks(network.id),
      parse: (text) => readBlock(text) ?? readWish(text),
      changed: (changes) => {
        changed()
        for (const { after } of changes)
          if (after !== undefined && isWish(after) && after.wantedBy !== node) wanted(after.ofSubnet)
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

  /**
   * Takes one more block of a subnet, and says that this node holds the network. Throws `addressesExhausted` with the
   * use per node, `notFound` when the network is gone, and what the store throws.
   */
  async claim(subnet: string, limits: ClaimLimits = {}): Promise<string> {
    const lost = new Set<string>()
    for (let tries = 0; tries < mostTries; tries++) {
      const taken = new Set([...this.#claims.records.keys(), ...lost])
      const free = this.#grid(subnet).free(taken, choice)
      const block = free[Math.floor(this.#options.random() * free.length)]
      if (block === undefined) throw this.#exhausted(subnet)
      if (await this.#take(subnet, block, limits)) return block
      lost.add(block)
    }
    throw new ConetError('overloaded', `${this.#what(subnet)}: other nodes came first, each time`)
  }

  /** Whether a block is free, as far as is known. */
  hasFree(subnet: string): boolean {
    return this.#grid(subnet).free(new Set(this.#claims.records.keys()), 1).length > 0
  }

  /**
   * Every node that has an empty block of the subnet is asked to give it back, until `unask`. Each time it is another
   * wish, whatever was left of the last. Throws as `claim`.
   */
  async ask(subnet: string, { condition, ...limits }: CallLimits & { condition: Condition }): Promise<void> {
    const { store, node, network } = this.#options
    const wish: BlockWish = { wantedBy: node, ofSubnet: subnet, id: randomUUID() }
    const { committed } = await store.commit(
      [{ present: keys.network(network.id) }, condition],
      [{ put: keys.wish(network.id, node, subnet), value: JSON.stringify(wish) }],
      limits,
    )
    if (committed) return
    await this.#assertNetwork(subnet, limits)
    throw this.#notRegistered()
  }

  unask(subnet: string, limits: CallLimits = {}): Promise<unknown> {
    const { store, node, network } = this.#options
    return store.commit([], [{ delete: keys.wish(network.id, node, subnet) }], limits)
  }

  /** Takes the block of an address that somebody asked for. Throws `addressInUse` with the node that has it. */
  async claimFor(address: string, subnet: string, limits: ClaimLimits = {}): Promise<string> {
    const block = this.#grid(subnet).nameOf(address)
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
    if (await this.#take(subnet, block, limits)) return
    const entry = await this.#options.store.get(keys.block(this.#options.network.id, block), limits)
    const node = entry === undefined ? undefined : readBlock(entry.value)?.node
    if (node === this.#options.node) return
    throw new ConetError('addressInUse', `reserve address ${address}: its block belongs to node ${node}`, {
      details: { address, node, block },
      help: `plug the container on node ${node}, or ask for an address of a block that is this node’s`,
    })
  }

  /** Its addresses may be handed out by others from now on. May be repeated. Resolves to the store's revision then. */
  async giveBack(block: string, { condition, ...limits }: ClaimLimits = {}): Promise<number> {
    const { store, network } = this.#options
    const conditions = condition === undefined ? [] : [condition]
    const change = { delete: keys.block(network.id, block) }
    const { committed, revision } = await store.commit(conditions, [change], limits)
    if (!committed) throw this.#notRegistered()
    return revision
  }

  /** Of each node: how many blocks of the subnet it has. */
  use(subnet: string): Record<string, number> {
    const use: Record<string, number> = {}
    for (const record of this.#claims.records.values())
      if (!isWish(record) && record.subnet === subnet) use[record.node] = (use[record.node] ?? 0) + 1
    return use
  }

  async #take(subnet: string, block: string, { condition, ...limits }: ClaimLimits): Promise<boolean> {
    const { store, node, network } = this.#options
    const record: SharedBlock = { node, subnet }
    const { committed } = await store.commit(
      [
        { present: keys.network(network.id) },
        { absent: keys.block(network.id, block) },
        ...(condition === undefined ? [] : [condition]),
      ],
      [{ put: keys.block(network.id, block), value: JSON.stringify(record) }, ...holding(network.id, node)],
      limits,
    )
    if (committed) return true
    const other = await store.get(keys.block(network.id, block), limits)
    await this.#assertNetwork(subnet, limits)
    if (other === undefined && condition !== undefined) throw this.#notRegistered()
    return false
  }

  async #assertNetwork(subnet: string, limits: CallLimits): Promise<void> {
    const { store, network } = this.#options
    if ((await store.get(keys.network(network.id), limits)) !== undefined) return
    throw new ConetError('notFound', `${this.#what(subnet)}: the network is gone`, {
      details: { networkId: network.id },
    })
  }

  #notRegistered(): ConetError {
    this.#options.refused()
    const { node, network } = this.#options
    return new ConetError(
      'clusterUnavailable',
      `change the blocks of network ${network.name}: node ${node} is not registered any more`,
      { operationState: 'not-started' },
    )
  }

  #grid(subnet: string): BlockGrid {
    const grid = this.#grids.get(subnet)
    if (grid === undefined) throw new Error(`network ${this.#options.network.id} has no subnet ${subnet}`)
    return grid
  }

  #of(subnet: string, isWanted: (node: string) => boolean): string[] {
    return [...this.#claims.records]
      .filter(([, claim]) => !isWish(claim) && claim.subnet === subnet && isWanted(claim.node))
      .map(([block]) => block)
  }

  #what(subnet: string): string {
    return `take a block of ${subnet} of network ${this.#options.network.name}`
  }

  #exhausted(subnet: string): ConetError {
    const use = this.use(subnet)
    const words = Object.entries(use).map(([node, count]) => `${node} has ${count}`)
    const { network } = this.#options
    const roomOf = `conet net inspect ${network.name}`
    return new ConetError('addressesExhausted', `${this.#what(subnet)}: none is free: ${words.join(', ')}`, {
      details: { subnet, blocks: use, blockSize: Number(this.#grid(subnet).blockSize) },
      help: `plug on a host that has room in its blocks (${roomOf}), free a whole block by unplugging all that is in it, or create a network with a larger subnet; what a host has that is gone for good is freed by: conet node rm NAME --fenced`,
    })
  }
}

const readBlock = reader(SharedBlock)
const readWish = reader(BlockWish)

function isWish(record: SharedBlock | BlockWish): record is BlockWish {
  return 'wantedBy' in record
}
