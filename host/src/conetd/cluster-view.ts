// This host's part in its cluster, as GET /status has it.
import type { ClusterView } from '@conet/sdk/api'
import type { Cluster } from '../cluster/cluster.ts'
import type { ClusterSettings } from './cluster-settings.ts'

/** Who asks how things are does not wait for a store that hangs. */
const countMs = 1_000

export async function clusterView(
  cluster: Cluster | undefined,
  settings: ClusterSettings | undefined,
): Promise<ClusterView | undefined> {
  if (cluster === undefined || settings === undefined) return undefined
  const { node, underlayAddress, etcd } = settings
  const counts = cluster.isCurrent
    ? await cluster.nodes.count({ timeoutMs: countMs }).catch(() => undefined)
    : undefined
  const isAway = cluster.trouble !== undefined || (cluster.isCurrent && counts === undefined)
  return {
    node,
    underlay_address: underlayAddress,
    store: [...etcd.endpoints],
    state: counts !== undefined ? 'joined' : isAway ? 'away' : 'joining',
    ...(counts && { nodes: counts.all, nodes_alive: counts.alive }),
    behind: cluster.behind,
  }
}
