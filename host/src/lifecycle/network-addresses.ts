// The addresses and MACs of one network: who holds which.
import { ConetError } from '@conet/sdk'
import type { Attachment } from '../domain/container.ts'
import type { EndpointRecord } from '../domain/endpoint.ts'
import type { NetworkRecord, SubnetRecord } from '../domain/network.ts'
import {
  AddressAllocator,
  BlockGrid,
  type Interval,
  isInSubnet,
  parseAddress,
  subtract,
  withoutPrefix,
} from '../ipam/index.ts'
import { about } from './named-field.ts'
import { type MacWish, NetworkMacs } from './network-macs.ts'

export type AddressPlan = {
  /** With their prefix lengths. */
  addresses: string[]
  macAddress: string
  /** Where the next search of a subnet begins, of those where that changed: to be written with the endpoint. */
  cursors: { subnetKey: string; cursor: string }[]
}

/** Which blocks of a global network's subnets are this host's, by their names. */
export type OwnBlocks = {
  own(networkId: string, subnet: string): readonly string[]
  /** Addresses in them that endpoints of other hosts have. */
  foreign(networkId: string): ReadonlySet<string>
}

/** What this host has of a subnet of a global network. */
export type BlockRoom = {
  readonly subnet: string
  readonly family: 4 | 6
  /** Addresses that could be handed out now. */
  readonly free: bigint
  /** Addresses of one block. */
  readonly blockSize: bigint
  /** Blocks of which no address is held. */
  readonly emptyBlocks: readonly string[]
}

type SubnetAddresses = {
  record: SubnetRecord
  allocator: AddressAllocator
  grid: BlockGrid
  key: string
  prefixLength: string
}

export class NetworkAddresses {
  readonly #networkId: string
  /** Undefined: all addresses of the subnets are this host's. */
  readonly #blocks: OwnBlocks | undefined
  readonly #subnets: SubnetAddresses[]
  readonly #macs = new NetworkMacs()
  /** Without prefix lengths. */
  readonly #held = new Map<string, { addresses: string[]; macAddress: string }>()

