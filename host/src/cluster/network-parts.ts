// The parts of a network of the cluster on a node that uses it, and which of them hears of what.
import type { Logger } from 'pino'
import { AddressBlocks } from './address-blocks.ts'
import { AdoptedBlocks } from './adopted-blocks.ts'
import { BlockClaims } from './block-claims.ts'
import { BlockReturns } from './block-returns.ts'
import type { ClaimGateAccess } from './claim-gate.ts'
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

export type NetworkPartsOptions = {
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
  /** How many addresses of the subnet endpoints of this node hold, plugged or not. */
  heldHere(subnet: string): number | undefined
  /** Whether the store is the one that is known; else what is missing there is put back. Rejects when that cannot be known. */
  assureWhole(): Promise<void>
  /** Whether the store has lost something just now. Rejects as `assureWhole`. */
  isLoss(): Promise<boolean>
  /** Ends all of them. */
  readonly signal: AbortSignal
}

export class NetworkParts {
  readonly grid: NetworkGrid
  readonly turns: NetworkTurns
  /** Who is on the other nodes. */
  readonly peers: NetworkPeers
  readonly foreign: ForeignUse
  readonly blocks: AddressBlocks
  /** Those that somebody asked for. */
  readonly macs: MacsHere
  readonly claims: BlockClaims
  readonly returns: BlockReturns
  readonly putBack: ClaimsPutBack
  readonly #options: NetworkPartsOptions
  readonly #wishes: OwnWishes
  readonly #adopted: AdoptedBlocks
  readonly #stepBack: StepBack

  constructor(options: NetworkPartsOptions) {
    const { store, node, network, refused } = options
    this.#options = options
    this.grid = new NetworkGrid(network)
    this.turns = new NetworkTurns({ ...options, network: network.name })
    this.peers = this.#openPeers()
    this.foreign = this.#openForeign()
    this.blocks = this.#openBlocks()
    const macs = new MacClaims({ store, node, network, refused })
    this.macs = new MacsHere({ claims: macs, turns: this.turns, network: network.name })
    this.#wishes = this.#openWishes()
    this.putBack = this.#openPutBack(macs)
    this.claims = this.#openClaims()
    this.returns = this.#openReturns(macs)
    this.#adopted = this.#openAdopted()
    this.#stepBack = this.#openStepBack()
  }

  /** Until the signal aborts. Called once. */
  follow(): Promise<unknown> {
    const { signal } = this.#options
    return Promise.all([this.blocks.follow(signal), this.peers.follow(signal)])
  }

  /** Somebody has taken blocks or given them back. */
  #blocksChanged(): void {
    this.#adopted.blocksChanged()
    this.claims.blocksChanged()
    this.#wishes.blocksChanged()
    this.peers.blocksChanged()
    this.#stepBack.look()
  }

  #openPeers(): NetworkPeers {
    const { store, node, underlayAddress, network, isLoss, peersChanged } = this.#options
    return new NetworkPeers({
      ...{ store, networkId: network.id, node, underlayAddress, isLoss, changed: peersChanged },
      ownerOf: (address) => {
        const of = this.grid.blockOf(address)
        return of && this.blocks.ownerOf(of.block)
      },
      noted: (changes) => {
        this.foreign.note(changes)
        this.claims.blocksChanged()
        this.#stepBack.look()
      },
    })
  }

  #openForeign(): ForeignUse {
    const { store, network, own } = this.#options
    const others = () => this.peers.others()
    return new ForeignUse({ store, networkId: network.id, grid: this.grid, own, others })
  }

  #openBlocks(): AddressBlocks {
    const { store, node, network, refused, isLoss, blockWanted, heldHere } = this.#options
    return new AddressBlocks({
      ...{ store, node, network, refused, isLoss, elsewhere: this.foreign, wanted: blockWanted },
      changed: () => this.#blocksChanged(),
      held: (subnet) => this.peers.addressesIn(subnet),
      heldHere,
    })
  }

  #openWishes(): OwnWishes {
    return new OwnWishes({
      transactions: this.blocks.transactions,
      inStore: () => this.blocks.wishes,
      registered: this.turns.registered,
      signal: this.#options.signal,
    })
  }

  #openPutBack(macs: MacClaims): ClaimsPutBack {
    const { network, own } = this.#options
    const { blocks } = this
    return new ClaimsPutBack({
      networkId: network.id,
      blocks,
      wishes: this.#wishes,
      macs,
      own,
      keep: this.#keep,
    })
  }

  #openClaims(): BlockClaims {
    const { run, registered, gate } = this.turns
    const { network, signal } = this.#options
    const common = { blocks: this.blocks, wishes: this.#wishes, run, registered, gate, signal }
    return new BlockClaims({ ...common, network: network.name, keep: this.#keep })
  }

  #openReturns(macs: MacClaims): BlockReturns {
    const { store, node, network, own, refused, signal } = this.#options
    const { transactions } = this.blocks
    const { run, registered } = this.turns
    return new BlockReturns({
      store,
      node,
      network,
      own,
      refused,
      signal,
      transactions,
      macs,
      run,
      registered,
    })
  }

  #openAdopted(): AdoptedBlocks {
    const { network, own, assureWhole, adoptionFailed: failed, signal } = this.#options
    return new AdoptedBlocks({
      ...{ network, own, blocks: this.blocks, assureWhole, failed, keep: this.#keep },
      run: this.turns.run,
      isNewerThanOwn: () => !signal.aborted && this.returns.isKnownAt(this.blocks.revision),
      mine: () => this.returns.mine({ signal }),
    })
  }

  #openStepBack(): StepBack {
    const { store, network, assureWhole, lost, isRemoved, log, signal } = this.#options
    return new StepBack({
      ...{ store, networkId: network.id, assureWhole, isRemoved, log, signal },
      disputes: () => this.peers.disputes(),
      blockOf: (claim) => this.grid.blockOf(claim),
      lost: (keys) => lost(keys.map(endpointOf)),
    })
  }

  /** What was under way when an operator removed the node, or the network went, comes too late: it was given to others. */
  readonly #keep = (block: string, subnet: string): void => {
    const { network, own, signal } = this.#options
    if (signal.aborted) return
    own.add({ networkId: network.id, subnet, block })
    this.foreign.compare()
  }
}
