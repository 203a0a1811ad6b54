// What a `down` has left of a container whose drivers were away: on record, and holding its addresses and ports.
import type { ContainerRecord } from '../domain/container.ts'
import type { HostContext, Operation } from './host-context.ts'
import { removeEndpoint } from './remove-endpoint.ts'

/**
 * Ends what is left at the drivers that the container is to be plugged by again: it may ask for the same addresses and
 * ports. What cannot be ended now stays on record, and holds nobody up but who wants what it holds.
 */
export async function endLeftovers(
  host: HostContext,
  { handle, attachments }: ContainerRecord,
  { signal }: Operation,
): Promise<void> {
  const driverOf = (networkId: string) => host.inventory.networks.get(networkId)?.type
  const wanted = new Set(attachments.map(({ networkId }) => driverOf(networkId)))
  const left = host.inventory
    .endpointsOfContainer(handle)
    .filter(({ state, networkId }) => state === 'deleting' && wanted.has(driverOf(networkId)))
  const outcomes = await Promise.allSettled(
    left.map((endpoint) =>
      removeEndpoint(host, endpoint, { id: `remove-${endpoint.id}`, ...(signal && { signal }) }),
    ),
  )
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected')
      host.log.warn({ handle, err: outcome.reason }, 'an endpoint of an earlier life is not removed yet')
  }
  signal?.throwIfAborted()
}
