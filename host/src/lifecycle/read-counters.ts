// What went through endpoints: from drivers that count, else from the interfaces in the sandboxes.
import { setImmediate as turn } from 'node:timers/promises'
import type { EndpointRef } from '@conet/sdk'
import { type EndpointRecord, interfaceNames } from '../domain/endpoint.ts'
import { type Counters, interfaceCounters } from '../sandbox/index.ts'
import type { DriverSession } from './driver-access.ts'
import { callFor } from './driver-call.ts'
import type { HostContext, Operation } from './host-context.ts'

/** Of one call (docs/protocol-policy.md STAT-4). */
const mostAtOnce = 4_096
/** After so many sandboxes others have their turn. */
const sandboxesInARow = 16

/** By the id of the endpoint; those that are not plugged, or that nobody can count, are left out. Changes nothing. */
export async function readCounters(
  host: HostContext,
  endpoints: readonly EndpointRecord[],
  operation: Operation,
): Promise<ReadonlyMap<string, Counters>> {
  const counters = new Map<string, Counters>()
  const plugged = endpoints.filter(({ state }) => state === 'plugged')
  const byDriver = new Map<string, EndpointRecord[]>()
  for (const endpoint of plugged) {
    const driver = host.inventory.networks.get(endpoint.networkId)?.type ?? ''
    const others = byDriver.get(driver)
    if (others === undefined) byDriver.set(driver, [endpoint])
    else others.push(endpoint)
  }
  for (const [driver, ofDriver] of byDriver) {
    const isCounted = await askDriver(host, { driver, endpoints: ofDriver, counters }, operation)
    if (!isCounted) await readInSandboxes(host, { endpoints: ofDriver, counters })
  }
  return counters
}

type Reading = { readonly endpoints: readonly EndpointRecord[]; readonly counters: Map<string, Counters> }

/** False: it does not count, or is not there. */
async function askDriver(
  host: HostContext,
  { driver, endpoints, counters }: Reading & { driver: string },
  operation: Operation,
): Promise<boolean> {
  try {
    const session = await host.drivers.require(driver, operation)
    if (!session.driver.capabilities.methods.includes('endpoint/stats')) return false
    for (let from = 0; from < endpoints.length; from += mostAtOnce)
      await askPage(session, { endpoints: endpoints.slice(from, from + mostAtOnce), counters }, operation)
    return true
  } catch (err) {
    operation.signal?.throwIfAborted()
    host.log.warn({ driver, err }, 'the driver does not say what it counts: reading the interfaces')
    return false
  }
}

async function askPage(
  session: DriverSession,
  { endpoints, counters }: Reading,
  operation: Operation,
): Promise<void> {
  const asked = new Map(
    endpoints.map(({ id, networkId }): [string, EndpointRef] => [id, { networkId, endpointId: id }]),
  )
  const params = { endpoints: [...asked.values()] }
  const { stats } = await session.call('endpoint/stats', params, callFor(operation))
  for (const { networkId: _network, endpointId, ...counted } of stats)
    if (asked.has(endpointId)) counters.set(endpointId, counted)
}

/** What an interface counts that it shares is not its own. */
function isCountable({ inventory }: HostContext, { networkId, result }: EndpointRecord): boolean {
  return result?.interfaces.length !== 0 && inventory.networks.get(networkId)?.sandbox !== 'private'
}

async function readInSandboxes(host: HostContext, { endpoints, counters }: Reading): Promise<void> {
  let inARow = 0
  for (const endpoint of endpoints) {
    const sandbox = host.inventory.sandboxes.get(endpoint.handle)
    if (sandbox === undefined || !isCountable(host, endpoint)) continue
    try {
      const counted = interfaceCounters(sandbox.path, interfaceNames(endpoint))
      if (counted !== undefined) counters.set(endpoint.id, counted)
    } catch (err) {
      host.log.debug({ endpointId: endpoint.id, err }, 'its interfaces cannot be read')
    }
    inARow = (inARow + 1) % sandboxesInARow
    if (inARow === 0) await turn()
  }
}
