// A network whose driver never comes back goes from the record alone: what the driver made of it stays in the kernel. If
// the driver does come back, it has something that no record wants, and the sync has it removed.
import { ConetError } from '@conet/sdk'
import type { NetworkRecord } from '../domain/network.ts'
import { resolveKey } from '../domain/resolve.ts'
import type { HostContext } from './host-context.ts'
import { containerQueue, networkQueue } from './keys.ts'
import { assertUnused } from './network-holders.ts'
import { forgetEndpoint } from './remove-endpoint.ts'
import { endpointsLeaving, removeNetworkLater, strikeNetwork } from './remove-network.ts'

/**
 * Strikes the network that `key` names, and what is left of its endpoints, off the record. Refused with
 * `failedPrecondition` while its driver is connected or about to be, and for a network of the cluster, which other hosts
 * may use; with `inUse` while containers want it. A full id that nobody has is no error. May be repeated.
 */
export async function forgetNetwork(host: HostContext, key: string): Promise<void> {
  if (/^[0-9a-f]{64}$/.test(key) && !host.inventory.networks.has(key)) return
  const { id, name } = resolveKey(key, host.inventory.networks.values(), 'network')
  await host.queue.run(networkQueue(name), async () => {
    const network = host.inventory.networks.get(id)
    if (network === undefined) return
    assertForgettable(host, network)
    await assertUnused(host, network)
    // From here on nobody plugs into it, and a driver that comes back meanwhile is told to delete it.
    removeNetworkLater(host, network)
    await endpointsLeaving(host, id)
    for (const { id: endpointId, handle } of host.inventory.endpointsOfNetwork(id))
      await host.queue.run(containerQueue(handle), async () => forgetLeaving(host, network, endpointId))
    assertForgettable(host, network)
    const message = `forgotten: what driver ${network.type} made of it stays until that driver is back`
    strikeNetwork(host, network, { message })
  })
}

async function forgetLeaving(host: HostContext, network: NetworkRecord, endpointId: string): Promise<void> {
  assertForgettable(host, network)
  const endpoint = host.inventory.endpoints.get(endpointId)
  if (endpoint !== undefined) forgetEndpoint(host, endpoint)
}

function assertForgettable({ drivers }: HostContext, { id, name, type, scope }: NetworkRecord): void {
  const refuse = (why: string, help: string) =>
    new ConetError('failedPrecondition', `forget network ${name}: ${why}`, {
      details: { networkId: id, driver: type, driverState: drivers.stateOf(type) },
      help,
    })
  if (scope === 'global') {
    throw refuse(
      'it is a network of the cluster, and other hosts may use it',
      `delete it where driver ${type} runs: conet net rm ${name}`,
    )
  }
  if (drivers.isThere(type))
    throw refuse(`its driver ${type} is connected, or about to be`, `delete it: conet net rm ${name}`)
}
