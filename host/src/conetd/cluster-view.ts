// This host's part in its cluster, as GET /status has it.
import type { ClusterView } from '@conet/sdk/api'
import type { Cluster } from '../cluster/cluster.ts'
import type { NodeOperations } from '../cluster/node-operations.ts'
import type { Trouble } from '../cluster/node-presence.ts'
import { isTunnelPartner } from '../cluster/tunnel-partner.ts'
import type { ClusterSettings } from './cluster-settings.ts'

/** Who asks how things are does not wait for a store that hangs. */
const countMs = 1_000

type Overview = Awaited<ReturnType<NodeOperations['overview']>>

export type ClusterOverview = {
  readonly view?: ClusterView
  /** Between them and this host no tunnel can be. */
  readonly unfit: readonly { readonly name: string; readonly underlayAddress: string }[]
  /** Under which this machine took part before, and which are on record still. */
  readonly formerNames: readonly string[]
  /** Why this host has no part in its cluster now. */
  readonly trouble?: Trouble | undefined
}

export async function clusterOverview(
  cluster: Cluster | undefined,
  settings: ClusterSettings | undefined,
): Promise<ClusterOverview> {
  if (cluster === undefined || settings === undefined) return { unfit: [], formerNames: [] }
  const { node, underlayAddress, etcd } = settings
  const answer = await answerOf(cluster)
  // Who asks may be the first who hears of it.
  const trouble = cluster.trouble ?? answer.trouble
  const found = trouble === undefined ? answer.found : undefined
  const notThisOne = (found?.nodes ?? []).filter(({ name }) => name !== node)
  const isFormer = ({ identity }: { identity: string }) => identity === cluster.identity
  const others = notThisOne.filter((other) => !isFormer(other))
  return {
    formerNames: notThisOne.filter(isFormer).map(({ name }) => name),
    unfit: others.filter((other) => !isTunnelPartner(underlayAddress, other.underlayAddress)),
    trouble,
    view: {
      node,
      underlay_address: underlayAddress,
      store: [...etcd.endpoints],
      state: found !== undefined ? 'joined' : trouble !== undefined ? 'away' : 'joining',
      ...(found && {
        nodes: found.nodes.length,
        nodes_alive: found.nodes.length - found.away.length,
        nodes_away: found.away,
      }),
      behind: cluster.behind,
    },
  }
}

async function answerOf(cluster: Cluster): Promise<{ found?: Overview; trouble?: Trouble }> {
  // One that has joined may have a store that hangs, of which nobody has heard yet.
  if (!cluster.hasJoined) return {}
  try {
    return { found: await cluster.nodes.overview({ timeoutMs: countMs }) }
  } catch (error) {
    return { trouble: { since: new Date(), error } }
  }
}
