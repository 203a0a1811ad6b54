// `driver/sync`: makes what a page names so, says what differed, and on the last page what nobody named.
import { ConetError, type DesiredEndpoint, type Network, type SyncParams, type SyncResult } from '@conet/sdk'
import type { Call } from './call.ts'
import { createEndpoint, createNetwork, plug } from './life.ts'
import type { ZooDriver } from './zoo-driver.ts'

/** What the pages of one sync, and the calls since it began, have named. */
export class SyncRound {
  readonly syncId: string
  readonly networkIds = new Set<string>()
  readonly endpointIds = new Set<string>()

  constructor(syncId: string) {
    this.syncId = syncId
  }
}

export async function sync(page: SyncParams, call: Call): Promise<SyncResult> {
  const { session } = call
  const { driver } = session
  driver.isDraining = false
  if (session.round?.syncId !== page.syncId) session.round = new SyncRound(page.syncId)
  const { round } = session
  for (const { id } of page.networks) round.networkIds.add(id)
  for (const { endpointId } of page.endpoints) round.endpointIds.add(endpointId)
  await driver.order.idle()
  await driver.behaviour.work(call)
  const result: SyncResult = { repaired: [], failed: [], plugged: [], unknown: nothing() }
  for (const network of page.networks)
    attempt(result, { networkId: network.id }, () => ensureNetwork(driver, network, result))
  for (const endpoint of page.endpoints) {
    const ids = { networkId: endpoint.network.id, endpointId: endpoint.endpointId }
    attempt(result, ids, () => ensureEndpoint(driver, endpoint, result))
  }
  return page.more ? result : { ...result, unknown: unknownTo(driver, round) }
}

function nothing(): SyncResult['unknown'] {
  return { networkIds: [], endpoints: [] }
}

function attempt(
  result: SyncResult,
  ids: { networkId: string; endpointId?: string },
  ensure: () => void,
): void {
  try {
    ensure()
  } catch (error) {
    if (!ConetError.is(error)) throw error
    result.failed.push({ ...ids, error: { name: error.kind, message: error.message } })
  }
}

function ensureNetwork(driver: ZooDriver, network: Network, result: SyncResult): void {
  const { networks } = driver.records
  const wasThere = networks.has(network.id)
  // A sync has the last word on what an object is.
  networks.delete(network.id)
  createNetwork(driver, network)
  driver.records.peers.delete(network.id)
  if (!wasThere) result.repaired.push(`network ${network.name} was missing`)
}

function ensureEndpoint(driver: ZooDriver, endpoint: DesiredEndpoint, result: SyncResult): void {
  const { records } = driver
  const { endpointId, sandbox, network } = endpoint
  if (result.failed.some(({ networkId, endpointId: of }) => networkId === network.id && of === undefined)) {
    throw new ConetError('failedPrecondition', `endpoint ${endpointId}: its network failed`)
  }
  const before = records.endpoints.get(endpointId)
  if (before === undefined) result.repaired.push(`endpoint ${endpointId} was missing`)
  else records.endpoints.set(endpointId, { ...before, content: undefined })
  createEndpoint(driver, endpoint)
  if (before?.sandbox !== undefined && before.sandbox !== sandbox?.path) {
    result.repaired.push(`endpoint ${endpointId} was plugged into ${before.sandbox}`)
    records.unplug(endpointId)
  }
  if (sandbox === undefined) return
  const plugged = plug(driver, { ...endpoint, sandbox })
  if (before !== undefined && before.sandbox === undefined)
    result.repaired.push(`endpoint ${endpointId} was not plugged`)
  result.plugged.push({ networkId: network.id, endpointId, result: plugged })
}

function unknownTo({ records }: ZooDriver, round: SyncRound): SyncResult['unknown'] {
  return {
    networkIds: [...records.networks.keys()].filter((id) => !round.networkIds.has(id)),
    endpoints: records.refs().filter(({ endpointId }) => !round.endpointIds.has(endpointId)),
  }
}