  constructor(
    network: NetworkRecord,
    { endpoints, cursors }: { endpoints: readonly EndpointRecord[]; cursors: ReadonlyMap<string, string> },
    blocks?: OwnBlocks,
  ) {
    this.#networkId = network.id
    this.#blocks = network.scope === 'global' ? blocks : undefined
    const leases = endpoints.flatMap(({ id, interface: { addresses } }) =>
      addresses.map((address) => ({ address: withoutPrefix(address), holder: id })),
    )
    this.#subnets = network.subnets.map((record) => {
      const key = `${network.id}/${record.subnet}`
      const cursor = cursors.get(key)
      const options = cursor === undefined ? { leases } : { leases, cursor }
      const [, prefixLength = ''] = record.subnet.split('/')
      const grid = new BlockGrid(record, network.blockBits ?? 0)
      return { record, key, prefixLength, grid, allocator: new AddressAllocator(record, options) }
    })
    this.blocksChanged()
    for (const { id, interface: plan } of endpoints) {
      this.#held.set(id, { addresses: plan.addresses.map(withoutPrefix), macAddress: plan.macAddress })
      this.#macs.restore(plan.macAddress, id)
    }
  }

  /** Looks anew which blocks are this host's. */
  blocksChanged(): void {
    for (const subnet of this.#blocks === undefined ? [] : this.#subnets) {
      const foreign = this.#foreignOf(subnet)
      const own = this.#ownOf(subnet).map((block) => subnet.grid.intervalOf(block))
      subnet.allocator.allowOnly(own.flatMap((block) => subtract(block, foreign)))
    }
  }

  /** Of each subnet, in order. Empty for a network of which this host hands out all addresses. */
  rooms(): BlockRoom[] {
    if (this.#blocks === undefined) return []
    return this.#subnets.map((subnet) => {
      const { record, allocator, grid } = subnet
      const isEmpty = (block: string) => allocator.heldIn([grid.intervalOf(block)]) === 0
      return {
        subnet: record.subnet,
        family: record.family,
        free: allocator.free,
        blockSize: grid.blockSize,
        emptyBlocks: this.#ownOf(subnet).filter(isEmpty),
      }
    })
  }

  holdsMac(macAddress: string): boolean {
    return this.#macs.isHeld(macAddress)
  }

  /** Whether the address is in one of the network's subnets. */
  has(address: string): boolean {
    return this.#subnets.some(({ record }) => isInSubnet(address, record.subnet))
  }

  /** The subnet of a requested address, if that is of no block of this host's; else undefined. */
  foreignSubnetOf(address: string): string | undefined {
    if (this.#blocks === undefined) return undefined
    const subnet = this.#subnets.find(({ record }) => isInSubnet(address, record.subnet))
    if (subnet === undefined || this.#ownOf(subnet).includes(subnet.grid.nameOf(address))) return undefined
    return subnet.record.subnet
  }

  /** Throws `addressOutOfRange` for one that no endpoint can ever get. */
  assertRequestable(address: string): void {
    this.#subnetOf(address).allocator.assertRequestable(address)
  }

  reserve(wish: MacWish): AddressPlan {
    const { endpointId, attachment } = wish
    const held: { addresses: string[]; macAddress: string } = { addresses: [], macAddress: '' }
    this.#held.set(endpointId, held)
    const before = this.#subnets.map(({ allocator }) => allocator.cursor)
    try {
      const addresses = this.#reserveAddresses(endpointId, attachment, held.addresses)
      held.macAddress = this.#macs.reserve(wish, held.addresses)
      return { addresses, macAddress: held.macAddress, cursors: this.#cursorsChangedFrom(before) }
    } catch (error) {
      this.release(endpointId)
      throw error
    }
  }

  release(endpointId: string): void {
    const held = this.#held.get(endpointId)
    if (held === undefined) return
    this.#held.delete(endpointId)
    for (const address of held.addresses) {
      for (const { allocator } of this.#subnets) allocator.release({ address, holder: endpointId })
    }
    this.#macs.release(held.macAddress, endpointId)
  }

  usage(): { subnet: string; used: number; capacity: number }[] {
    return this.#subnets.map(({ record, allocator }) => ({
      subnet: record.subnet,
      used: allocator.used,
      capacity: Number(
        allocator.capacity > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : allocator.capacity,
      ),
    }))
  }

  /** Requested ones first; then one of each family that is still without. `held` learns each as it is taken. */
  #reserveAddresses(holder: string, { addresses: requested }: Attachment, held: string[]): string[] {
    const reserved: string[] = []
    const take = ({ allocator, prefixLength }: SubnetAddresses, options: { requested?: string }): void => {
      const address = allocator.allocate({ holder, ...options })
      held.push(address)
      reserved.push(`${address}/${prefixLength}`)
    }
    requested.forEach((address, n) => {
      about(`addresses[${n}]`, () => take(this.#subnetOf(address), { requested: address }))
    })
    for (const family of [4, 6] as const) {
      const subnets = this.#subnets.filter(({ record }) => record.family === family)
      const last = subnets.at(-1)
      if (last === undefined || requested.some((address) => familyOf(address) === family)) continue
      // The last one reports the exhaustion when all are full.
      take(subnets.find(({ allocator }) => allocator.free > 0n) ?? last, {})
    }
    return reserved
  }

  #foreignOf({ record }: SubnetAddresses): Interval[] {
    const foreign = [...(this.#blocks?.foreign(this.#networkId) ?? [])].map(parseAddress)
    return foreign
      .filter(({ family }) => family === record.family)
      .map(({ family, value }) => ({ family, first: value, last: value }))
  }

  #ownOf({ record }: SubnetAddresses): readonly string[] {
    return this.#blocks?.own(this.#networkId, record.subnet) ?? []
  }

  #subnetOf(address: string): SubnetAddresses {
    const subnet = this.#subnets.find(({ record }) => isInSubnet(address, record.subnet))
    if (subnet !== undefined) return subnet
    const subnets = this.#subnets.map(({ record }) => record.subnet).join(', ') || 'none'
    throw new ConetError(
      'addressOutOfRange',
      `reserve address ${address}: the network’s subnets are ${subnets}`,
      { details: { address }, help: 'ask for an address of one of them, or for none: any free one' },
    )
  }

  #cursorsChangedFrom(before: readonly (string | undefined)[]): AddressPlan['cursors'] {
    return this.#subnets.flatMap(({ key, allocator: { cursor } }, index) =>
      cursor === undefined || cursor === before[index] ? [] : [{ subnetKey: key, cursor }],
    )
  }
}

function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4
}
