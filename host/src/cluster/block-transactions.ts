// What a node writes of the blocks of a network's subnets: each in one transaction that holds only while the node is
// registered, and a block is taken only if nobody has it.
import { randomUUID } from 'node:crypto'
import {
  assertNetwork,
  type ClaimingNode,
  type ClaimLimits,
  commitClaim,
  notRegistered,
  type RegisteredLimits,
} from './claim-transaction.ts'
import { keys } from './keys.ts'
import { holding } from './node-holdings.ts'
import type { BlockWish, SharedBlock } from './records.ts'
import type { CallLimits } from './shared-store.ts'

export class BlockTransactions {
  readonly #options: ClaimingNode

  constructor(options: ClaimingNode) {
    this.#options = options
  }

  /** False: somebody has it. Throws `notFound` when the network is gone, and what the gate is to hear. */
  async take({ block, subnet }: { block: string; subnet: string }, limits: ClaimLimits): Promise<boolean> {
    const { store, node, network } = this.#options
    const key = keys.block(network.id, block)
    const record: SharedBlock = { node, subnet }
    const entry = { key, value: JSON.stringify(record) }
    if (await commitClaim(this.#options, entry, limits)) return true
    const other = await store.get(key, limits)
    await this.#assertNetwork(subnet, limits)
    if (other === undefined && limits.condition !== undefined) throw this.#notRegistered()
    return false
  }

  /** Of another node, unless somebody has it. */
  async putFor(block: string, claim: SharedBlock, { condition, ...limits }: RegisteredLimits): Promise<void> {
    const { store, network } = this.#options
    const key = keys.block(network.id, block)
    await store.commit(
      [{ present: keys.network(network.id) }, { present: keys.node(claim.node) }, { absent: key }, condition],
      [{ put: key, value: JSON.stringify(claim) }, ...holding(network.id, claim.node)],
      limits,
    )
  }

  /** Its addresses may be handed out by others from now on. May be repeated. Resolves to the store's revision then. */
  async giveBack(block: string, { condition, ...limits }: ClaimLimits): Promise<number> {
    const { store, network } = this.#options
    const conditions = condition === undefined ? [] : [condition]
    const change = { delete: keys.block(network.id, block) }
    const { committed, revision } = await store.commit(conditions, [change], limits)
    if (!committed) throw this.#notRegistered()
    return revision
  }

  /**
   * Other nodes are asked for an empty block of a subnet, or for a certain one, until `unask`. Each time it is another wish,
   * whatever was left of the last. Throws as `take`.
   */
  async ask(
    { subnet, block }: { subnet: string; block?: string },
    { condition, ...limits }: RegisteredLimits,
  ): Promise<void> {
    const { store, node, network } = this.#options
    const wish: BlockWish = { wantedBy: node, ofSubnet: subnet, ...(block && { block }), id: randomUUID() }
    const { committed } = await store.commit(
      [{ present: keys.network(network.id) }, condition],
      [{ put: keys.wish(network.id, node, block ?? subnet), value: JSON.stringify(wish) }],
      limits,
    )
    if (committed) return
    await this.#assertNetwork(subnet, limits)
    throw this.#notRegistered()
  }

  /** May be repeated. */
  async unask(subnetOrBlock: string, { condition, ...limits }: RegisteredLimits): Promise<void> {
    const { store, node, network } = this.#options
    const change = { delete: keys.wish(network.id, node, subnetOrBlock) }
    const { committed } = await store.commit([condition], [change], limits)
    if (!committed) throw this.#notRegistered()
  }

  #assertNetwork(subnet: string, limits: CallLimits): Promise<void> {
    return assertNetwork(this.#options, `take a block of ${subnet}`, limits)
  }

  #notRegistered() {
    return notRegistered(this.#options, `change the blocks of network ${this.#options.network.name}`)
  }
}
