// Hosts of a cluster as people read them.
import type { NodeDetailView, NodeView } from '@conet/sdk/client'
import { type Detail, shownId } from './short-id.ts'
import { facts, indented, table } from './table.ts'

export function nodeTable(nodes: readonly NodeView[]): string {
  return table(
    ['NAME', 'STATE', 'UNDERLAY ADDRESS', 'NETWORKS', 'ENDPOINTS', 'VERSION'],
    nodes.map(({ name, state, is_self, underlay_address, networks, endpoints, version }) => [
      name,
      is_self ? `${state} (this host)` : state,
      underlay_address ?? '',
      String(networks),
      String(endpoints),
      version,
    ]),
  )
}

export function nodePage(node: NodeDetailView, detail: Detail): string {
  const { name, state, is_self, underlay_address, version, since, holds } = node
  const page = facts([
    ['state', is_self ? `${state} (this host)` : state],
    ['underlay address', underlay_address ?? 'none: it is in no cluster'],
    ['version', version],
    ['since', since],
  ])
  if (holds.length === 0) return `node ${name}\n${page}\n  nothing of any network\n`
  const rows = holds.map(({ network_id, network_name, endpoints, blocks }) => [
    network_name ?? shownId(network_id, detail),
    String(endpoints),
    blocks.join(','),
  ])
  return `node ${name}\n${page}\n${indented(table(['NETWORK', 'ENDPOINTS', 'BLOCKS'], rows))}`
}
