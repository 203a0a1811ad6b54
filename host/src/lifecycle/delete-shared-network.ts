// A network of the cluster is deleted: for all hosts at once, if none has anything of it.
import { setTimeout as sleep } from 'node:timers/promises'
import { ConetError } from '@conet/sdk'
import { goingHelp, type NetworkRecord } from '../domain/network.ts'
import { clusterNetwork, clusterOf } from './block-room.ts'
import type { HostContext, Operation } from './host-context.ts'
import { isUsedHere } from './network-at-driver.ts'

/** To give back what this host had of the network: a moment, unless the store is away. */
const leaveMs = 3_000

/**
 * No host knows the network when this resolves. Throws `inUse` that names the hosts with endpoints in it, and
 * `clusterUnavailable`. May be repeated.
 */
export async function deleteInCluster(
  host: HostContext,
  network: NetworkRecord,
  operation: Operation,
): Promise<void> {
  if (network.state !== 'active') return
  const cluster = clusterOf(host, network)
  const { id, name, type, segmentId } = network
  if (isUsedHere(host, id)) {
    throw new ConetError('inUse', `delete network ${name}: its last endpoints here are still being removed`, {
      details: { networkId: id, nodes: [cluster.node] },
      help: goingHelp(network),
    })
  }
  if (cluster.isCurrent) {
    const left = cluster.networks.leave(clusterNetwork(network), () => !isUsedHere(host, id))
    await Promise.race([left, sleep(leaveMs, undefined, { ref: false })])
  }
  const segment = segmentId === undefined ? {} : { segmentId }
  await cluster.deleteNetwork({ id, name, type, ...segment }, operation)
}
