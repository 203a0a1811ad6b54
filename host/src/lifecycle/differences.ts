// What differs between the record and what there is: at the drivers, and among the sandboxes that conet holds. Asks and
// compares; changes nothing. What changes while it asks is no difference: only what was so before and after counts.
import type { EndpointRef, ListedEndpoint, NetworkFault } from '@conet/sdk'
import type { SandboxRecord } from '../domain/container.ts'
import { type EndpointRecord, isWanted } from '../domain/endpoint.ts'
import { sandboxIdOf } from '../domain/ids.ts'
import { alteredInterfaces, withoutLoopback } from './altered-interfaces.ts'
import type { CallOptions } from './driver-access.ts'
import type { HostContext } from './host-context.ts'
import { lostSandboxes } from './lost-sandboxes.ts'
import { lookForInterfaces, type MissingInterface } from './missing-interfaces.ts'
import { shouldBeAtDriver } from './network-at-driver.ts'
import { isUnwanted } from './remove-unknown.ts'
import { unforwardedNetworks } from './unforwarded-networks.ts'

/** Of what is `missing`, where nobody knows more. */
export const notAtDriver = 'its driver does not have it'

/** `missing`: on record and not there. `unknown`: there and on no record. `failing`: there, and not as it should be. */
export type Problem = 'missing' | 'unknown' | 'failing' | 'removal-pending'

export type Difference = {
  readonly object: 'network' | 'endpoint' | 'sandbox'
  readonly id: string
  readonly problem: Problem
  readonly driver?: string | undefined
  readonly networkId?: string | undefined
  /** The container's handle. */
  readonly container?: string | undefined
  readonly reason?: string | undefined
}

/** `drivers`: those that can be asked. Throws what one of them fails with. */
export async function differencesOf(
  host: HostContext,
  drivers: readonly string[],
  options: CallOptions,
): Promise<Difference[]> {
  const atDrivers = await Promise.all(drivers.map((driver) => lookAtDriver(host, driver, options)))
  const interfaces = (await lookForInterfaces(host)).map((gone) => incomplete(gone, host.inventory))
  const altered = (await alteredInterfaces(host)).map((one) => incomplete(one, host.inventory))
  const loopbacks = (await withoutLoopback(host)).map(loopbackDown)
  const troubles = knownTroubles(host)
  // Where the port is gone, its driver has found so too.
  const withoutInterface = new Set(interfaces.map(({ id }) => id))
  const others = atDrivers.flat().filter(({ id }) => !withoutInterface.has(id))
  const found = [...others, ...interfaces]
  const incompleteIds = new Set(found.map(({ id }) => id))
  found.push(...altered.filter(({ id }) => !incompleteIds.has(id)))
  const foundIds = new Set(found.map(({ id }) => id))
  found.unshift(...unforwardedNetworks(host, drivers).filter(({ id }) => !foundIds.has(id)))
  const told = new Set(found.map(({ id }) => id))
  const untold = troubles.filter(({ id }) => !told.has(id))
  return [...found, ...untold, ...loopbacks, ...sandboxDifferences(host)]
}

/** What one driver's lists say. What has lost something is shown from now on, until the driver says otherwise. */
export async function lookAtDriver(
  host: HostContext,
  driver: string,
  options: CallOptions,
): Promise<Difference[]> {
  using look = host.repairs.look(driver)
  const found = await differencesAt(host, driver, options)
  const lost = found.filter((difference) => isLoss(host, difference))
  look.found(new Map(lost.map(({ id, reason = notAtDriver }) => [id, reason])))
  return found
}

/** Whether it was there and well before: not what is on its way in or out. */
export function isLoss(host: HostContext, { object, id, problem }: Difference): boolean {
  if (problem !== 'missing' && problem !== 'failing') return false
  if (object === 'endpoint') return isPlugged(host, id)
  return object === 'network' && (host.inventory.networks.get(id)?.scope !== 'global' || host.made.isMade(id))
}

async function differencesAt(host: HostContext, driver: string, options: CallOptions): Promise<Difference[]> {
  const session = await host.drivers.require(driver)
  const before = wantedAt(host, driver)
  const wantedBefore = new Set(before.map(({ id }) => id))
  const plugged = new Set(before.filter(({ id }) => isPlugged(host, id)).map(({ id }) => id))
  const known = {
    networks: new Set(host.inventory.networks.keys()),
    endpoints: new Set(host.inventory.endpoints.keys()),
  }
  const [networks, endpoints] = await Promise.all([
    session.call('network/list', {}, options),
    session.call('endpoint/list', {}, options),
  ])
  const there = new Set([...networks.networkIds, ...endpoints.endpoints.map(({ endpointId }) => endpointId)])
  const missing = wantedAt(host, driver).filter(({ id }) => !there.has(id) && wantedBefore.has(id))
  const faults = new Map(networks.faults?.map(({ networkId, fault }) => [networkId, fault]))
  const faulty = (networks.faults ?? []).filter(({ networkId }) => there.has(networkId))
  const strangeNetworks = networks.networkIds.filter(
    (id) => isUnwanted(host, id) && (!known.networks.has(id) || host.inventory.networks.has(id)),
  )
  const strangeEndpoints = endpoints.endpoints.filter(
    ({ endpointId: id }) => !known.endpoints.has(id) && !host.inventory.endpoints.has(id),
  )
  return [
    ...missing.map((wanted) => {
      const reason = host.repairs.reasonOf(wanted.id) ?? faults.get(wanted.id)
      return { ...wanted, problem: 'missing' as const, driver, reason }
    }),
    ...faultyNetworks(host, faulty, known.networks).map((about) => ({ ...about, driver })),
    ...faultyEndpoints(host, endpoints.endpoints, plugged).map((about) => ({ ...about, driver })),
    ...strangeEndpoints.map((about) => strangeEndpoint(about, driver)),
    ...strangeNetworks.map((id) => ({ object: 'network' as const, id, problem: 'unknown' as const, driver })),
  ]
}

