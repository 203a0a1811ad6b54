// A network of the cluster on a node that uses it: the blocks of addresses that the node has of it. Follows the store only
// while it is used here.
import type { Logger } from 'pino'
import { AddressBlocks } from './address-blocks.ts'
import { AdoptedBlocks } from './adopted-blocks.ts'
import { BlockClaims } from './block-claims.ts'
import { BlockReturns } from './block-returns.ts'
import type { ClaimGateAccess } from './claim-gate.ts'
import type { RegisteredLimits } from './claim-transaction.ts'
import type { EndpointUse } from './cluster-listener.ts'
import { describeContested } from './describe-contested.ts'
import { ForeignUse } from './foreign-use.ts'
import { MacClaims } from './mac-claims.ts'
import { MacsHere } from './macs-here.ts'
import { NetworkGrid } from './network-grid.ts'
import { endpointOf, NetworkPeers } from './network-peers.ts'
import { NetworkTurns } from './network-turns.ts'
import type { OwnBlockRecord } from './own-blocks.ts'
import { OwnWishes } from './own-wishes.ts'
import { ClaimsPutBack } from './put-claims-back.ts'
import type { SharedNetwork, SharedNode } from './records.ts'
import type { CallLimits, Condition, SharedStore } from './shared-store.ts'
import { StepBack } from './step-back.ts'

export type NetworkHereOptions = {
  readonly store: SharedStore
  readonly node: string
  readonly underlayAddress?: string | undefined
  readonly network: Pick<SharedNetwork, 'id' | 'name' | 'subnets' | 'blockBits'>
  readonly own: Pick<OwnBlockRecord, 'has' | 'all' | 'of' | 'add' | 'remove' | 'noteForeign'>
  /** Of all that others may have. */
  readonly gate: ClaimGateAccess
  /** What every write depends on; throws while the node is not registered. */
  registered(what: string, limits: CallLimits): Promise<Condition>
  /** A write was refused because the condition did not hold. */
  refused(): void
  /** A block that the store says is this node's is not on record here; tried again when the blocks change. */
  adoptionFailed(reason: unknown): void
  /** There is something new to tell of the endpoints on other nodes. */
  peersChanged(): void
  /** Endpoints of this node have what is another's by right: they are to let it go. */
  lost(endpointIds: readonly string[]): void
  /** An operator has removed the node, and it has not found out. */
  isRemoved(node: SharedNode): boolean
  readonly log: Pick<Logger, 'debug'>
  /** Another node needs a block of the subnet, and none is free, or that very block. */
  blockWanted(subnet: string, block?: string): void
  /** Whether the store is the one that is known; else what is missing there is put back. Rejects when that cannot be known. */
  assureWhole(): Promise<void>
  /** Whether the store has lost something just now. Rejects as `assureWhole`. */
  isLoss(): Promise<boolean>
}

export class NetworkHere {
  readonly #options: NetworkHereOptions
  readonly #blocks: AddressBlocks
  readonly #ending = new AbortController()
  readonly #following: Promise<unknown>
  /** Who is on the other nodes. */
  readonly peers: NetworkPeers
  /** Those that somebody asked for. */
  readonly macs: MacsHere
  readonly #turns: NetworkTurns
  readonly #returns: BlockReturns
  readonly #wishes: OwnWishes
  readonly #claims: BlockClaims
  readonly #foreign: ForeignUse
  readonly #putBack: ClaimsPutBack
  readonly #adopted: AdoptedBlocks
  readonly #stepBack: StepBack
  readonly #grid: NetworkGrid

