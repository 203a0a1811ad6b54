// A container as clients see it.
import type { ContainerView, ResolverFilesView, SandboxView } from '@conet/sdk/api'
import { type Attachment, type ContainerRecord, type SandboxRecord, stateOf } from '../../domain/container.ts'
import type { EndpointRecord } from '../../domain/endpoint.ts'
import { furtherConfig } from '../../domain/runtime-word.ts'
import type { ResolverPaths } from '../../sandbox/index.ts'
import type { InventoryReader } from '../api-context.ts'
import { endpointView, inOrderOfInterfaces } from './endpoint.ts'
import { type ContainerReads, networkInfoViews, networkNameOf } from './network-info.ts'

export function containerView(container: ContainerRecord, reads: ContainerReads): ContainerView {
  const { inventory } = reads
  const { handle, labels, attachments, createdAt } = container
  const sandbox = inventory.sandboxes.get(handle)
  const endpoints = inventory.endpointsOfContainer(handle)
  const byAttachment = new Map(endpoints.map((endpoint) => [endpoint.attachment, endpoint]))
  const { dns, files } = inventory.resolutionOf(container)
  return {
    handle,
    state: stateOf(sandbox),
    labels,
    config: furtherConfig(container),
    ...(sandbox === undefined || sandbox.state === 'stopped' ? {} : { sandbox: sandboxView(sandbox) }),
    ...inventory.neglectOf?.(container),
    attachments: attachments.map((attachment) =>
      attachmentView(attachment, { handle, endpoint: byAttachment.get(attachment.name), inventory }),
    ),
    endpoints: inOrderOfInterfaces(endpoints.map((endpoint) => endpointView(endpoint, inventory))),
    networks: networkInfoViews(container, byAttachment, reads),
    ...(dns !== undefined && { dns }),
    ...(stateOf(sandbox) === 'up' && { resolver_files: resolverFilesView(files) }),
    created_at: createdAt,
  }
}

function resolverFilesView({ resolvConf, hosts }: ResolverPaths): ResolverFilesView {
  return resolvConf === undefined ? { hosts } : { resolv_conf: resolvConf, hosts }
}

function sandboxView({ id, path, owner, pid }: SandboxRecord): SandboxView {
  return pid === undefined ? { id, path, owner } : { id, path, owner, pid }
}

function attachmentView(
  attachment: Attachment,
  {
    handle,
    endpoint,
    inventory,
  }: { handle: string; endpoint: EndpointRecord | undefined; inventory: InventoryReader },
): ContainerView['attachments'][number] {
  const { name, networkId, own } = attachment
  return {
    name,
    network_id: networkId,
    network_name: networkNameOf(handle, attachment, inventory),
    ...(own && { own_network: true }),
    ...(endpoint && { endpoint_id: endpoint.id }),
  }
}