/** `known`: before the driver was asked. One that is being made, or on its way out, is neither well nor ill. */
function faultyNetworks(
  host: HostContext,
  faults: readonly NetworkFault[],
  known: ReadonlySet<string>,
): Difference[] {
  return faults.flatMap(({ networkId: id, fault: reason }) => {
    const network = host.inventory.networks.get(id)
    if (network === undefined || !known.has(id) || !shouldBeAtDriver(host, network)) return []
    return [{ object: 'network' as const, id, problem: 'failing' as const, reason }]
  })
}

/** Those of which their driver says that something is wrong. `plugged`: before it was asked. */
function faultyEndpoints(
  host: HostContext,
  listed: readonly ListedEndpoint[],
  plugged: ReadonlySet<string>,
): Difference[] {
  return listed.flatMap(({ endpointId: id, fault: reason }) => {
    const endpoint = host.inventory.endpoints.get(id)
    if (reason === undefined || endpoint === undefined) return []
    if (!plugged.has(id) || !isPlugged(host, id)) return []
    return [{ ...wantedEndpoint(endpoint), problem: 'failing' as const, reason }]
  })
}

function isPlugged({ inventory }: HostContext, id: string): boolean {
  return inventory.endpoints.get(id)?.state === 'plugged'
}

type Wanted = Pick<Difference, 'object' | 'id' | 'networkId' | 'container'>

/** Networks before their endpoints. */
function wantedAt(host: HostContext, driver: string): Wanted[] {
  const networks = [...host.inventory.networks.values()].filter(
    (network) => network.type === driver && shouldBeAtDriver(host, network),
  )
  const endpoints = networks.flatMap(({ id }) => host.inventory.endpointsOfNetwork(id).filter(isWanted))
  return [...networks.map(({ id }) => ({ object: 'network' as const, id })), ...endpoints.map(wantedEndpoint)]
}

function wantedEndpoint({ id, networkId, handle }: EndpointRecord): Wanted {
  return { object: 'endpoint', id, networkId, container: handle }
}

function strangeEndpoint({ networkId, endpointId }: EndpointRef, driver: string): Difference {
  return { object: 'endpoint', id: endpointId, networkId, problem: 'unknown', driver }
}

/** What the host knows already to be amiss, and tries again by itself. */
function knownTroubles({ inventory, repairs }: HostContext): Difference[] {
  const endpoints = [...inventory.endpoints.values()].flatMap((endpoint): Difference[] => {
    const driver = inventory.networks.get(endpoint.networkId)?.type
    const about = { ...wantedEndpoint(endpoint), driver, reason: endpoint.lastError }
    if (endpoint.state === 'deleting') return [{ ...about, problem: 'removal-pending' }]
    return isWanted(endpoint) && endpoint.lastError !== undefined ? [{ ...about, problem: 'failing' }] : []
  })
  const networks = [...inventory.networks.values()].flatMap(({ id, state, type }): Difference[] => {
    const about = { object: 'network' as const, id, driver: type }
    if (state === 'deleting') return [{ ...about, problem: 'removal-pending' }]
    const reason = repairs.reasonOf(id)
    return reason === undefined ? [] : [{ ...about, problem: 'failing', reason }]
  })
  return [...endpoints, ...networks]
}

function incomplete(
  { endpoint, reason }: MissingInterface,
  { networks }: HostContext['inventory'],
): Difference {
  const driver = networks.get(endpoint.networkId)?.type
  return { ...wantedEndpoint(endpoint), problem: 'failing', driver, reason }
}

function loopbackDown({ id, handle }: SandboxRecord): Difference {
  return { object: 'sandbox', id, problem: 'failing', container: handle, reason: 'lo is down' }
}

function sandboxDifferences(host: HostContext): Difference[] {
  const { inventory, sandboxes } = host
  const running = [...inventory.sandboxes.values()].filter(({ state }) => state !== 'stopped')
  const ids = new Set(running.map(({ handle }) => sandboxIdOf(handle)))
  return [
    ...lostSandboxes(host).map(({ id, handle, path }): Difference => {
      const reason = `its network namespace is not at ${path} any more`
      return { object: 'sandbox', id, problem: 'missing', container: handle, reason }
    }),
    ...sandboxes.others(ids).map((id) => ({ object: 'sandbox', id, problem: 'unknown' }) as const),
  ]
}
