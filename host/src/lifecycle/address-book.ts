// The addresses of all networks: which subnets they have, which endpoint holds what. In memory; what must be
// remembered is written by the operations, in the transaction of the endpoint's own record.
import type { CreateNetworkBody } from '@conet/sdk/api'
import type { EndpointRecord } from '../domain/endpoint.ts'
import type { NetworkRecord, SubnetRecord } from '../domain/network.ts'
import { type AddressPool, choosePool, parseSubnet } from '../ipam/index.ts'
import { DriverGivenAddresses, type GivenAddresses } from './driver-given-addresses.ts'
import { type AddressPlan, NetworkAddresses, type OwnBlocks } from './network-addresses.ts'
import type { MacWish } from './network-macs.ts'
import { RequestFaults } from './request-faults.ts'
import { readSubnets, refuseWithoutAddresses } from './requested-subnets.ts'
import { noteOverlaps, refuseOnThisMachine, type SubnetOwner } from './subnet-overlap.ts'

export type Reservation = AddressPlan & {
  /** Gives everything back: for an endpoint that never came on record. */
  release(): void
}

export type AddressBookOptions = {
  pools: { ipv4: readonly AddressPool[]; ipv6: readonly AddressPool[] }
  /** Destinations of the machine's routes now. */
  machineRoutes: () => SubnetOwner[]
  /** Of global networks, where this host is in a cluster. */
  blocks?: OwnBlocks | undefined
}

export class AddressBook {
  readonly #options: AddressBookOptions
  readonly #networks = new Map<
    string,
    { record: NetworkRecord; addresses: NetworkAddresses | DriverGivenAddresses }
  >()
  /** Which network an endpoint's addresses are in. */
  readonly #networkOfEndpoint = new Map<string, string>()

  constructor(options: AddressBookOptions) {
    this.#options = options
  }

