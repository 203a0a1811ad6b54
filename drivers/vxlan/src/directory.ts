// Who is on other hosts in one network, and what follows from it for the kernel. Pure: it knows no link.
import { ConetError, type Peer, type PeersBatch } from '@conet/sdk'

/** By MAC the tunnel end, and by address the MAC: what a kernel has or should have. */
export type Entries = {
  readonly forwarding: ReadonlyMap<string, string>
  readonly neighbours: ReadonlyMap<string, string>
}

/** What is to be in the kernel afterwards, of the keys that are named; undefined: nothing. */
export type EntriesChange = {
  readonly forwarding: ReadonlyMap<string, string | undefined>
  readonly neighbours: ReadonlyMap<string, string | undefined>
}

/** A change that was looked at and can be taken over. */
export type PlannedChange = EntriesChange & { readonly peers: ReadonlyMap<string, Peer | undefined> }

type Owners = Map<string, string>

export class PeerDirectory {
  readonly #peers = new Map<string, Peer>()
  readonly #macOwners: Owners = new Map()
  readonly #addressOwners: Owners = new Map()

  get size(): number {
    return this.#peers.size
  }

  /** All that the kernel should have. */
  entries(): Entries {
    const forwarding = new Map<string, string>()
    const neighbours = new Map<string, string>()
    for (const { macAddress, addresses, tunnelAddress } of this.#peers.values()) {
      forwarding.set(macAddress, tunnelAddress)
      for (const address of addresses) neighbours.set(address, macAddress)
    }
    return { forwarding, neighbours }
  }

  /** What a batch changes; costs what is in it. Throws `conflict` when two peers would have one MAC or address. */
  plan({ remove, set }: Pick<PeersBatch, 'remove' | 'set'>): PlannedChange {
    const peers = new Map<string, Peer | undefined>(remove.map((endpointId) => [endpointId, undefined]))
    for (const peer of set) peers.set(peer.endpointId, peer)
    const forwarding = new Map<string, string | undefined>()
    const neighbours = new Map<string, string | undefined>()
    for (const endpointId of peers.keys()) {
      const before = this.#peers.get(endpointId)
      if (before !== undefined) forwarding.set(before.macAddress, undefined)
      for (const address of before?.addresses ?? []) neighbours.set(address, undefined)
    }
    const claims = {
      macs: new Claims(this.#macOwners, peers),
      addresses: new Claims(this.#addressOwners, peers),
    }
    for (const peer of peers.values()) {
      if (peer === undefined) continue
      const { endpointId, macAddress, addresses, tunnelAddress } = peer
      claims.macs.add(macAddress, endpointId)
      forwarding.set(macAddress, tunnelAddress)
      for (const address of addresses) {
        claims.addresses.add(address, endpointId)
        neighbours.set(address, macAddress)
      }
    }
    return { peers, forwarding, neighbours }
  }

  /** Takes over what `plan` has answered, with nothing in between. */
  commit({ peers }: PlannedChange): void {
    for (const endpointId of peers.keys()) this.#remove(endpointId)
    for (const peer of peers.values()) if (peer !== undefined) this.#add(peer)
  }

  #remove(endpointId: string): void {
    const peer = this.#peers.get(endpointId)
    if (peer === undefined) return
    this.#peers.delete(endpointId)
    this.#macOwners.delete(peer.macAddress)
    for (const address of peer.addresses) this.#addressOwners.delete(address)
  }

  #add(peer: Peer): void {
    const { endpointId, macAddress, addresses } = peer
    this.#peers.set(endpointId, peer)
    this.#macOwners.set(macAddress, endpointId)
    for (const address of addresses) this.#addressOwners.set(address, endpointId)
  }
}

/** Who wants what, in a batch: what was somebody's is free if the batch names him, for he says anew what he wants. */
class Claims {
  readonly #owners: ReadonlyMap<string, string>
  readonly #named: ReadonlyMap<string, unknown>
  readonly #claims = new Map<string, string>()

  constructor(owners: ReadonlyMap<string, string>, named: ReadonlyMap<string, unknown>) {
    this.#owners = owners
    this.#named = named
  }

  add(what: string, endpointId: string): void {
    const owner = this.#owners.get(what)
    const other =
      this.#claims.get(what) ?? (owner !== undefined && !this.#named.has(owner) ? owner : endpointId)
    if (other !== endpointId) throw claimedTwice(what, [other, endpointId])
    this.#claims.set(what, endpointId)
  }
}

function claimedTwice(what: string, endpoints: readonly string[]): ConetError {
  const message = `peers: ${what} would belong to the endpoints ${endpoints.join(' and ')}`
  return new ConetError('conflict', message, { details: { claimed: what, endpoints } })
}
