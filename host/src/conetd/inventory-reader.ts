// What the API reads of the host's record, and of what other hosts know of it.
import type { ContainerView } from '@conet/sdk/api'
import type { InventoryReader } from '../api/api-context.ts'
import type { ContainerRecord } from '../domain/container.ts'
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
    troubleOf: (id) => host.repairs.troubleOf(id),
    neglectOf: (container) => neglectOf(host, container),
    isPublished({ id, networkId, state }) {
      if (networks.get(networkId)?.scope !== 'global' || state !== 'plugged') return undefined
      return cluster?.members.isPublished(id) ?? false
    },
  }
}

function neglectOf(
  { forsaken, unused, inventory }: HostContext,
  container: ContainerRecord,
): Pick<ContainerView, 'process_gone' | 'unused'> {
  const gone = forsaken.of(inventory.sandboxes.get(container.handle))
  const idle = unused.of(container)
  return {
    ...(gone && {
      process_gone: {
        since: gone.since.toISOString(),
        ...(gone.downAt && { down_at: gone.downAt.toISOString() }),
      },
    }),
    ...(idle && {
      unused: {
        since: idle.since.toISOString(),
        ...(idle.forgottenAt && { forgotten_at: idle.forgottenAt.toISOString() }),
      },
    }),
  }
}