  constructor(options: NetworkHereOptions) {
    const { store, node, underlayAddress, network, own, refused, peersChanged, blockWanted, isLoss } = options
    const { id: networkId } = network
    this.#options = options
    this.#grid = new NetworkGrid(network)
    this.#turns = new NetworkTurns({ ...options, network: network.name })
    const changed = () => {
      this.#adopted.blocksChanged()
      this.#claims.blocksChanged()
      this.#wishes.blocksChanged()
      this.peers.blocksChanged()
      this.#stepBack.look()
    }
    this.peers = new NetworkPeers({
      ...{ store, networkId, node, underlayAddress, isLoss, changed: peersChanged },
      ownerOf: (address) => this.#ownerOf(address),
      noted: (changes) => {
        this.#foreign.note(changes)
        this.#claims.blocksChanged()
        this.#stepBack.look()
      },
    })
    const others = () => this.peers.others()
    this.#foreign = new ForeignUse({ store, networkId, grid: this.#grid, own, others })
    const common = { store, node, network, refused }
    const elsewhere = this.#foreign
    const held = (subnet: string) => this.peers.addressesIn(subnet)
    this.#blocks = new AddressBlocks({ ...common, isLoss, changed, elsewhere, held, wanted: blockWanted })
    const macs = new MacClaims(common)
    this.macs = new MacsHere({ claims: macs, turns: this.#turns, network: network.name })
    const { signal } = this.#ending
    this.#wishes = this.#openWishes()
    const [blocks, wishes] = [this.#blocks, this.#wishes]
    const keep = (block: string, subnet: string) => this.#keep(block, subnet)
    this.#putBack = new ClaimsPutBack({ networkId, blocks, wishes, macs, own, keep })
    this.#claims = this.#openClaims()
    this.#returns = this.#openReturns(macs)
    this.#adopted = this.#openAdopted()
    this.#stepBack = this.#openStepBack()
    this.#following = Promise.all([this.#blocks.follow(signal), this.peers.follow(signal)])
  }

  /** Something is being done to the blocks, or waits for it. */
  get isBusy(): boolean {
    return this.#turns.isBusy
  }

  /** As `BlockClaims`. */
  claim(subnet: string): Promise<void> {
    return this.#claims.claim(subnet)
  }

  /** As `BlockClaims`. */
  recall(subnet: string): Promise<void> {
    return this.#claims.recall(subnet)
  }

  /** As `BlockClaims`. */
  claimFor(address: string, subnet: string, limits: CallLimits): Promise<void> {
    return this.#claims.claimFor(address, subnet, limits)
  }

  /** As `BlockReturns`. */
  giveBack(block: string, isEmpty: () => boolean, limits: CallLimits): Promise<void> {
    return this.#returns.giveBack(block, isEmpty, limits)
  }

  /** As `BlockReturns`. */
  letGo(isUnused: () => boolean, limits: CallLimits): Promise<boolean> {
    return this.#returns.letGo(isUnused, limits)
  }

  /** Of each node: how many blocks of the subnet it has. */
  use(subnet: string): Record<string, number> {
    return this.#blocks.use(subnet)
  }

  /**
   * After the store has lost something: what it says is this node's, and is neither on record nor in use here, belongs to
   * whoever claimed it since; what is on record is written again. Resolves to what others have there. May be repeated.
   */
  putBack(inUse: EndpointUse, limits: CallLimits): Promise<string[]> {
    return this.#turns.run(async () => {
      const { network } = this.#options
      const blocks = this.#grid.blocksOf(inUse.addresses)
      const condition = await this.#turns.registered(limits)
      const there = await this.#returns.mine(limits)
      await this.#returns.giveBackStrange(there, blocks, { ...limits, condition })
      const used = { blocks, macAddresses: inUse.macAddresses }
      const conflicts = await this.#putBack.run(there, used, { ...limits, condition })
      this.#foreign.compare()
      return conflicts.map((conflict) => `${conflict} (network ${network.name})`)
    })
  }

  /** What this node and another one both use, for people. */
  contested({ addresses, macAddresses }: EndpointUse): string[] {
    const { own, network, node } = this.#options
    return describeContested({
      ...{ network: network.name, node, addresses, grid: this.#grid, members: this.peers.all },
      foreign: this.#foreign.described(),
      lostMacs: [...this.#putBack.lostMacs].filter(([mac]) => macAddresses.includes(mac)),
      ownerOf: (block) => (own.has(network.id, block) ? node : this.#blocks.ownerOf(block)),
    })
  }

  /** What the nodes had of the network, as far as is known here, is written to a store that lacks it. May be repeated. */
  speakFor(nodes: ReadonlySet<string>, limits: RegisteredLimits): Promise<void> {
    return this.#turns.run(() => this.#blocks.speakFor(nodes, limits))
  }

  async close(): Promise<void> {
    this.#ending.abort()
    await this.#following
    await this.#turns.idle()
  }

  #ownerOf(address: string): string | undefined {
    const of = this.#grid.blockOf(address)
    return of && this.#blocks.ownerOf(of.block)
  }

  #openWishes(): OwnWishes {
    return new OwnWishes({
      transactions: this.#blocks.transactions,
      inStore: () => this.#blocks.wishes,
      registered: this.#turns.registered,
      signal: this.#ending.signal,
    })
  }

  #openReturns(macs: MacClaims): BlockReturns {
    const { store, node, network, own, refused } = this.#options
    const { transactions } = this.#blocks
    const { run, registered } = this.#turns
    const { signal } = this.#ending
    const common = { store, node, network, own, refused, transactions }
    return new BlockReturns({ ...common, macs, run, registered, signal })
  }

  #openClaims(): BlockClaims {
    const { run, registered, gate } = this.#turns
    return new BlockClaims({
      ...{ blocks: this.#blocks, wishes: this.#wishes, run, registered, gate },
      network: this.#options.network.name,
      keep: (block, subnet) => this.#keep(block, subnet),
      signal: this.#ending.signal,
    })
  }

  #openAdopted(): AdoptedBlocks {
    const { network, own, assureWhole, adoptionFailed: failed } = this.#options
    const { signal } = this.#ending
    return new AdoptedBlocks({
      ...{ network, own, blocks: this.#blocks, assureWhole, failed },
      run: this.#turns.run,
      isNewerThanOwn: () => !signal.aborted && this.#returns.isKnownAt(this.#blocks.revision),
      mine: () => this.#returns.mine({ signal }),
      keep: (block, subnet) => this.#keep(block, subnet),
    })
  }

  #openStepBack(): StepBack {
    const { store, network, assureWhole, lost, isRemoved, log } = this.#options
    return new StepBack({
      ...{ store, networkId: network.id, assureWhole, isRemoved, log, signal: this.#ending.signal },
      disputes: () => this.peers.disputes(),
      blockOf: (claim) => this.#grid.blockOf(claim),
      lost: (keys) => lost(keys.map(endpointOf)),
    })
  }

  /** What was under way when an operator removed the node, or the network went, comes too late: it was given to others. */
  #keep(block: string, subnet: string): void {
    if (this.#ending.signal.aborted) return
    this.#options.own.add({ networkId: this.#options.network.id, subnet, block })
    this.#foreign.compare()
  }
}
