// A network with a member on each of two hosts: what somebody does to the first host shows in whether they reach each other.
import { type Network, type PlugParams, Rollback } from '@conet/sdk'
import { RunningPing } from '../../support/running-ping.ts'
import { bridgeNameOf, network, tunnelNameOf, type VxlanCluster } from './vxlan-cluster.ts'
import type { VxlanHost } from './vxlan-host.ts'

type Members = { readonly net: Network; readonly near: PlugParams; readonly far: PlugParams }

export class TwoMembers implements AsyncDisposable {
  readonly cluster: VxlanCluster
  /** The first, on which `near` is. */
  readonly host: VxlanHost
  readonly net: Network
  readonly near: PlugParams
  readonly far: PlugParams
  readonly #undo: Rollback

  private constructor(cluster: VxlanCluster, undo: Rollback, { net, near, far }: Members) {
    this.cluster = cluster
    this.host = cluster.host(1)
    this.net = net
    this.near = near
    this.far = far
    this.#undo = undo
  }

  /** On two hosts, whose drivers go on behind them. */
  static async on(cluster: VxlanCluster): Promise<TwoMembers> {
    const undo = new Rollback()
    undo.defer('clear the cluster', () => cluster.clear('near', 'far'))
    try {
      const net = await cluster.create(network('blue'))
      const near = await cluster.join(1, net, 'near', 11)
      const far = await cluster.join(2, net, 'far', 12)
      await cluster.tell(net)
      return new TwoMembers(cluster, undo, { net, near, far })
    } catch (error) {
      await undo[Symbol.asyncDispose]()
      throw error
    }
  }

  /** From `near` to `far`, answered when this resolves. Ends with the members. */
  async ping(): Promise<RunningPing> {
    const namespacePath = this.cluster.namespaces.path('near')
    const ping = new RunningPing({ namespacePath, address: '10.1.0.12' })
    this.#undo.defer('end the ping', async () => {
      await ping.stopUnanswered()
    })
    await ping.goesOn()
    return ping
  }

  /** What a command on the first host prints, with the names for BRIDGE, TUNNEL and PORT, and for what else is given. */
  change(command: string, more: Readonly<Record<string, string>> = {}): string {
    const words: Record<string, string> = {
      BRIDGE: bridgeNameOf(this.net),
      TUNNEL: tunnelNameOf(this.net),
      PORT: `cnw${this.near.endpointId.slice(0, 12)}`,
      ...more,
    }
    return this.host.exec(command.replace(/[A-Z]{3,}/g, (word) => words[word] ?? word))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#undo[Symbol.asyncDispose]()
  }
}
