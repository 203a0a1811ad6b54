// A container as clients see it.
import type { Dns } from '@conet/sdk'
import type { ContainerView, SandboxView } from '@conet/sdk/api'
import { type Attachment, type ContainerRecord, type SandboxRecord, stateOf } from '../../domain/container.ts'
import { mergedDns } from '../../domain/dns.ts'
import type { EndpointRecord } from '../../domain/endpoint.ts'
import type { InventoryReader } from '../api-context.ts'
import { endpointView } from './endpoint.ts'

export function containerView(container: ContainerRecord, inventory: InventoryReader): ContainerView {
  const { handle, labels, attachments, config, createdAt } = container
  const sandbox = inventory.sandboxes.get(handle)
  const endpoints = inventory.endpointsOfContainer(handle)
  const byAttachment = new Map(endpoints.map((endpoint) => [endpoint.attachment, endpoint]))
  return {
    handle,
    state: stateOf(sandbox),
    labels,
    config: furtherKeys(config),
    ...(sandbox === undefined || sandbox.state === 'stopped' ? {} : { sandbox: sandboxView(sandbox) }),
    attachments: attachments.map((attachment) =>
      attachmentView(attachment, byAttachment.get(attachment.name), inventory),
    ),
    endpoints: endpoints.map((endpoint) => endpointView(endpoint, inventory)),
    ...dnsOf(attachments.flatMap(({ name }) => byAttachment.get(name)?.result?.dns ?? [])),
    created_at: createdAt,
  }
}

function dnsOf(answers: readonly Dns[]): { dns?: Dns } {
  return answers.length === 0 ? {} : { dns: mergedDns(answers) }
}

function furtherKeys({ attach_to: _attachTo, labels: _labels, ...further }: Record<string, unknown>) {
  return further
}

function sandboxView({ id, path, owner, pid }: SandboxRecord): SandboxView {
  return pid === undefined ? { id, path, owner } : { id, path, owner, pid }
}

function attachmentView(
  { name, networkId }: Attachment,
  endpoint: EndpointRecord | undefined,
  inventory: InventoryReader,
): ContainerView['attachments'][number] {
  const networkName = inventory.networks.get(networkId)?.name ?? networkId
  const view = { name, network_id: networkId, network_name: networkName }
  return endpoint === undefined ? view : { ...view, endpoint_id: endpoint.id }
}
