// A network goes: its record says so first, then its driver, then its subnets are free.
import type { NetworkRecord } from '../domain/network.ts'
import { resolveKey } from '../domain/resolve.ts'
import { deleteInCluster } from './delete-shared-network.ts'
import { callToItsEnd, isDriverAway } from './driver-call.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext, Operation, Removed } from './host-context.ts'
import { containerQueue, networkQueue } from './keys.ts'
import { assertUnused } from './network-holders.ts'

/**
 * Deletes the network that `key` names. Refused with `inUse` while containers want it; endpoints that are on their way out
 * already go first (`deleting`: their driver is awaited). A full id that nobody has is no error: the network is gone.
 */
export async function deleteNetwork(host: HostContext, key: string, operation: Operation): Promise<Removed> {
  if (/^[0-9a-f]{64}$/.test(key) && !host.inventory.networks.has(key)) return 'gone'
  const named = resolveKey(key, host.inventory.networks.values(), 'network')
  await inNetworkQueue(host, named, async (network) => {
    await assertUnused(host, network, 'delete')
    // From here on nobody plugs into it. One of the cluster may be refused yet.
    if (network.scope !== 'global') buryNetwork(host, network)
  })
  await endpointsLeaving(host, named.id)
  const removed = await inNetworkQueue(host, named, async (network) => {
    if (network.scope === 'global') {
      await assertUnused(host, network, 'delete')
      await deleteInCluster(host, network, operation)
    }
    return removeNetwork(host, network, operation)
  })
  return removed ?? 'gone'
}

/** Runs `work` on the network as it is then, in the queue of its name; undefined, and nothing done, if it is gone. */
export function inNetworkQueue<T>(
  host: HostContext,
  { id, name }: Pick<NetworkRecord, 'id' | 'name'>,
  work: (network: NetworkRecord) => Promise<T>,
): Promise<T | undefined> {
  return host.queue.run(networkQueue(name), async () => {
    const network = host.inventory.networks.get(id)
    return network === undefined ? undefined : work(network)
  })
}

/** Resolves when what is being done to its last endpoints now is done, well or badly. Outside of the network's queue. */
async function endpointsLeaving(host: HostContext, networkId: string): Promise<void> {
  const handles = new Set(host.inventory.endpointsOfNetwork(networkId).map(({ handle }) => handle))
  await Promise.all(
    [...handles].map((handle) => host.queue.run(containerQueue(handle), async () => undefined)),
  )
}

/** Ends a network. `deleting`: its driver is away, or its last endpoints wait for it. What goes wrong is tried again. */
export async function removeNetwork(
  host: HostContext,
  network: NetworkRecord,
  operation: Operation,
): Promise<Removed> {
  const { id, type } = network
  buryNetwork(host, network)
  if (host.inventory.endpointsOfNetwork(id).length > 0) {
    host.removals.add({ kind: 'network', id })
    return 'deleting'
  }
  try {
    if (network.scope !== 'global' || host.made.mayBeMade(id)) {
      const session = await host.drivers.require(type, operation)
      await session.call('network/delete', { networkId: id }, callToItsEnd(operation))
    }
  } catch (error) {
    host.removals.failed({ kind: 'network', id }, error)
    if (isDriverAway(error)) return 'deleting'
    throw error
  }
  failpoint('host:network:after-delete')
  strikeNetwork(host, network)
  return 'gone'
}

/** Off the record; its subnets are free. `message`: what is left of it, for the event. */
export function strikeNetwork(
  host: HostContext,
  { id }: NetworkRecord,
  { message }: { message?: string } = {},
): void {
  host.inventory.deleteNetwork(id)
  failpoint('host:network:forgotten')
  host.addresses.close(id)
  host.made.gone(id)
  host.cluster?.networks.forget(id)
  host.removals.done(id)
  host.repairs.done(id)
  host.events.append({ type: 'network.deleted', network_id: id, ...(message !== undefined && { message }) })
}

/** On record and tried again, by and by. */
export function removeNetworkLater(host: HostContext, network: NetworkRecord): void {
  buryNetwork(host, network)
  host.removals.add({ kind: 'network', id: network.id })
}

function buryNetwork(host: HostContext, network: NetworkRecord): void {
  if (host.inventory.networks.get(network.id)?.state !== 'deleting')
    host.inventory.putNetwork({ ...network, state: 'deleting', buriedAt: new Date().toISOString() })
  failpoint('host:network:buried')
}
