// The hosts of the cluster as the API reads them.
import { ConetError } from '@conet/sdk'
import type { NodeView } from '@conet/sdk/api'
import type { NodeReader } from '../api/api-context.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { NodeReport } from '../cluster/node-directory.ts'
import type { HostContext } from '../lifecycle/index.ts'

export function nodeReader(cluster: Cluster | undefined, { inventory }: HostContext): NodeReader {
  return {
    list: async () =>
      (await need(cluster).nodes.list()).map((report) => nodeView(report, need(cluster).node)),
    async get(name) {
      const report = (await need(cluster).nodes.list()).find(({ node }) => node.name === name)
      if (report === undefined) {
        throw new ConetError('notFound', `the cluster has no node ${name}`, {
          details: { node: name },
          help: 'conet node list shows them',
        })
      }
      const blocks = await need(cluster).nodes.blocksOf(name, report.endpoints.keys())
      const holds = [...report.endpoints].map(([networkId, endpoints]) => {
        const network = inventory.networks.get(networkId)?.name
        return {
          network_id: networkId,
          ...(network === undefined ? {} : { network_name: network }),
          endpoints,
          blocks: blocks.get(networkId) ?? [],
        }
      })
      return { ...nodeView(report, need(cluster).node), holds }
    },
    remove: (name) => need(cluster).nodes.quarantine(name),
    removeFenced: (name) => need(cluster).nodes.removeFenced(name),
    wholeNetwork: async ({ id, scope }) => (scope === 'global' ? cluster?.wholeNetwork(id) : undefined),
  }
}

function need(cluster: Cluster | undefined): Cluster {
  if (cluster !== undefined) return cluster
  throw new ConetError('failedPrecondition', 'nodes: this host is in no cluster', {
    help: 'start conetd with --cluster',
  })
}

function nodeView({ node, state, endpoints }: NodeReport, self: string): NodeView {
  return {
    name: node.name,
    state,
    is_self: node.name === self,
    underlay_address: node.underlayAddress,
    version: node.version,
    since: node.since,
    networks: endpoints.size,
    endpoints: [...endpoints.values()].reduce((sum, count) => sum + count, 0),
  }
}
