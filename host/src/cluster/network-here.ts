// A network of the cluster on a node that uses it: the blocks of addresses that the node has of it. Follows the store only
// while it is used here.
import type { RegisteredLimits } from './claim-transaction.ts'
import type { EndpointUse } from './cluster-listener.ts'
import { describeContested } from './describe-contested.ts'
import type { MacsHere } from './macs-here.ts'
import { NetworkParts, type NetworkPartsOptions } from './network-parts.ts'
import type { NetworkPeers } from './network-peers.ts'
import type { CallLimits } from './shared-store.ts'

export type NetworkHereOptions = Omit<NetworkPartsOptions, 'signal'>

export class NetworkHere {
  readonly #options: NetworkHereOptions
  readonly #parts: NetworkParts
  readonly #ending = new AbortController()
  readonly #following: Promise<unknown>

  constructor(options: NetworkHereOptions) {
    this.#options = options
    this.#parts = new NetworkParts({ ...options, signal: this.#ending.signal })
    this.#following = this.#parts.follow()
  }

  /** Who is on the other nodes. */
  get peers(): NetworkPeers {
    return this.#parts.peers
  }

  /** Those that somebody asked for. */
  get macs(): MacsHere {
    return this.#parts.macs
  }

  /** Something is being done to the blocks, or waits for it. */
  get isBusy(): boolean {
    return this.#parts.turns.isBusy
  }

  /** As `BlockClaims`. */
  claim(subnet: string): Promise<void> {
    return this.#parts.claims.claim(subnet)
  }

  /** As `BlockClaims`. */
  recall(subnet: string): Promise<void> {
    return this.#parts.claims.recall(subnet)
  }

  /** As `BlockClaims`. */
  claimFor(address: string, subnet: string, limits: CallLimits): Promise<void> {
    return this.#parts.claims.claimFor(address, subnet, limits)
  }

  /** As `BlockReturns`. */
  giveBack(block: string, isEmpty: () => boolean, limits: CallLimits): Promise<void> {
    return this.#parts.returns.giveBack(block, isEmpty, limits)
  }

  /** As `BlockReturns`. */
  letGo(isUnused: () => boolean, limits: CallLimits): Promise<boolean> {
    return this.#parts.returns.letGo(isUnused, limits)
  }

  /** Of each node: how many blocks of the subnet it has. */
  use(subnet: string): Record<string, number> {
    return this.#parts.blocks.use(subnet)
  }

  /**
   * After the store has lost something: what it says is this node's, and is neither on record nor in use here, belongs to
   * whoever claimed it since; what is on record is written again. Resolves to what others have there. May be repeated.
   */
  putBack(inUse: EndpointUse, limits: CallLimits): Promise<string[]> {
    return this.#parts.turns.run(async () => {
      const { grid, turns, returns, putBack, foreign } = this.#parts
      const blocks = grid.blocksOf(inUse.addresses)
      const condition = await turns.registered(limits)
      const there = await returns.mine(limits)
      await returns.giveBackStrange(there, blocks, { ...limits, condition })
      const used = { blocks, macAddresses: inUse.macAddresses }
      const conflicts = await putBack.run(there, used, { ...limits, condition })
      foreign.compare()
      return conflicts.map((conflict) => `${conflict} (network ${this.#options.network.name})`)
    })
  }

  /** What this node and another one both use, for people. */
  contested({ addresses, macAddresses }: EndpointUse): string[] {
    const { own, network, node } = this.#options
    const { grid, peers, foreign, putBack, blocks } = this.#parts
    return describeContested({
      ...{ network: network.name, node, addresses, grid, members: peers.all },
      foreign: foreign.described(),
      lostMacs: [...putBack.lostMacs].filter(([mac]) => macAddresses.includes(mac)),
      ownerOf: (block) => (own.has(network.id, block) ? node : blocks.ownerOf(block)),
    })
  }

  /** What the nodes had of the network, as far as is known here, is written to a store that lacks it. May be repeated. */
  speakFor(nodes: ReadonlySet<string>, limits: RegisteredLimits): Promise<void> {
    return this.#parts.turns.run(() => this.#parts.blocks.speakFor(nodes, limits))
  }

  async close(): Promise<void> {
    this.#ending.abort()
    await this.#following
    await this.#parts.turns.idle()
  }
}
