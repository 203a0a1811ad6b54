// What a store that has lost something gets back of this node: networks, and what the node has of them; and what it knows of
// nodes that are not there to do so.

import type { RegisteredLimits } from './claim-transaction.ts'
import type { ClusterListener, EndpointUse } from './cluster-listener.ts'
import type { HeldNetworks } from './held-networks.ts'
import type { KnownNodes } from './known-nodes.ts'
import type { MemberPublisher } from './member-publisher.ts'
import { NetworkGrid } from './network-grid.ts'
import type { NetworksInUse } from './networks-in-use.ts'
import type { NodePresence } from './node-presence.ts'
import type { OwnBlockRecord } from './own-blocks.ts'
import type { PutBackConflict } from './put-back-again.ts'
import { putNetworkBack } from './put-network-back.ts'
import { putNodesBack } from './put-nodes-back.ts'
import type { SharedNetwork, SharedNode } from './records.ts'
import type { CallLimits, SharedStore } from './shared-store.ts'

export type PutBackOptions = {
  readonly store: SharedStore
  readonly presence: Pick<NodePresence, 'confirmed'>
  readonly blocks: Pick<OwnBlockRecord, 'all' | 'has'>
  readonly nodes: Pick<KnownNodes, 'putRemovalsBack'>
  readonly networks: Pick<NetworksInUse, 'putBack' | 'speakFor'>
  readonly publisher: Pick<MemberPublisher, 'doubt'>
  readonly held: Pick<HeldNetworks, 'tell'>
  /** Undefined before the node has started. */
  listener(): Pick<ClusterListener, 'networksOnRecord' | 'inUse'> | undefined
}

export class PutBack {
  readonly #options: PutBackOptions

  constructor(options: PutBackOptions) {
    this.#options = options
  }

  /** What endpoints of this node have in a network. */
  inUse(networkId: string): EndpointUse {
    return this.#options.listener()?.inUse(networkId) ?? { addresses: [], macAddresses: [] }
  }

  /** Networks of which endpoints here have addresses in blocks that are not this node's: another host has put back its own. */
  get missing(): Set<string> {
    const { blocks } = this.#options
    const missing = this.#networks.filter((network) => {
      const used = new NetworkGrid(network).blocksOf(this.inUse(network.id).addresses)
      return used.some(({ block }) => !blocks.has(network.id, block))
    })
    return new Set(missing.map(({ id }) => id))
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
