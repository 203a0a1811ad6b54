// What the API reads of the host's record, and of what other hosts know of it.
import type { InventoryReader } from '../api/api-context.ts'
import { sandboxIdOf } from '../domain/ids.ts'
import { type HostContext, resolverOf } from '../lifecycle/index.ts'

export function inventoryReader(host: HostContext): InventoryReader {
  const { inventory, cluster } = host
  const { networks, containers, sandboxes, endpoints } = inventory
  return {
    networks,
    containers,
    sandboxes,
    endpoints,
    endpointsOfNetwork: (networkId) => inventory.endpointsOfNetwork(networkId),
    endpointsOfContainer: (handle) => inventory.endpointsOfContainer(handle),
    resolutionOf(container) {
      const dns = resolverOf(host, container)
      const files = host.resolver.pathsOf(sandboxIdOf(container.handle), dns)
      return { files, ...(dns !== undefined && { dns }) }
    },
    isPublished({ id, networkId, state }) {
      if (networks.get(networkId)?.scope !== 'global' || state !== 'plugged') return undefined
      return cluster?.members.isPublished(id) ?? false
    },
  }
}
