// Policies and counters of a container as clients see them, by the names of its attachments.
import type { AttachmentPolicyView, ContainerMetricsView, ContainerPolicyView } from '@conet/sdk/api'
import type { Attachment, ContainerRecord } from '../../domain/container.ts'
import type { EndpointRecord } from '../../domain/endpoint.ts'
import { additionsOf, hasOwnPolicy, policyFor, sourceOf } from '../../domain/policy.ts'
import type { Counters } from '../../sandbox/index.ts'
import type { InventoryReader } from '../api-context.ts'
import { mappedPortViews } from './mapped-ports.ts'
import { networkNameOf } from './network-info.ts'

export function containerPolicyView(
  container: ContainerRecord,
  inventory: InventoryReader,
): ContainerPolicyView {
  const endpoints = endpointsByAttachment(container, inventory)
  const { attachments } = container
  return {
    networks: Object.fromEntries(
      attachments.map(({ name, networkId }) => {
        const policy = policyFor(container, name, inventory.networks.get(networkId))
        return [name, (hasOwnPolicy(container, name) ? policy : undefined) ?? null]
      }),
    ),
    effective: Object.fromEntries(
      attachments.map((attachment) => [
        attachment.name,
        effectiveView(container, { attachment, endpoint: endpoints.get(attachment.name) }, inventory),
      ]),
    ),
  }
}

export function containerMetricsView(
  container: ContainerRecord,
  counters: ReadonlyMap<string, Counters>,
  inventory: InventoryReader,
): ContainerMetricsView {
  const networks: ContainerMetricsView['networks'] = {}
  const endpoints = endpointsByAttachment(container, inventory)
  for (const attachment of container.attachments) {
    const endpoint = endpoints.get(attachment.name)
    const counted = endpoint && counters.get(endpoint.id)
    if (endpoint === undefined || counted === undefined) continue
    networks[attachment.name] = {
      network_id: attachment.networkId,
      network_name: networkNameOf(container.handle, attachment, inventory),
      interface: endpoint.interface.name,
      ...countersView(counted),
    }
  }
  return { networks }
}

function effectiveView(
  container: ContainerRecord,
  { attachment, endpoint }: { attachment: Attachment; endpoint: EndpointRecord | undefined },
  inventory: InventoryReader,
): AttachmentPolicyView {
  const { name, networkId } = attachment
  const network = inventory.networks.get(networkId)
  const policy = policyFor(container, name, network)
  const added = additionsOf(container, name)
  return {
    network_id: networkId,
    network_name: networkNameOf(container.handle, attachment, inventory),
    source: sourceOf(container, name, network),
    ...(policy !== undefined && { policy }),
    ...(added !== undefined && { added }),
    state: stateOf(endpoint, policy),
    mapped_ports: mappedPortViews(endpoint),
    ...(endpoint?.diverged && { last_error: endpoint.diverged.reason }),
  }
}

function stateOf(
  endpoint: EndpointRecord | undefined,
  policy: object | undefined,
): AttachmentPolicyView['state'] {
  if (endpoint?.state !== 'plugged') return 'pending'
  if (endpoint.diverged !== undefined) return 'diverged'
  return policy !== undefined && endpoint.policy === undefined ? 'ignored' : 'in_force'
}

/** One that is on its way out stands for nothing. */
function endpointsByAttachment(
  { handle }: ContainerRecord,
  inventory: InventoryReader,
): ReadonlyMap<string, EndpointRecord> {
  const present = inventory.endpointsOfContainer(handle).filter(({ state }) => state !== 'deleting')
  return new Map(present.map((endpoint) => [endpoint.attachment, endpoint]))
}

function countersView(counted: Counters) {
  return {
    rx_bytes: counted.rxBytes,
    tx_bytes: counted.txBytes,
    rx_packets: counted.rxPackets,
    tx_packets: counted.txPackets,
    rx_errors: counted.rxErrors,
    tx_errors: counted.txErrors,
    rx_dropped: counted.rxDropped,
    tx_dropped: counted.txDropped,
  }
}
