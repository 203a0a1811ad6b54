// The addresses and MACs of one network: who holds which.
import { ConetError } from '@conet/sdk'
import type { Attachment } from '../domain/container.ts'
import type { EndpointRecord } from '../domain/endpoint.ts'
import type { NetworkRecord, SubnetRecord } from '../domain/network.ts'
import { AddressAllocator, findOverlap } from '../ipam/index.ts'
import { about } from './named-field.ts'
import { NetworkMacs } from './network-macs.ts'

export type AddressPlan = {
  /** With their prefix lengths. */
  addresses: string[]
  macAddress: string
  /** Where the next search of a subnet begins, of those where that changed: to be written with the endpoint. */
  cursors: { subnetKey: string; cursor: string }[]
}

type SubnetAddresses = {
  record: SubnetRecord
  allocator: AddressAllocator
  key: string
  prefixLength: string
}

export class NetworkAddresses {
  readonly #subnets: SubnetAddresses[]
  readonly #macs = new NetworkMacs()
  /** Without prefix lengths. */
  readonly #held = new Map<string, { addresses: string[]; macAddress: string }>()

  constructor(
    network: NetworkRecord,
    { endpoints, cursors }: { endpoints: readonly EndpointRecord[]; cursors: ReadonlyMap<string, string> },
  ) {
    const leases = endpoints.flatMap(({ id, interface: { addresses } }) =>
      addresses.map((address) => ({ address: hostOf(address), holder: id })),
    )
    this.#subnets = network.subnets.map((record) => {
      const key = `${network.id}/${record.subnet}`
      const cursor = cursors.get(key)
      const options = cursor === undefined ? { leases } : { leases, cursor }
      const [, prefixLength = ''] = record.subnet.split('/')
      return { record, key, prefixLength, allocator: new AddressAllocator(record, options) }
    })
    for (const { id, interface: plan } of endpoints) {
      this.#held.set(id, { addresses: plan.addresses.map(hostOf), macAddress: plan.macAddress })
      this.#macs.restore(plan.macAddress, id)
    }
  }

  reserve({ endpointId, attachment }: { endpointId: string; attachment: Attachment }): AddressPlan {
    const held: { addresses: string[]; macAddress: string } = { addresses: [], macAddress: '' }
    this.#held.set(endpointId, held)
    const before = this.#subnets.map(({ allocator }) => allocator.cursor)
    try {
      const addresses = this.#reserveAddresses(endpointId, attachment, held.addresses)
      held.macAddress = this.#macs.reserve(endpointId, attachment, held.addresses)
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
      take(subnets.find(({ allocator }) => BigInt(allocator.used) < allocator.capacity) ?? last, {})
    }
    return reserved
  }

  #subnetOf(address: string): SubnetAddresses {
    const subnet = this.#subnets.find(({ record }) => isInSubnet(address, record.subnet))
    if (subnet !== undefined) return subnet
    const subnets = this.#subnets.map(({ record }) => record.subnet).join(', ') || 'none'
    throw new ConetError(
      'addressOutOfRange',
      `reserve address ${address}: the network’s subnets are ${subnets}`,
      {
        details: { address },
      },
    )
  }

  #cursorsChangedFrom(before: readonly (string | undefined)[]): AddressPlan['cursors'] {
    return this.#subnets.flatMap(({ key, allocator: { cursor } }, index) =>
      cursor === undefined || cursor === before[index] ? [] : [{ subnetKey: key, cursor }],
    )
  }
}

function hostOf(address: string): string {
  return address.split('/')[0] ?? address
}

function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4
}

function isInSubnet(address: string, subnet: string): boolean {
  return (
    findOverlap(subnet, [{ subnet: `${address}/${familyOf(address) === 4 ? 32 : 128}`, owner: '' }]) !==
    undefined
  )
}
