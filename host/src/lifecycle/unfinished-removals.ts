// What a `down` has left of a container whose drivers were away: on record, and holding its addresses and ports.
import { ConetError } from '@conet/sdk'
import type { ContainerRecord } from '../domain/container.ts'
import { type EndpointRecord, isInSandbox } from '../domain/endpoint.ts'
import { isDriverAway } from './driver-call.ts'
import type { HostContext, Operation } from './host-context.ts'
import { removeEndpoint } from './remove-endpoint.ts'
import { contentOf } from './retold.ts'

/**
 * Ends what is left at the drivers that the container is to be plugged by again: it may ask for the same addresses and
 * ports. What a driver does not end stays on record, and holds nobody up but who wants what it holds. Throws
 * `driverUnavailable` where a driver is away, which plugs nothing either.
 */
export async function endLeftovers(
  host: HostContext,
  { handle, attachments }: ContainerRecord,
  { signal }: Operation,
): Promise<void> {
  const driverOf = (networkId: string) => host.inventory.networks.get(networkId)?.type
  const wanted = new Set(attachments.map(({ networkId }) => driverOf(networkId)))
  const left = leftoversOf(host, handle).filter(({ networkId }) => wanted.has(driverOf(networkId)))
  const outcomes = await Promise.allSettled(
    left.map((endpoint) =>
      endLeftover(host, endpoint, { id: `remove-${endpoint.id}`, ...(signal && { signal }) }),
    ),
  )
  signal?.throwIfAborted()
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue
    const { reason } = outcome
    if (isDriverAway(reason)) throw reason
    host.log.warn({ handle, err: reason }, 'an endpoint of an earlier life is not removed yet')
  }
}

/** Once more for a driver that was away: a plug would wait for it as long again, and be there before this is tried again. */
async function endLeftover(host: HostContext, endpoint: EndpointRecord, operation: Operation): Promise<void> {
  if ((await removeEndpoint(host, endpoint, operation)) === 'gone') return
  const current = host.inventory.endpoints.get(endpoint.id)
  if (current === undefined || (await removeEndpoint(host, current, operation)) === 'gone') return
  const { id, handle } = endpoint
  const why = host.inventory.endpoints.get(id)?.lastError ?? 'its driver is away'
  const message = `bring container ${handle} up: its endpoint ${id} of before is still to be removed: ${why}`
  throw new ConetError('driverUnavailable', message, {
    details: { container: handle, endpointId: id },
    help: 'try again: it is removed as soon as its driver is back (conet driver list)',
  })
}

/**
 * Runs `work`, which plugs into the container's sandbox. What stands in its way there may be an endpoint that is still to be
 * removed, and then passes by itself.
 */
export async function namingLeftover<T>(
  host: HostContext,
  handle: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const [left] = leftoversOf(host, handle).filter(isInSandbox)
    if (left === undefined || !ConetError.is(error, 'conflict')) throw error
    throw inTheWay(error, left)
  }
}

function inTheWay(error: ConetError, { id, handle }: EndpointRecord): ConetError {
  const content = contentOf(error)
  return new ConetError(
    'operationPending',
    `${error.message}: that may be of its endpoint ${id}, which is still being removed`,
    {
      ...content,
      details: { ...content.details, container: handle, leftover: id },
      help: 'try again: it is gone once its driver has confirmed; conet status shows what is awaited',
    },
  )
}

function leftoversOf({ inventory }: HostContext, handle: string): EndpointRecord[] {
  return inventory.endpointsOfContainer(handle).filter(({ state }) => state === 'deleting')
}
