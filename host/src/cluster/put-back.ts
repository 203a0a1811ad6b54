// What a store that has lost something gets back of this node: networks, and what the node has of them; and what it knows of
// nodes that are not there to do so.
import type { RegisteredLimits } from './claim-transaction.ts'
import type { ClusterListener, EndpointUse } from './cluster-listener.ts'
import type { HeldNetworks } from './held-networks.ts'
import { keys } from './keys.ts'
import type { KnownNodes } from './known-nodes.ts'
import type { MemberPublisher } from './member-publisher.ts'
import { NetworkGrid } from './network-grid.ts'
import type { NetworksInUse } from './networks-in-use.ts'
import type { NodePresence } from './node-presence.ts'
import type { OwnBlockRecord } from './own-blocks.ts'
import type { PutBackConflict } from './put-back-again.ts'
import { putNetworkBack } from './put-network-back.ts'
import { putNodesBack } from './put-nodes-back.ts'
import type { SharedBlock, SharedNetwork, SharedNode } from './records.ts'
import type { CallLimits, Condition, SharedStore } from './shared-store.ts'

export type PutBackOptions = {
  readonly store: SharedStore
  readonly node: string
  readonly presence: Pick<NodePresence, 'confirmed'>
  readonly blocks: Pick<OwnBlockRecord, 'all' | 'has' | 'of'>
  readonly nodes: Pick<KnownNodes, 'putRemovalsBack'>
  readonly networks: Pick<NetworksInUse, 'putBack' | 'speakFor'>
  readonly publisher: Pick<MemberPublisher, 'doubt'>
  readonly held: Pick<HeldNetworks, 'tell'>
  /** Undefined before the node has started. */
  listener(): Pick<ClusterListener, 'networksOnRecord' | 'inUse'> | undefined
}

/** Of one transaction, below what etcd takes. */
const blocksAtOnce = 100

export class PutBack {
  readonly #options: PutBackOptions

  constructor(options: PutBackOptions) {
    this.#options = options
  }

  /** What endpoints of this node have in a network. */
  inUse(networkId: string): EndpointUse {
    return this.#options.listener()?.inUse(networkId) ?? { addresses: [], macAddresses: [] }
  }

  /**
   * Networks in which something of this node's is another's, or nobody's, without a loss of the store: endpoints have addresses
   * in blocks that are not on record here, or the store does not have those on record as this node's.
   */
  async missing(limits: CallLimits): Promise<Set<string>> {
    const networks = this.#networks
    const missing = new Set(networks.filter((network) => this.#usesForeign(network)).map(({ id }) => id))
    for (const { id } of networks)
      if (!missing.has(id) && (await this.#lacksBlocks(id, limits))) missing.add(id)
    return missing
  }

  /** Another host has put back its own. */
  #usesForeign(network: SharedNetwork): boolean {
    const used = new NetworkGrid(network).blocksOf(this.inUse(network.id).addresses)
    return used.some(({ block }) => !this.#options.blocks.has(network.id, block))
  }

  /** Somebody has changed what the store says of them. A network that is gone lacks nothing. */
  async #lacksBlocks(networkId: string, limits: CallLimits): Promise<boolean> {
    const { store, node, blocks } = this.#options
    const own = blocks.of(networkId)
    for (let from = 0; from < own.length; from += blocksAtOnce) {
      const conditions = own.slice(from, from + blocksAtOnce).map(({ block, subnet }): Condition => {
        const claim: SharedBlock = { node, subnet }
        return { is: keys.block(networkId, block), value: JSON.stringify(claim) }
      })
      const { committed } = await store.commit(conditions, [], limits)
      if (!committed) return (await store.get(keys.network(networkId), limits)) !== undefined
    }
    return false
  }

  /** All that this node has, or that of these networks, where others had something. Resolves to what they have. May be repeated. */
  async run(limits: CallLimits, networkIds?: ReadonlySet<string>): Promise<PutBackConflict[]> {
    const { presence } = this.#options
    const condition = await presence.confirmed('put back what this node has', limits)
    if (networkIds === undefined) return this.#all({ ...limits, condition })
    const networks = this.#networks.filter(({ id }) => networkIds.has(id))
    return this.#networksBack(networks, { ...limits, condition })
  }

  async #all(limits: RegisteredLimits): Promise<PutBackConflict[]> {
    const { nodes, publisher, held } = this.#options
    // First: what they had in a copy from before may be this node's since.
    await nodes.putRemovalsBack(limits)
    const conflicts = await this.#networksBack(this.#networks, limits)
    publisher.doubt()
    // What it has given back since is in an older copy still.
    void held.tell()
    return conflicts
  }

  async #networksBack(
    all: readonly SharedNetwork[],
    { condition, ...limits }: RegisteredLimits,
  ): Promise<PutBackConflict[]> {
    const { store, blocks, networks } = this.#options
    const conflicts: PutBackConflict[] = []
    for (const network of all) {
      const { id: networkId } = network
      const found = await putNetworkBack(store, network, { ...limits, condition })
      const inUse = this.inUse(networkId)
      if (inUse.addresses.length > 0 || blocks.all(networkId).length > 0)
        found.push(...(await networks.putBack(network, inUse, limits)))
      conflicts.push(...found.map((what) => ({ networkId, what })))
    }
    return conflicts
  }

  /** May be repeated. */
  async speakFor(absent: readonly SharedNode[], limits: CallLimits): Promise<void> {
    const { store, presence, networks } = this.#options
    const condition = await presence.confirmed('put back what nodes have that are not back', limits)
    await putNodesBack(store, absent, { ...limits, condition })
    await networks.speakFor(new Set(absent.map(({ name }) => name)), { ...limits, condition })
  }

  get #networks(): SharedNetwork[] {
    return this.#options.listener()?.networksOnRecord() ?? []
  }
}
