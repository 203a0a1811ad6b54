// This host's part in its cluster, as GET /status has it.
import type { ClusterView } from '@conet/sdk/api'
import type { Cluster } from '../cluster/cluster.ts'
import { isTunnelPartner } from '../cluster/tunnel-partner.ts'
import type { ClusterSettings } from './cluster-settings.ts'

/** Who asks how things are does not wait for a store that hangs. */
const countMs = 1_000

export type ClusterOverview = {
  readonly view?: ClusterView
  /** Between them and this host no tunnel can be. */
  readonly unfit: readonly { readonly name: string; readonly underlayAddress: string }[]
  /** Under which this machine took part before, and which are on record still. */
  readonly formerNames: readonly string[]
}

export async function clusterOverview(
  cluster: Cluster | undefined,
  settings: ClusterSettings | undefined,
): Promise<ClusterOverview> {
  if (cluster === undefined || settings === undefined) return { unfit: [], formerNames: [] }
  const { node, underlayAddress, etcd } = settings
  const found = cluster.isCurrent
    ? await cluster.nodes.overview({ timeoutMs: countMs }).catch(() => undefined)
    : undefined
  const isAway = cluster.trouble !== undefined || (cluster.isCurrent && found === undefined)
  const notThisOne = (found?.nodes ?? []).filter(({ name }) => name !== node)
  const isFormer = ({ identity }: { identity: string }) => identity === cluster.identity
  const others = notThisOne.filter((other) => !isFormer(other))
  return {
    formerNames: notThisOne.filter(isFormer).map(({ name }) => name),
    unfit: others.filter((other) => !isTunnelPartner(underlayAddress, other.underlayAddress)),
    view: {
      node,
      underlay_address: underlayAddress,
      store: [...etcd.endpoints],
      state: found !== undefined ? 'joined' : isAway ? 'away' : 'joining',
      ...(found && {
        nodes: found.nodes.length,
        nodes_alive: found.nodes.length - found.away.length,
        nodes_away: found.away,
      }),
      behind: cluster.behind,
    },
  }
}
