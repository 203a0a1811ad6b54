// One of many nodes: the product's own cluster code on a connection of its own, without drivers and without a kernel. What a
// driver would hold of the directory is counted instead.
import { Cluster } from '@conet/host/cluster/cluster'
import type { ClusterListener } from '@conet/host/cluster/cluster-listener'
import { EtcdStore } from '@conet/host/cluster/etcd-store'
import type { SharedNetwork } from '@conet/host/cluster/records'
import { pino } from 'pino'
import { memoryRecords } from '../../support/memory-records.ts'

export type Arrival = (node: string, endpointId: string) => void

export class ManyNode {
  readonly name: string
  readonly cluster: Cluster
  readonly networks: SharedNetwork[] = []
  /** Endpoints on other nodes, of each network. */
  readonly held = new Map<string, Set<string>>()
  readonly #arrived: Arrival

  constructor(number: number, endpoint: string, arrived: Arrival) {
    this.name = `node${number}`
    this.#arrived = arrived
    this.cluster = new Cluster({
      store: new EtcdStore({ endpoints: [endpoint], timeoutMs: 30_000 }),
      node: {
        name: this.name,
        identity: this.name,
        underlayAddress: `10.255.${number >> 8}.${number & 255}`,
        version: '0',
        since: '',
      },
      mostBlockBits: 6,
      awaitHostsMs: 30_000,
      records: memoryRecords(),
      log: pino({ level: 'silent' }),
    })
  }

  start(): void {
    const nothing = () => undefined
    const listener: ClusterListener = {
      networkSeen: nothing,
      networkGone: nothing,
      networksKnown: nothing,
      networksHeld: nothing,
      blocksChanged: nothing,
      blockWanted: nothing,
      heldHere: nothing,
      joined: nothing,
      lost: nothing,
      removed: async () => undefined,
      networksOnRecord: () => this.networks,
      inUse: () => ({ addresses: [], macAddresses: [] }),
      peersChanged: (networkId) => this.#tell(networkId),
    }
    this.cluster.start(listener)
  }

  async use(network: SharedNetwork): Promise<void> {
    this.networks.push(network)
    this.held.set(network.id, new Set())
    this.cluster.networks.use(network)
    await this.cluster.networks.claim(network, network.subnets[0]?.subnet ?? '')
  }

  publish(network: SharedNetwork, endpointId: string, number: number): void {
    const bytes = [number >> 24, (number >> 16) & 255, (number >> 8) & 255, number & 255]
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':')
    const addresses = [bytes.join('.'), `fd00:7::${number.toString(16)}`]
    const container = `container-${number}`
    const { members } = this.cluster
    members.publish({ networkId: network.id, endpointId, macAddress: `02:42:${hex}`, addresses, container })
  }

  /** As the feeder of a driver does. */
  #tell(networkId: string): void {
    const peers = this.cluster.networks.peersOf(networkId)
    const held = this.held.get(networkId)
    for (let next = peers?.next(); next !== undefined; next = peers?.next()) {
      if (next.base === null) held?.clear()
      for (const endpointId of next.remove) held?.delete(endpointId)
      for (const { endpointId } of next.set) {
        held?.add(endpointId)
        this.#arrived(this.name, endpointId)
      }
      peers?.told(next)
    }
  }
}
