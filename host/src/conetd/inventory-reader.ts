// What the API reads of the host's record, and of what other hosts know of it.
import type { InventoryReader } from '../api/api-context.ts'
import type { HostContext } from '../lifecycle/index.ts'

export function inventoryReader({ inventory, cluster }: HostContext): InventoryReader {
  const { networks, containers, sandboxes, endpoints } = inventory
  return {
    networks,
    containers,
    sandboxes,
    endpoints,
    endpointsOfNetwork: (networkId) => inventory.endpointsOfNetwork(networkId),
    endpointsOfContainer: (handle) => inventory.endpointsOfContainer(handle),
    isPublished({ id, networkId, state }) {
      if (networks.get(networkId)?.scope !== 'global' || state !== 'plugged') return undefined
      return cluster?.members.isPublished(id) ?? false
    },
  }
}
