// A client defines a container, or replaces its definition while it is not up.
import { isDeepStrictEqual } from 'node:util'
import { ConetError } from '@conet/sdk'
import type { ContainerConfigBody } from '@conet/sdk/api'
import {
  type Attachment,
  assertConfigurable,
  assertDistinct,
  type ContainerRecord,
} from '../domain/container.ts'
import { assertUsable, type NetworkRecord } from '../domain/network.ts'
import { resolveKey } from '../domain/resolve.ts'
import { attachmentOf } from './attachments.ts'
import { removeAll } from './down.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext, Operation } from './host-context.ts'
import { containerQueue } from './keys.ts'

/** Nothing changes in the kernel until `up`. Endpoints of attachments that are replaced end. May be repeated. */
export function configureContainer(
  host: HostContext,
  handle: string,
  body: ContainerConfigBody,
  operation: Operation,
): Promise<{ container: ContainerRecord; created: boolean }> {
  return host.queue.run(containerQueue(handle), async () => {
    assertConfigurable(handle, host.inventory.sandboxes.get(handle))
    const attachments = body.attach_to.map((entry, index) =>
      configuredAttachment(host, entry, `attach_to[${index}]`),
    )
    assertDistinct(handle, attachments)
    const before = host.inventory.containers.get(handle)
    const container: ContainerRecord = {
      handle,
      labels: body.labels ?? {},
      attachments,
      config: body,
      createdAt: before?.createdAt ?? new Date().toISOString(),
    }
    failpoint('host:container:before-configured')
    host.inventory.putConfiguration(container)
    failpoint('host:container:configured')
    await endReplaced(host, { before, after: container }, operation)
    const created = before === undefined
    host.events.append({ type: created ? 'container.created' : 'container.configured', container: handle })
    return { container, created }
  })
}

function configuredAttachment(
  host: HostContext,
  entry: ContainerConfigBody['attach_to'][number],
  at: string,
): Attachment {
  const request = typeof entry === 'string' ? { network: entry } : entry
  const network = networkAt(host, request.network, typeof entry === 'string' ? at : `${at}.network`)
  return attachmentOf(request, network, `${at}.`)
}

function networkAt(host: HostContext, key: string, path: string): NetworkRecord {
  try {
    const network = resolveKey(key, host.inventory.networks.values(), 'network')
    assertUsable(network, 'attach to it')
    return network
  } catch (error) {
    if (!ConetError.is(error)) throw error
    const fields = [{ path, message: error.message }]
    throw new ConetError(error.kind, `${path}: ${error.message}`, { fields, details: { ...error.details } })
  }
}

async function endReplaced(
  host: HostContext,
  { before, after }: { before: ContainerRecord | undefined; after: ContainerRecord },
  operation: Operation,
): Promise<void> {
  const kept = new Set(
    after.attachments
      .filter((attachment) => before?.attachments.some((old) => isDeepStrictEqual(old, attachment)))
      .map(({ name }) => name),
  )
  const endpoints = host.inventory.endpointsOfContainer(after.handle)
  const { failures } = await removeAll(
    host,
    endpoints.filter(({ attachment, state }) => state !== 'deleting' && !kept.has(attachment)),
    operation,
  )
  // They are on record and tried again; the definition itself is in place.
  for (const err of failures)
    host.log.warn({ handle: after.handle, err }, 'a replaced endpoint is not removed yet')
}
