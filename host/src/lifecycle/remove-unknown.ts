// What a driver has and no record wants is removed, many side by side: calls may wait for the end of it.
import type { EndpointRef, SyncResult } from '@conet/sdk'
import type { CallOptions, DriverSession } from './driver-access.ts'
import { isDriverAway } from './driver-call.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext } from './host-context.ts'
import { shouldBeAtDriver } from './network-at-driver.ts'
import { onceEach, tellSome } from './sync-answer.ts'

type Unknown = SyncResult['unknown']
type Failure = { readonly about: object; readonly err: unknown }

const removalsAtOnce = 16

/** What the driver has and no record wants: left by a crash, or by a host that is no more. */
export async function removeUnknown(
  host: HostContext,
  session: DriverSession,
  unknown: Unknown,
  options: CallOptions,
): Promise<void> {
  const { name: driver } = session.driver
  // What is on record has somebody at work on it: the operation that makes it, or its pending removal.
  const endpoints = onceEach(unknown.endpoints).filter(
    ({ endpointId }) => !host.inventory.endpoints.has(endpointId),
  )
  const networkIds = [...new Set(unknown.networkIds)].filter((id) => isUnwanted(host, id))
  tellSome(endpoints, (about, others) =>
    host.log.warn(
      { driver, ...about, ...others },
      'the driver has an endpoint that nobody wants: removing it',
    ),
  )
  tellSome(networkIds, (networkId, others) =>
    host.log.warn(
      { driver, networkId, ...others },
      'the driver has a network that nobody wants: deleting it',
    ),
  )
  const failures = await removeAll(session, { endpoints, networkIds }, options)
  tellSome(failures, ({ about, err }, others) =>
    host.log.error({ driver, ...about, err, ...others }, 'what nobody wants could not be removed'),
  )
}

/** One of the cluster that nothing here uses is on record, and not to be at the driver. */
export function isUnwanted(host: HostContext, networkId: string): boolean {
  const network = host.inventory.networks.get(networkId)
  if (network === undefined) return true
  return network.scope === 'global' && network.state === 'active' && !shouldBeAtDriver(host, network)
}

/** What the driver cannot remove must not keep it from its networks: it is named again at the next sync. */
async function removeAll(
  session: DriverSession,
  { endpoints, networkIds }: Unknown,
  options: CallOptions,
): Promise<Failure[]> {
  const ofEndpoints = await failuresOf(endpoints, (about: EndpointRef) => [
    session.call('endpoint/unplug', about, options),
    session.call('endpoint/delete', about, options),
  ])
  const ofNetworks = await failuresOf(
    networkIds.map((networkId) => ({ networkId })),
    (about) => [session.call('network/delete', about, options)],
  )
  return [...ofEndpoints, ...ofNetworks]
}

/** Throws when there is no driver to ask any more. */
async function failuresOf<T extends object>(
  all: readonly T[],
  remove: (about: T) => Promise<unknown>[],
): Promise<Failure[]> {
  const failures: Failure[] = []
  const waiting = all.values()
  const worker = async () => {
    for (const about of waiting)
      for (const err of await reasonsOf(remove(about))) failures.push({ about, err })
  }
  await Promise.all(Array.from({ length: removalsAtOnce }, worker))
  return failures
}

async function reasonsOf(calls: Promise<unknown>[]): Promise<unknown[]> {
  const reasons: unknown[] = []
  for (const outcome of await Promise.allSettled(calls)) {
    if (outcome.status === 'fulfilled') continue
    if (isDriverAway(outcome.reason)) throw outcome.reason
    reasons.push(outcome.reason)
  }
  failpoint('host:sync:unknown-removed')
  return reasons
}
