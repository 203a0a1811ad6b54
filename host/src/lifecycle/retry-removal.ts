// One more try at something that must go.
import type { HostContext, Operation } from './host-context.ts'
import { containerQueue, networkQueue } from './keys.ts'
import type { Pending } from './pending-retries.ts'
import { removeEndpoint } from './remove-endpoint.ts'
import { removeNetwork } from './remove-network.ts'

/** Fine when it is gone already. */
export async function retryRemoval(
  host: HostContext,
  { kind, id }: Pending,
  operation: Operation,
): Promise<void> {
  if (kind === 'endpoint') await retryEndpoint(host, id, operation)
  else await retryNetwork(host, id, operation)
}

async function retryEndpoint(host: HostContext, id: string, operation: Operation): Promise<void> {
  const endpoint = host.inventory.endpoints.get(id)
  if (endpoint === undefined) return host.removals.done(id)
  await host.queue.run(containerQueue(endpoint.handle), async () => {
    const current = host.inventory.endpoints.get(id)
    if (current !== undefined) await removeEndpoint(host, current, operation)
  })
}

async function retryNetwork(host: HostContext, id: string, operation: Operation): Promise<void> {
  const network = host.inventory.networks.get(id)
  if (network === undefined) return host.removals.done(id)
  // Its endpoints go first; this is tried again after them.
  if (host.inventory.endpointsOfNetwork(id).length > 0) return
  await host.queue.run(networkQueue(network.name), async () => {
    const current = host.inventory.networks.get(id)
    if (current !== undefined) await removeNetwork(host, current, operation)
  })
}
