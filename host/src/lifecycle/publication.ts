// What other hosts are told of this one's endpoints in networks of the cluster: those that are plugged, as they are on
// record. It follows the record, so that no way of ending an endpoint can forget it.
import type { EndpointRecord } from '../domain/endpoint.ts'
import { withoutPrefix } from '../ipam/index.ts'
import { clusterNetwork } from './block-room.ts'
import type { HostContext } from './host-context.ts'
import { releaseIfUnused } from './network-at-driver.ts'
import { UnpluggedCounts } from './unplugged-counts.ts'

/** What a plug waits for other hosts to know, at most: the container has its network already. */
const patienceMs = 500

/** Says what is on record, and follows it from then on. Called once, when the inventory is loaded. */
export function publishEndpoints(host: HostContext): void {
  const counts = new UnpluggedCounts((...said) => host.cluster?.members.publishUnplugged(...said))
  for (const after of host.inventory.endpoints.values()) follow(host, counts, { before: undefined, after })
  counts.tellAll()
  host.inventory.onEndpoint((before, after) => follow(host, counts, { before, after }))
}

/** Resolves when other hosts can read of the endpoint, or soon; at once where there are none, or the store is away. */
export async function awaitPublication(host: HostContext, { id }: EndpointRecord): Promise<void> {
  if (host.cluster?.isCurrent) await host.cluster.members.published(id, patienceMs)
}

function follow(
  host: HostContext,
  counts: UnpluggedCounts,
  { before, after }: { before: EndpointRecord | undefined; after: EndpointRecord | undefined },
): void {
  const { id, networkId } = after ?? before ?? { id: '', networkId: '' }
  const network = host.inventory.networks.get(networkId)
  if (network?.scope !== 'global' || host.cluster === undefined) return
  if (after !== undefined) host.cluster.networks.use(clusterNetwork(network))
  const was = before && memberOf(before)
  const is = after && memberOf(after)
  if (is !== undefined && JSON.stringify(is) !== JSON.stringify(was)) host.cluster.members.publish(is)
  if (is === undefined && was !== undefined) host.cluster.members.withdraw({ networkId, endpointId: id })
  counts.note(network, { before, after })
  if (after === undefined) releaseIfUnused(host, networkId)
}

/** Undefined: other hosts cannot reach it. */
function memberOf({ id, networkId, handle, state, interface: plan, result }: EndpointRecord) {
  if (state !== 'plugged') return undefined
  const made = result?.interfaces.find(({ name }) => name === plan.name)
  return {
    networkId,
    endpointId: id,
    macAddress: made?.macAddress ?? plan.macAddress,
    addresses: plan.addresses.map(withoutPrefix),
    container: handle,
  }
}
