// One host of a cluster: a namespace on the underlay, the vxlan driver in it as a process of its own, and the test in the
// place of conetd.
import { join } from 'node:path'
import type { Network, Peer, PlugParams, SyncResult } from '@conet/sdk'
import { DriverClient } from '../../support/driver-client.ts'
import { type DriverProgram, startDriverProgram } from '../../support/fake-driver.ts'
import type { Shown } from '../../support/iproute.ts'
import type { NamespaceFixture } from '../../support/namespace-fixture.ts'
import { repository } from '../../support/repository.ts'

const program = join(repository, 'drivers/vxlan/bin/conet-driver-vxlan.js')

export type HostOptions = {
  readonly name: string
  readonly underlayAddress: string
  readonly namespaces: NamespaceFixture
  /** For sockets. */
  readonly directory: string
}

type StartOptions = { readonly underlayAddress?: string | null; readonly failpoint?: string }

export class VxlanHost implements AsyncDisposable {
  readonly name: string
  readonly underlayAddress: string
  readonly endpoints = new Map<string, PlugParams>()
  readonly networks = new Map<string, Network>()
  readonly #options: HostOptions
  #program: DriverProgram | undefined
  #client: DriverClient | undefined
  #starts = 0

  constructor(options: HostOptions) {
    this.name = options.name
    this.underlayAddress = options.underlayAddress
    this.#options = options
  }

  get client(): DriverClient {
    if (this.#client === undefined) throw new Error(`no driver runs on ${this.name}`)
    return this.#client
  }

  /** An `underlayAddress` of null: the host has none. At a failpoint the driver dies. */
  async start({ underlayAddress = this.underlayAddress, failpoint }: StartOptions = {}): Promise<void> {
    const { directory, namespaces } = this.#options
    this.#starts += 1
    const socketPath = join(directory, `${this.name}-${this.#starts}.sock`)
    this.#program = await startDriverProgram({
      program,
      args: ['--socket', socketPath],
      socketPath,
      through: ['nsenter', `--net=${namespaces.path(this.name)}`],
      ...(failpoint !== undefined && { env: { CONET_FAILPOINT: failpoint } }),
    })
    this.#client = await DriverClient.initialized(socketPath, {
      nodeId: this.name,
      ...(underlayAddress !== null && { underlayAddress }),
    })
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const client = this.#client
    this.#client = undefined
    await client?.[Symbol.asyncDispose]()
    await this.#program?.end(signal)
    this.#program = undefined
  }

  async restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<SyncResult> {
    await this.stop(signal)
    await this.start()
    return await this.sync()
  }

  /** As conetd after a connect. */
  sync(): Promise<SyncResult> {
    const networks = [...this.networks.values()]
    const endpoints = [...this.endpoints.values()]
    return this.client.call('driver/sync', { syncId: 'sync', more: false, networks, endpoints })
  }

  async create(network: Network): Promise<void> {
    await this.client.call('network/create', { network })
    this.networks.set(network.id, network)
  }

  async delete({ id: networkId }: Network): Promise<void> {
    await this.client.call('network/delete', { networkId })
    this.networks.delete(networkId)
  }

  /** What the driver says is wrong with its networks. */
  async faults(): Promise<string[]> {
    const { faults = [] } = await this.client.call('network/list', {})
    return faults.map(({ fault }) => fault)
  }

  /** What the driver says is wrong with its endpoints. */
  async endpointFaults(): Promise<string[]> {
    const { endpoints } = await this.client.call('endpoint/list', {})
    return endpoints.flatMap(({ fault }) => fault ?? [])
  }

  async plug(params: PlugParams): Promise<void> {
    const { sandbox: _, ...endpoint } = params
    await this.client.call('endpoint/create', endpoint)
    await this.client.call('endpoint/plug', params)
    this.endpoints.set(params.endpointId, params)
  }

  async remove({ network, endpointId }: PlugParams): Promise<void> {
    await this.client.call('endpoint/delete', { networkId: network.id, endpointId })
    this.endpoints.delete(endpointId)
  }

  /** The endpoints of a network on this host, as others are told of them. */
  peersOf({ id }: Network): Peer[] {
    return [...this.endpoints.values()]
      .filter(({ network }) => network.id === id)
      .map(({ endpointId, interface: { macAddress, addresses } }) => ({
        endpointId,
        macAddress,
        addresses: addresses.map((address) => address.split('/')[0] ?? ''),
        tunnelAddress: this.underlayAddress,
      }))
  }

  /** Runs a command in the host's own namespace. */
  exec(command: string): string {
    return this.#options.namespaces.exec(this.name, command)
  }

  show(command: string): Shown[] {
    return JSON.parse(this.exec(command.replace(' ', ' -j ')) || '[]')
  }

  /** Removes all that it has, also behind a test that failed while no driver ran. */
  async clear(): Promise<void> {
    if (this.#client === undefined) await this.start()
    for (const params of this.endpoints.values()) await this.remove(params)
    for (const network of this.networks.values()) await this.delete(network)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#client !== undefined) await this.clear()
    await this.stop()
  }
}
