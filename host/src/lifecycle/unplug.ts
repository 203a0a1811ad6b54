// Unplug: an attachment and its endpoint end, on a container that runs or not.
import { ConetError } from '@conet/sdk'
import type { EndpointRecord } from '../domain/endpoint.ts'
import { resolveKey } from '../domain/resolve.ts'
import { unknownContainer } from '../domain/unknown-container.ts'
import { isUp } from './down.ts'
import type { HostContext, Operation, Removed } from './host-context.ts'
import { containerQueue } from './keys.ts'
import { buryWithAttachment, removeEndpoint } from './remove-endpoint.ts'
import { writeResolverFiles } from './resolution.ts'

/** Ends the endpoint, named by its id or an unambiguous prefix. An endpoint that is gone is no error. May be repeated. */
export function unplug(
  host: HostContext,
  handle: string,
  endpointKey: string,
  operation: Operation,
): Promise<Removed> {
  return host.queue.run(containerQueue(handle), async () => {
    const endpoint = findEndpoint(host, handle, endpointKey)
    if (endpoint === undefined) return 'gone'
    const removed = await removeEndpoint(host, buryWithAttachment(host, endpoint), operation)
    if (isUp(host, handle)) writeResolverFiles(host, handle)
    return removed
  })
}

/** A full id that nobody has stands for an endpoint that is gone; a prefix or anything else may be a slip. */
function findEndpoint(host: HostContext, handle: string, key: string): EndpointRecord | undefined {
  const isFullId = /^[0-9a-f]{64}$/.test(key)
  if (isFullId && !host.inventory.endpoints.has(key)) return undefined
  const { containers, sandboxes } = host.inventory
  const isKnown = containers.has(handle) || sandboxes.has(handle)
  if (!isKnown && host.inventory.endpointsOfContainer(handle).length === 0) throw unknownContainer(handle)
  const endpoint = resolveKey(key, host.inventory.endpoints.values(), 'endpoint')
  if (endpoint.handle === handle) return endpoint
  throw new ConetError('notFound', `unplug: container ${handle} has no endpoint ${key}`, {
    details: { container: handle, endpointId: endpoint.id },
    help: `name the container whose endpoint it is: ${endpoint.handle}`,
  })
}
