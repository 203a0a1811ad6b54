// A node of a cluster in this process: the product's own cluster code on a connection and records of its own, without drivers
// and without a kernel. It can be ended as by a crash, and started again with what it had on its disk.
import { Cluster } from '@conet/host/cluster/cluster'
import { EtcdStore } from '@conet/host/cluster/etcd-store'
import { NetworkGrid } from '@conet/host/cluster/network-grid'
import { RemovalMark, type SharedNetwork } from '@conet/host/cluster/records'
import { parseSubnet } from '@conet/host/ipam/index'
import { pino } from 'pino'
import { expect } from 'vitest'
import { eventually } from './eventually.ts'
import { memoryRecords } from './memory-records.ts'

/** A network with blocks of four addresses: four of them, where the subnet is a /28. */
export const fourBlocks = (subnet: string): SharedNetwork => ({
  id: 'b'.repeat(64),
  name: 'blue',
  type: 'vxlan',
  labels: {},
  internal: false,
  subnets: [parseSubnet({ subnet })],
  blockBits: 2,
  config: {},
  createdAt: '',
  createdBy: 'ann',
  request: '',
})

export class ClusterNode implements AsyncDisposable {
  readonly name: string
  /** What its containers have in the one network of the test. */
  readonly addresses = new Set<string>()
  readonly #endpoint: string
  readonly #awaitHostsMs: number
  readonly #records = memoryRecords()
  #network: SharedNetwork | undefined
  #cluster: Cluster

  /** Its underlay address follows from the first letter of its name. `endpoint` is etcd's. */
  constructor(name: string, endpoint: string, { awaitHostsMs = 8_000 } = {}) {
    this.name = name
    this.#endpoint = endpoint
    this.#awaitHostsMs = awaitHostsMs
    this.#cluster = this.#open()
  }

  get cluster(): Cluster {
    return this.#cluster
  }

  /** Resolves when it takes part. */
  async start(): Promise<void> {
    this.#cluster = this.#open()
    this.#cluster.start({
      networkSeen: () => undefined,
      networkGone: () => undefined,
      networksKnown: () => undefined,
      networksHeld: () => undefined,
      blocksChanged: () => undefined,
      joined: () => undefined,
      // The endpoints of such a node are called as their addresses are.
      lost: (addresses) => {
        for (const address of addresses) this.unplug(address)
      },
      removed: async () => {
        for (const address of this.addresses) this.unplug(address)
      },
      peersChanged: () => undefined,
      blockWanted: (_networkId, _subnet, block) => this.#giveBack(block),
      heldHere: () => this.addresses.size,
      networksOnRecord: () => (this.#network === undefined ? [] : [this.#network]),
      inUse: () => ({ addresses: [...this.addresses], macAddresses: [] }),
    })
    for (const address of this.addresses) this.#publish(address)
    if (this.#network !== undefined && this.own.length > 0) this.#cluster.networks.use(this.#network)
    await eventually(() => expect(this.#cluster.isCurrent).toBe(true), { timeoutMs: 15_000 })
  }

  /** From now on it has the network on record. */
  knows(network: SharedNetwork): void {
    this.#network = network
  }

  /** Names of its blocks. */
  get own(): string[] {
    return this.#cluster.blocks.all(this.#known.id)
  }

  /** Identities of nodes of which it has on its disk that an operator has removed them. */
  get removalsOnRecord(): string[] {
    return this.#records
      .table('removed', RemovalMark)
      .list()
      .map(({ key }) => key)
  }

  /** One more block. */
  async claim(): Promise<void> {
    await this.#cluster.networks.claim(this.#known, this.#known.subnets[0]?.subnet ?? '')
  }

  /** A container with that address, of which the others hear. */
  async plug(address: string): Promise<void> {
    const subnet = this.#known.subnets[0]?.subnet ?? ''
    await this.#cluster.networks.claimFor(this.#known, { address, subnet })
    this.addresses.add(address)
    this.#publish(address)
  }

  unplug(address: string): void {
    this.addresses.delete(address)
    this.#cluster.members.withdraw({ networkId: this.#known.id, endpointId: address })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster.stop()
  }

  get #known(): SharedNetwork {
    if (this.#network === undefined) throw new Error(`${this.name} knows no network`)
    return this.#network
  }

  #open(): Cluster {
    const underlayAddress = `192.0.2.${this.name.charCodeAt(0)}`
    const node = { name: this.name, identity: this.name, underlayAddress, version: '0', since: '' }
    return new Cluster({
      node,
      store: new EtcdStore({ endpoints: [this.#endpoint] }),
      mostBlockBits: 4,
      awaitHostsMs: this.#awaitHostsMs,
      lossShownMs: 5_000,
      records: this.#records,
      log: pino({ level: 'silent' }),
    })
  }

  #publish(address: string): void {
    const { members } = this.#cluster
    const common = { networkId: this.#known.id, endpointId: address, container: `c-${address}` }
    members.publish({ ...common, macAddress: '02:42:00:00:00:01', addresses: [address] })
  }

  /** As a host does that is asked for an empty block. */
  #giveBack(block: string | undefined): void {
    const grid = new NetworkGrid(this.#known)
    const isEmpty = (name: string) => !grid.blocksOf(this.addresses).some((used) => used.block === name)
    for (const name of block === undefined ? this.own : [block])
      if (isEmpty(name))
        this.#cluster.networks.giveBack(this.#known, name, () => isEmpty(name)).catch(() => undefined)
  }
}
