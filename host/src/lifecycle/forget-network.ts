// A network whose driver never comes back goes from the record alone: what the driver made of it stays in the kernel. If
// the driver does come back, it has something that no record wants, and the sync has it removed.
import { ConetError } from '@conet/sdk'
import { isForgettable, type NetworkRecord } from '../domain/network.ts'
import { resolveKey } from '../domain/resolve.ts'
import type { HostContext, Operation } from './host-context.ts'
import { containerQueue } from './keys.ts'
import { assertUnused } from './network-holders.ts'
import { forgetEndpoint } from './remove-endpoint.ts'
import { inNetworkQueue, removeNetworkLater, strikeNetwork } from './remove-network.ts'
import { retold } from './retold.ts'

/**
 * Strikes the network that `key` names, and what is left of its endpoints, off the record. Refused with
 * `failedPrecondition` while its driver is connected or about to be, and for a network of the cluster, which other hosts
 * may use, unless it is on its way out; with `inUse` while containers want it. Where it ends half-way (`partial`) the
 * network is on its way out. A full id that nobody has is no error. May be repeated.
 */
export async function forgetNetwork(host: HostContext, key: string, operation: Operation): Promise<void> {
  if (/^[0-9a-f]{64}$/.test(key) && !host.inventory.networks.has(key)) return
  const named = resolveKey(key, host.inventory.networks.values(), 'network')
  await inNetworkQueue(host, named, async (network) => {
    operation.signal?.throwIfAborted()
    assertForgettable(host, network)
    await assertUnused(host, network, 'forget')
    // From here on nobody plugs into it, and a driver that comes back meanwhile is told to delete it.
    removeNetworkLater(host, network)
  })
  try {
    await forgetEndpoints(host, named.id, operation)
    await inNetworkQueue(host, named, async (network) => {
      operation.signal?.throwIfAborted()
      assertForgettable(host, network)
      const message = `forgotten: what driver ${network.type} made of it stays until that driver is back`
      strikeNetwork(host, network, { message })
    })
  } catch (error) {
    throw partly(error, named, operation)
  }
}

async function forgetEndpoints(host: HostContext, networkId: string, { signal }: Operation): Promise<void> {
  const { inventory, queue } = host
  for (const { id, handle } of inventory.endpointsOfNetwork(networkId)) {
    await queue.run(containerQueue(handle), async () => {
      const network = inventory.networks.get(networkId)
      const endpoint = inventory.endpoints.get(id)
      if (network === undefined || endpoint === undefined) return
      signal?.throwIfAborted()
      assertForgettable(host, network)
      forgetEndpoint(host, endpoint)
    })
  }
}

function partly(error: unknown, { id, name }: NetworkRecord, { signal }: Operation): unknown {
  if (ConetError.is(error)) return retold(error, { operationState: 'partial' })
  if (signal?.aborted !== true || error !== signal.reason) return error
  return new ConetError('cancelled', `forget network ${name}: its caller gave it up`, {
    cause: error,
    details: { networkId: id },
    operationState: 'partial',
    help: `it is on its way out: conet net rm ${name} --forget ends it`,
  })
}

function assertForgettable({ drivers }: HostContext, network: NetworkRecord): void {
  const { id, name, type } = network
  const refuse = (why: string, help: string) =>
    new ConetError('failedPrecondition', `forget network ${name}: ${why}`, {
      details: { networkId: id, driver: type, driverState: drivers.stateOf(type) },
      help,
    })
  if (!isForgettable(network)) {
    throw refuse(
      'it is a network of the cluster, and other hosts may use it',
      `delete it where driver ${type} runs: conet net rm ${name}`,
    )
  }
  if (drivers.isThere(type))
    throw refuse(`its driver ${type} is connected, or about to be`, `delete it: conet net rm ${name}`)
}
