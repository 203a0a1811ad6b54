// A host in no cluster as the node that it is, alone.
import { hostname } from 'node:os'
import type { NodeDetailView } from '@conet/sdk/api'
import type { HostContext } from '../lifecycle/index.ts'

export type OnlyNodeOptions = { readonly version: string; readonly startedAt: Date }

export function onlyNode(
  { inventory }: Pick<HostContext, 'inventory'>,
  { version, startedAt }: OnlyNodeOptions,
): NodeDetailView {
  const holds = [...inventory.networks.values()].flatMap(({ id, name }) => {
    const endpoints = inventory.endpointsOfNetwork(id).length
    return endpoints === 0 ? [] : [{ network_id: id, network_name: name, endpoints, blocks: [] }]
  })
  return {
    name: hostname(),
    state: 'alive',
    is_self: true,
    version,
    since: startedAt.toISOString(),
    networks: holds.length,
    endpoints: holds.reduce((sum, { endpoints }) => sum + endpoints, 0),
    holds,
  }
}
