// After every connect a driver is told what should be; what differs is repaired, what nobody wants is removed.
import { randomUUID } from 'node:crypto'
import type { SyncParams, SyncResult } from '@conet/sdk'
import type { DriverSession } from './driver-access.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext } from './host-context.ts'
import { isDriverAway } from './remove-endpoint.ts'
import { applyCreated, applyPlugged, repairLater } from './repair.ts'
import { isAllTold, syncPages, type Told } from './sync-pages.ts'

export type ReconcileOptions = {
  readonly signal?: AbortSignal
  /** Another instance works: what this one names as unknown may be on its way into a record. */
  readonly isStandby?: boolean
}

/**
 * Brings driver and record to one story. Called before anybody else's calls go to the driver. Throws when the
 * driver does not answer; what it could not repair is on the endpoint's record and in the log.
 */
export async function reconcile(
  host: HostContext,
  session: DriverSession,
  options: ReconcileOptions = {},
): Promise<void> {
  const { name } = session.driver
  const told: Told = new Map()
  do {
    await host.answeredPlugs.recorded(name)
    await tell(host, session, { ...options, told })
    // What the driver answered before its connection ended may come on record meanwhile: said in one more round. A
    // standby is told again anyway, when nobody else changes anything.
  } while (options.isStandby !== true && !isAllTold(host, name, told))
}

async function tell(
  host: HostContext,
  session: DriverSession,
  { signal, isStandby = false, told }: ReconcileOptions & { told: Told },
): Promise<void> {
  const operationId = `sync-${randomUUID()}`
  const options = signal === undefined ? { operationId } : { operationId, signal }
  const { name, limits } = session.driver
  failpoint('host:sync:begun')
  for (const page of syncPages(host, { driver: name, syncId: operationId, told, ...limits })) {
    const result = await session.call('driver/sync', page, options)
    failpoint('host:sync:answered')
    await applyResult(host, page, result)
    if (!page.more && !isStandby) await removeUnknown(host, session, { result, operationId })
  }
}

/** What was waiting for this driver goes on, once others may call it too. */
export async function finishRemovals(host: HostContext, driver: string): Promise<void> {
  const networkIdOf = ({ kind, id }: { kind: string; id: string }) =>
    kind === 'network' ? id : host.inventory.endpoints.get(id)?.networkId
  await host.removals.retryNow((removal) => {
    const networkId = networkIdOf(removal)
    return networkId !== undefined && host.inventory.networks.get(networkId)?.type === driver
  })
}

async function applyResult(host: HostContext, page: SyncParams, result: SyncResult): Promise<void> {
  for (const what of result.repaired) host.log.info({ what }, 'the driver repaired what differed')
  for (const { networkId, endpointId, error } of result.failed) {
    host.log.error({ networkId, endpointId, error }, 'the driver could not repair this')
    if (endpointId === undefined) repairLater(host, { kind: 'network', id: networkId }, error.message)
    else repairLater(host, { kind: 'endpoint', id: endpointId }, error.message)
  }
  const failed = new Set(result.failed.map(({ endpointId }) => endpointId))
  for (const { endpointId, sandbox } of page.endpoints) {
    const endpoint = host.inventory.endpoints.get(endpointId)
    const isCreated = sandbox === undefined && !failed.has(endpointId)
    if (isCreated && endpoint !== undefined) applyCreated(host, endpoint)
  }
  for (const { endpointId, result: plugged } of result.plugged) {
    const endpoint = host.inventory.endpoints.get(endpointId)
    const network = endpoint && host.inventory.networks.get(endpoint.networkId)
    if (endpoint !== undefined && network !== undefined)
      await applyPlugged(host, { endpoint, network }, plugged)
  }
}

/** What the driver has and no record wants: left by a crash, or by a host that is no more. */
async function removeUnknown(
  host: HostContext,
  session: DriverSession,
  { result: { unknown }, operationId }: { result: SyncResult; operationId: string },
): Promise<void> {
  const { endpoints, networks } = host.inventory
  for (const about of unknown.endpoints) {
    // On record, so that somebody is at work on it: the operation that makes it, or its pending removal.
    if (endpoints.has(about.endpointId)) continue
    host.log.warn(about, 'the driver has an endpoint that nobody wants: removing it')
    await removeOne(host, about, [
      session.call('endpoint/unplug', about, { operationId }),
      session.call('endpoint/delete', about, { operationId }),
    ])
  }
  for (const networkId of unknown.networkIds) {
    if (networks.has(networkId)) continue
    host.log.warn({ networkId }, 'the driver has a network that nobody wants: deleting it')
    await removeOne(host, { networkId }, [session.call('network/delete', { networkId }, { operationId })])
  }
}

/** What the driver cannot remove must not keep it from its networks: it is named again at the next sync. */
async function removeOne(host: HostContext, about: object, calls: Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(calls)) {
    if (outcome.status === 'fulfilled') continue
    if (isDriverAway(outcome.reason)) throw outcome.reason
    host.log.error({ ...about, err: outcome.reason }, 'what nobody wants could not be removed')
  }
  failpoint('host:sync:unknown-removed')
}
