// After every connect a driver is told what should be; what differs is repaired, what nobody wants is removed.
import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { DesiredEndpoint, Network, SyncParams, SyncResult } from '@conet/sdk'
import type { EndpointRecord } from '../domain/endpoint.ts'
import { isWanted } from '../domain/endpoint.ts'
import { driverView, type NetworkRecord } from '../domain/network.ts'
import type { DriverSession } from './driver-access.ts'
import { desiredEndpoint } from './driver-parameters.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext } from './host-context.ts'
import { isDriverAway } from './remove-endpoint.ts'
import { assertAnswer, mendInSandbox } from './sandbox-settlement.ts'

/** Well below the 4 MiB that a message may have. */
const pageBytes = 1024 * 1024

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
  const told = new Set<string>()
  const isNew = ({ endpointId }: DesiredEndpoint) => !told.has(endpointId)
  // A plug that the driver answered before its connection ended may come on record meanwhile: said in one more round.
  do {
    const desired = desiredState(host, session.driver.name)
    for (const { endpointId } of desired.endpoints) told.add(endpointId)
    await tell(host, session, desired, options)
  } while (desiredState(host, session.driver.name).endpoints.some(isNew))
}

async function tell(
  host: HostContext,
  session: DriverSession,
  desired: Desired,
  { signal, isStandby = false }: ReconcileOptions,
): Promise<void> {
  const operationId = `sync-${randomUUID()}`
  const options = signal === undefined ? { operationId } : { operationId, signal }
  failpoint('host:sync:begun')
  for (const page of pagesOf(desired, operationId)) {
    const result = await session.call('driver/sync', page, options)
    failpoint('host:sync:answered')
    await applyResult(host, result)
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

type Desired = { networks: Network[]; endpoints: DesiredEndpoint[] }

function desiredState(host: HostContext, driver: string): Desired {
  const networks = [...host.inventory.networks.values()].filter(
    ({ type, state }) => type === driver && state === 'active',
  )
  const endpoints = networks.flatMap((network) =>
    host.inventory
      .endpointsOfNetwork(network.id)
      .filter(isWanted)
      .map((endpoint) => desiredEndpoint(host, endpoint, network)),
  )
  return { networks: networks.map(driverView), endpoints }
}

/** Networks before their endpoints, in pages that fit into a message. The last page may be empty. */
function* pagesOf({ networks, endpoints }: Desired, syncId: string): Generator<SyncParams> {
  let page: SyncParams = { syncId, more: true, networks: [], endpoints: [] }
  let size = 0
  const items = [
    ...networks.map((network) => ({ add: () => page.networks.push(network), bytes: lengthOf(network) })),
    ...endpoints.map((endpoint) => ({ add: () => page.endpoints.push(endpoint), bytes: lengthOf(endpoint) })),
  ]
  for (const { add, bytes } of items) {
    if (size > 0 && size + bytes > pageBytes) {
      yield page
      page = { syncId, more: true, networks: [], endpoints: [] }
      size = 0
    }
    add()
    size += bytes
  }
  yield { ...page, more: false }
}

function lengthOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}

async function applyResult(host: HostContext, { repaired, failed, plugged }: SyncResult): Promise<void> {
  for (const what of repaired) host.log.info({ what }, 'the driver repaired what differed')
  for (const { networkId, endpointId, error } of failed) {
    host.log.error({ networkId, endpointId, error }, 'the driver could not repair this')
    const endpoint = endpointId === undefined ? undefined : host.inventory.endpoints.get(endpointId)
    if (endpoint !== undefined) putEndpoint(host, { ...endpoint, lastError: error.message })
  }
  for (const { endpointId, result } of plugged) {
    const endpoint = host.inventory.endpoints.get(endpointId)
    const network = endpoint && host.inventory.networks.get(endpoint.networkId)
    if (endpoint !== undefined && network !== undefined)
      await applyPlugged(host, { endpoint, network }, result)
  }
}

async function applyPlugged(
  host: HostContext,
  { endpoint, network }: { endpoint: EndpointRecord; network: NetworkRecord },
  result: SyncResult['plugged'][number]['result'],
): Promise<void> {
  const sandbox = host.inventory.sandboxes.get(endpoint.handle)
  if (sandbox === undefined || endpoint.state !== 'plugged') return
  const { lastError: _mended, ...record } = endpoint
  try {
    assertAnswer(host, { endpoint, network, sandbox }, result)
    await mendInSandbox(host, { endpoint, network, sandbox }, result)
    if (endpoint.lastError !== undefined || !isDeepStrictEqual(endpoint.result, result))
      putEndpoint(host, { ...record, result })
  } catch (error) {
    const lastError = error instanceof Error ? error.message : String(error)
    host.log.error({ endpointId: endpoint.id, err: error }, 'an interface could not be repaired')
    putEndpoint(host, { ...record, lastError })
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

function putEndpoint(host: HostContext, endpoint: EndpointRecord): void {
  host.inventory.commit((change) => change.putEndpoint(endpoint))
}