  /** Starts to hand out addresses of a network; after a restart with what its endpoints hold. */
  open(
    network: NetworkRecord,
    held: { endpoints: readonly EndpointRecord[]; cursors: ReadonlyMap<string, string> } = {
      endpoints: [],
      cursors: new Map(),
    },
  ): void {
    const addresses =
      network.ipam === 'driver'
        ? new DriverGivenAddresses(network, held.endpoints)
        : new NetworkAddresses(network, held, this.#options.blocks)
    this.#networks.set(network.id, { record: network, addresses })
    for (const { id } of held.endpoints) this.#networkOfEndpoint.set(id, network.id)
  }

  /** Where the subnets come from that nobody chose. */
  get pools(): AddressBookOptions['pools'] {
    return this.#options.pools
  }

  close(networkId: string): void {
    this.#networks.delete(networkId)
  }

  /**
   * The subnets that a new network gets: those asked for, and free blocks of the pools. Without a word of the client
   * a driver with addresses of its own gets none. Reserved by `open`. `elsewhere` is for a network of the cluster, and has
   * what the book does not know of: such a one begins at the other end of the pools than the networks of each host, which
   * the others do not know.
   */
  chooseSubnets(
    body: CreateNetworkBody & { ipam?: 'driver' },
    elsewhere?: readonly (SubnetOwner & { internal: boolean })[],
  ): SubnetRecord[] {
    const { subnets, ipam, internal = false, ipv6 = false } = body
    const { ipv4 = (subnets ?? []).length === 0 && ipam === undefined } = body
    const faults = new RequestFaults()
    faults.of(() => refuseWithoutAddresses(body))
    const given = readSubnets(body, faults)
    // A dump of the kernel's: once for all that looks at it.
    const routes = this.#options.machineRoutes()
    const others = elsewhere?.filter((owner) => !owner.internal) ?? []
    noteOverlaps(faults, given, internal ? [] : [...this.#ownedByOthers(), ...others, ...routes])
    faults.throwIfAny()
    const chosen = given.filter((subnet) => subnet !== undefined)
    const fromPool = (family: 4 | 6) =>
      this.#fromPool(family, {
        internal,
        taken: [...chosen, ...(elsewhere ?? []), ...routes],
        from: elsewhere === undefined ? 'start' : 'end',
      })
    if (ipv4) chosen.push(fromPool(4))
    if (ipv6) chosen.push(fromPool(6))
    return chosen
  }

  /**
   * Addresses and a MAC for an endpoint: in each family one, from the first subnet with a free one, or those
   * that the client asked for. Throws `addressInUse`, `addressOutOfRange`, `addressesExhausted`.
   */
  reserve(network: NetworkRecord, wish: MacWish): Reservation {
    const open = this.#networks.get(network.id)
    if (open === undefined) throw new Error(`network ${network.id} has no addresses open`)
    const plan = open.addresses.reserve(wish)
    this.#networkOfEndpoint.set(wish.endpointId, network.id)
    return { ...plan, release: () => this.release(wish.endpointId) }
  }

  /** Throws `addressOutOfRange`. Where a driver hands out the addresses it alone knows which. */
  assertRequestable(networkId: string, address: string): void {
    const addresses = this.#networks.get(networkId)?.addresses
    if (addresses instanceof NetworkAddresses) addresses.assertRequestable(address)
  }

  /**
   * Takes note of the addresses that a driver gave an endpoint of a network whose addresses are the driver's. Throws
   * `protocolViolation` when they make no sense, are not those that were asked for, or another endpoint has one.
   */
  adopt(given: GivenAddresses): string[] {
    const addresses = this.#networks.get(given.networkId)?.addresses
    if (addresses instanceof DriverGivenAddresses) return addresses.adopt(given)
    throw new Error(`network ${given.networkId} has no addresses of its driver's`)
  }

  /** Everything the endpoint holds is free again. May be repeated. */
  release(endpointId: string): void {
    const networkId = this.#networkOfEndpoint.get(endpointId)
    if (networkId === undefined) return
    this.#networkOfEndpoint.delete(endpointId)
    this.#networks.get(networkId)?.addresses.release(endpointId)
  }

  /**
   * Throws `subnetOverlap` when a network that is on this machine has addresses of this one, or, of one that is not there
   * itself yet, a route of the machine.
   */
  assertApart(
    network: NetworkRecord,
    { isHere, isNew }: { isHere: (record: NetworkRecord) => boolean; isNew: boolean },
  ): void {
    if (network.internal) return
    const others = [...this.#networks.values()].filter(
      ({ record }) => record.id !== network.id && !record.internal && isHere(record),
    )
    const taken = others.flatMap(({ record }) => ownersOf(record))
    refuseOnThisMachine(network, isNew ? [...taken, ...this.#options.machineRoutes()] : taken)
  }

  /** The addresses of a network of which this host hands out only some blocks. */
  inBlocks(networkId: string): NetworkAddresses | undefined {
    const addresses = this.#networks.get(networkId)?.addresses
    return addresses instanceof NetworkAddresses ? addresses : undefined
  }

  /** Whether an endpoint of the network has the MAC, or is about to. */
  holdsMac(networkId: string, macAddress: string): boolean {
    return this.#networks.get(networkId)?.addresses.holdsMac(macAddress) ?? false
  }

  /** Of each subnet, in order: how many addresses are held, and how many there are. */
  usage(networkId: string): { subnet: string; used: number; capacity: number }[] {
    return this.#networks.get(networkId)?.addresses.usage() ?? []
  }

  #fromPool(
    family: 4 | 6,
    {
      internal,
      taken,
      from,
    }: { internal: boolean; taken: readonly { subnet: string }[]; from: 'start' | 'end' },
  ): SubnetRecord {
    const pools = family === 4 ? this.#options.pools.ipv4 : this.#options.pools.ipv6
    const all = [...this.#networks.values()].flatMap(({ record }) => record.subnets)
    const obstacles = [...all, ...taken].map(({ subnet }) => subnet)
    const subnet = choosePool(family, pools, obstacles, from)
    return parseSubnet(internal ? { subnet, gateway: 'none' } : { subnet })
  }

  /** What a new subnet must not meet: internal networks are apart from everything. */
  #ownedByOthers(): SubnetOwner[] {
    const others = [...this.#networks.values()].filter(({ record }) => !record.internal)
    return others.flatMap(({ record }) => ownersOf(record))
  }
}

export function ownersOf({ name, subnets }: Pick<NetworkRecord, 'name' | 'subnets'>): SubnetOwner[] {
  return subnets.map(({ subnet }) => ({ subnet, owner: `network ${name}` }))
}
