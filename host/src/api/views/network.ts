// A network as clients see it.
import type { NetworkView, PendingRemovalView } from '@conet/sdk/api'
import type { EndpointRecord } from '../../domain/endpoint.ts'
import type { NetworkRecord, SubnetRecord } from '../../domain/network.ts'
import type { ApiContext, SubnetUsage, WholeUse } from '../api-context.ts'

type NetworkReads = Pick<ApiContext, 'inventory' | 'usageOf' | 'drivers'>

export function networkView(
  network: NetworkRecord,
  { inventory, usageOf, drivers }: NetworkReads,
): NetworkView {
  const { id, name, type, state, labels, internal, config, defaultPolicy, createdAt } = network
  const endpoints = inventory.endpointsOfNetwork(id)
  const staying = endpoints.filter((endpoint) => endpoint.state !== 'deleting')
  const leaving = endpoints.filter((endpoint) => endpoint.state === 'deleting')
  const usage = usageOf(id)
  const trouble = inventory.troubleOf?.(id)
  return {
    id,
    name,
    type,
    state,
    driver_state: drivers.stateOf(type),
    labels,
    internal,
    ...(network.dns && { dns: network.dns }),
    ...(network.owner !== undefined && { owner: network.owner }),
    subnets: network.subnets.map((subnet, index) => subnetView(subnet, usage[index])),
    ...(network.ipam && { ipam: network.ipam }),
    ...(network.sandbox && { sandbox: network.sandbox }),
    ...(network.scope && { scope: network.scope }),
    ...(network.segmentId !== undefined && { segment_id: network.segmentId }),
    config,
    ...(defaultPolicy === undefined ? {} : { default_policy: defaultPolicy }),
    created_at: createdAt,
    ...(trouble !== undefined && { last_error: trouble }),
    endpoints: endpoints.map((endpoint) => endpoint.id),
    containers: [...new Set(staying.map(({ handle }) => handle))],
    ...(leaving.length === 0 ? {} : { pending_removals: leaving.map(pendingRemovalView) }),
  }
}

/** With what other hosts have of it, where that is known. */
export function wholeNetworkView(view: NetworkView, whole: WholeUse | undefined): NetworkView {
  if (whole === undefined) return view
  const { members, blocks } = whole
  return {
    ...view,
    subnets: view.subnets.map((subnet) => ({
      ...subnet,
      blocks: blocks.get(subnet.subnet) ?? {},
      used_by_node: usedByNode(subnet, whole),
    })),
    members: members.map(({ node, endpointId, container, macAddress, addresses }) => ({
      node,
      container,
      endpoint_id: endpointId,
      mac_address: macAddress,
      addresses,
    })),
  }
}

/** What this host has given out it knows itself. */
function usedByNode({ subnet, used }: NetworkView['subnets'][number], { node, used: usedIn }: WholeUse) {
  const { [node]: _own, ...others } = usedIn(subnet)
  return used > 0 ? { ...others, [node]: used } : others
}

function pendingRemovalView({ id, handle, buriedAt, lastError }: EndpointRecord): PendingRemovalView {
  return {
    endpoint_id: id,
    container: handle,
    ...(buriedAt === undefined ? {} : { since: buriedAt }),
    ...(lastError === undefined ? {} : { reason: lastError }),
  }
}

function subnetView(
  { subnet, gateway, range, exclude }: SubnetRecord,
  { used, capacity }: SubnetUsage = { used: 0, capacity: 0 },
): NetworkView['subnets'][number] {
  return {
    subnet,
    ...(gateway === undefined ? {} : { gateway }),
    ...(range === undefined ? {} : { range }),
    exclude,
    used,
    capacity,
  }
}
