// The addresses of one network whose driver hands them out: the host chooses none, and sees to it that no two
// endpoints have the same. MACs are the host's here too.
import { ConetError, type FieldError } from '@conet/sdk'
import type { EndpointRecord } from '../domain/endpoint.ts'
import type { NetworkRecord, SubnetRecord } from '../domain/network.ts'
import { AddressAllocator, findOverlap, formatAddress, readPrefixed } from '../ipam/index.ts'
import type { AddressPlan } from './network-addresses.ts'
import { type MacWish, NetworkMacs } from './network-macs.ts'

/** What a driver answered for an endpoint. */
export type GivenAddresses = {
  readonly networkId: string
  readonly endpointId: string
  /** The driver's name. */
  readonly driver: string
  readonly addresses: readonly string[] | undefined
  readonly requested: readonly string[]
}

export class DriverGivenAddresses {
  readonly #subnets: readonly SubnetRecord[]
  readonly #macs = new NetworkMacs()
  /** By address, in canonical text. */
  readonly #holders = new Map<string, string>()
  readonly #held = new Map<string, { macAddress: string; addresses: string[] }>()

  constructor({ subnets }: NetworkRecord, endpoints: readonly EndpointRecord[]) {
    this.#subnets = subnets
    for (const { id, interface: plan } of endpoints) {
      this.#macs.restore(plan.macAddress, id)
      this.#hold(id, plan.macAddress, plan.addresses)
    }
  }

  /** No addresses yet: they come with the driver's answer. */
  reserve(wish: MacWish): AddressPlan {
    const macAddress = this.#macs.reserve(wish, [])
    this.#hold(wish.endpointId, macAddress, [])
    return { addresses: [], macAddress, cursors: [] }
  }

  holdsMac(macAddress: string): boolean {
    return this.#macs.isHeld(macAddress)
  }

  /** Throws `protocolViolation`, and takes note of nothing then. May be repeated. */
  adopt(given: GivenAddresses): string[] {
    const { endpointId, driver, addresses } = given
    const fields = this.#faults(given)
    const [first] = fields
    if (addresses === undefined || first !== undefined) {
      const { path, message } = first ?? missing
      throw new ConetError(
        'protocolViolation',
        `create endpoint ${endpointId}: driver "${driver}" answered ${path}, which ${message}`,
        { fields: first === undefined ? [missing] : fields, details: { driver } },
      )
    }
    this.#hold(endpointId, this.#held.get(endpointId)?.macAddress ?? '', addresses)
    return [...addresses]
  }

  release(endpointId: string): void {
    const held = this.#held.get(endpointId)
    if (held === undefined) return
    this.#held.delete(endpointId)
    this.#macs.release(held.macAddress, endpointId)
    for (const address of held.addresses) {
      if (this.#holders.get(address) === endpointId) this.#holders.delete(address)
    }
  }

  /** Of the subnets that the client named. */
  usage(): { subnet: string; used: number; capacity: number }[] {
    return this.#subnets.map((record) => {
      const { subnet } = record
      const isWithin = (address: string) =>
        findOverlap(subnet, [{ subnet: `${address}/${address.includes(':') ? 128 : 32}`, owner: '' }]) !==
        undefined
      const { capacity } = new AddressAllocator(record)
      const used = [...this.#holders.keys()].filter(isWithin).length
      return { subnet, used, capacity: Math.min(Number(capacity), Number.MAX_SAFE_INTEGER) }
    })
  }

  #faults({ endpointId, addresses = [], requested }: GivenAddresses): FieldError[] {
    const hosts = addresses.map(hostOf)
    return [
      ...addresses.flatMap((address, n) => {
        const reason = this.#reason(address, endpointId, hosts.indexOf(hostOf(address)) < n)
        return reason === undefined ? [] : [{ path: `addresses[${n}]`, message: reason }]
      }),
      ...requested
        .filter((address) => !hosts.includes(address))
        .map((address) => ({ path: 'addresses', message: `lacks ${address}, which was asked for` })),
    ]
  }

  #reason(address: string, endpointId: string, isRepeated: boolean): string | undefined {
    const read = readPrefixed(address)
    if (!read.ok) return `is wrong: ${read.reason}`
    if (isRepeated) return `is there twice: ${address}`
    const holder = this.#holders.get(hostOf(address))
    return holder === undefined || holder === endpointId
      ? undefined
      : `is held by endpoint ${holder}: ${address}`
  }

  #hold(endpointId: string, macAddress: string, addresses: readonly string[]): void {
    const hosts = addresses.map(hostOf)
    for (const former of this.#held.get(endpointId)?.addresses ?? []) this.#holders.delete(former)
    this.#held.set(endpointId, { macAddress, addresses: hosts })
    for (const host of hosts) this.#holders.set(host, endpointId)
  }
}

const missing: FieldError = { path: 'addresses', message: 'is missing, though the driver hands them out' }

/** Without its prefix length, in canonical text; as it is when it is none. */
function hostOf(address: string): string {
  const read = readPrefixed(address)
  return read.ok ? formatAddress(read.value.address) : address
}
