// The hosts of the cluster as the API reads them, or this one alone where there is none.
import { ConetError } from '@conet/sdk'
import type { NodeView } from '@conet/sdk/api'
import type { NodeReader } from '../api/api-context.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { NodeReport } from '../cluster/node-directory.ts'
import type { HostContext } from '../lifecycle/index.ts'
import { type OnlyNodeOptions, onlyNode } from './only-node.ts'

export function nodeReader(
  cluster: Cluster | undefined,
  host: HostContext,
  options: OnlyNodeOptions,
): NodeReader {
  return cluster === undefined ? readerOfOne(host, options) : readerOfCluster(cluster, host)
}

function readerOfCluster(cluster: Cluster, { inventory }: HostContext): NodeReader {
  return {
    list: async () => (await cluster.nodes.list()).map((report) => nodeView(report, cluster.node)),
    async get(name) {
      const report = (await cluster.nodes.list()).find(({ node }) => node.name === name)
      if (report === undefined) throw noNode(name, 'the cluster has')
      const blocks = await cluster.nodes.blocksOf(name, report.endpoints.keys())
      const holds = [...report.endpoints].map(([networkId, endpoints]) => {
        const network = inventory.networks.get(networkId)?.name
        return {
          network_id: networkId,
          ...(network === undefined ? {} : { network_name: network }),
          endpoints,
          blocks: blocks.get(networkId) ?? [],
        }
      })
      return { ...nodeView(report, cluster.node), holds }
    },
    remove: (name) => cluster.nodes.quarantine(name),
    removeFenced: (name) => cluster.nodes.removeFenced(name),
    async wholeNetwork({ id, scope }) {
      const whole = scope === 'global' ? await cluster.wholeNetwork(id) : undefined
      return whole && { ...whole, node: cluster.node }
    },
  }
}

function readerOfOne(host: HostContext, options: OnlyNodeOptions): NodeReader {
  return {
    async list() {
      const { holds: _, ...view } = onlyNode(host, options)
      return [view]
    },
    async get(name) {
      const node = onlyNode(host, options)
      if (node.name !== name) throw noNode(name, 'this host is in no cluster, and has')
      return node
    },
    remove: async (name) => refuse(name),
    removeFenced: async (name) => refuse(name),
    wholeNetwork: async () => undefined,
  }
}

function refuse(name: string): never {
  throw new ConetError('failedPrecondition', `remove node ${name}: this host is in no cluster`, {
    details: { node: name },
    help: 'it takes part in one when conetd is started with --cluster, --node and --underlay-address',
  })
}

function noNode(name: string, whoHas: string): ConetError {
  return new ConetError('notFound', `${whoHas} no node ${name}`, {
    details: { node: name },
    help: 'conet node list shows them',
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
