// A network of the cluster is at this host's driver only while the host has endpoints in it: made before the first one,
// taken away after the last.
import type { NetworkRecord } from '../domain/network.ts'
import { driverView } from '../domain/network.ts'
import type { DriverSession } from './driver-access.ts'
import { callFor, isDriverAway } from './driver-call.ts'
import type { HostContext, Operation } from './host-context.ts'

/** Which networks of the cluster the drivers here have. In memory: every sync says anew what they should have. */
export class MadeNetworks {
  readonly #states = new Map<string, 'made' | 'maybe'>()
  readonly #onMade: (id: string) => void

  /** `onMade`: a driver has just been told of it, maybe again. */
  constructor(onMade: (id: string) => void = () => undefined) {
    this.#onMade = onMade
  }

  /** The driver has it, as far as the host knows. */
  isMade(id: string): boolean {
    return this.#states.get(id) === 'made'
  }

  /** The driver has it, or may have it. */
  mayBeMade(id: string): boolean {
    return this.#states.has(id)
  }

  begun(id: string): void {
    this.#states.set(id, 'maybe')
  }

  made(id: string): void {
    this.#states.set(id, 'made')
    this.#onMade(id)
  }

  gone(id: string): void {
    this.#states.delete(id)
  }
}

/** Whether the driver should have the network now. */
export function shouldBeAtDriver(host: HostContext, network: NetworkRecord): boolean {
  return network.state === 'active' && isHere(host, network)
}

/** Whether this machine has something of it, or may have: also one that is being made or deleted. */
function isHere(host: HostContext, { id, scope }: NetworkRecord): boolean {
  return scope !== 'global' || isUsedHere(host, id)
}

export function isUsedHere(host: HostContext, networkId: string): boolean {
  return host.inventory.isUsed(networkId)
}

/**
 * Makes a network of the cluster here, if it is not. An endpoint of it must be on record, or it may be taken away again.
 * Throws `subnetOverlap` where this machine has a network, or a route, with the same addresses.
 */
export async function ensureAtDriver(
  host: HostContext,
  { network, session }: { network: NetworkRecord; session: DriverSession },
  operation: Operation,
): Promise<void> {
  const { id, scope } = network
  if (scope !== 'global' || host.made.isMade(id)) return
  await host.queue.run(queueOf(id), async () => {
    if (!host.made.isMade(id)) await makeAtDriver(host, { network, session }, operation)
  })
}

/** As `ensureAtDriver`, also of a network that was made: somebody has damaged it since. The driver hears of all peers again. */
export function makeAgainAtDriver(
  host: HostContext,
  facts: { network: NetworkRecord; session: DriverSession },
  operation: Operation,
): Promise<void> {
  const { id } = facts.network
  return host.queue.run(queueOf(id), async () => {
    // The last endpoint of it may have ended meanwhile: nobody would take it away again.
    const network = host.inventory.networks.get(id)
    if (network !== undefined && shouldBeAtDriver(host, network))
      await makeAtDriver(host, { ...facts, network }, operation)
  })
}

async function makeAtDriver(
  host: HostContext,
  { network, session }: { network: NetworkRecord; session: DriverSession },
  operation: Operation,
): Promise<void> {
  const { id } = network
  host.addresses.assertApart(network, {
    isHere: (other) => isHere(host, other),
    isNew: !host.made.mayBeMade(id),
  })
  host.made.begun(id)
  await session.call('network/create', { network: driverView(network) }, callFor(operation))
  host.made.made(id)
}

/** After something of the network has ended here: if that was the last, the driver and the cluster get it back, by and by. */
export function releaseIfUnused(host: HostContext, networkId: string): void {
  const network = host.inventory.networks.get(networkId)
  if (network?.scope !== 'global' || isUsedHere(host, networkId)) return
  void host.queue
    .run(queueOf(networkId), () => takeFromDriver(host, network))
    .catch((err) => host.log.warn({ networkId, err }, 'an unused network is still at its driver'))
  const { id, name, subnets, blockBits = 0 } = network
  void host.cluster?.networks.leave({ id, name, subnets, blockBits }, () => !isUsedHere(host, id))
  host.cluster?.tellIfGone(id)
}

async function takeFromDriver(host: HostContext, { id, type }: NetworkRecord): Promise<void> {
  if (isUsedHere(host, id) || !host.made.mayBeMade(id)) return
  try {
    const session = await host.drivers.require(type)
    if (isUsedHere(host, id)) return
    // Whoever plugs from now on makes it again, after this.
    host.made.begun(id)
    await session.call('network/delete', { networkId: id }, { operationId: `idle-${id}` })
    host.made.gone(id)
  } catch (error) {
    // It is told when it is back: a sync names only what is used.
    if (!isDriverAway(error)) throw error
  }
}

function queueOf(networkId: string): string {
  return `at-driver:${networkId}`
}
