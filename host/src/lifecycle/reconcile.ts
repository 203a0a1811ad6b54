// After every connect a driver is told what should be; what differs is repaired, what nobody wants is removed.
import { randomUUID } from 'node:crypto'
import type { SyncResult } from '@conet/sdk'
import { alignPolicies } from './align-policies.ts'
import type { SyncedSession } from './driver-access.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext } from './host-context.ts'
import { removeUnknown } from './remove-unknown.ts'
import { applyCreated, applyPlugged, isSettledAs, repairLater } from './repair.ts'
import { isSettledBy, noteSettled } from './settled-answers.ts'
import { assertTakesOver } from './standby-answer.ts'
import { answerToPage, logAnswer, type PageContent, type SyncAnswer } from './sync-answer.ts'
import { tellInPace } from './sync-pace.ts'
import { type SyncPage, syncPages } from './sync-pages.ts'
import { Told } from './sync-told.ts'

export type ReconcileOptions = {
  readonly signal?: AbortSignal
  /**
   * Another instance works: what this one names as unknown may be on its way into a record, and what it answers of
   * the rest changes no record. Throws `failedPrecondition` if it cannot make what the other has made.
   */
  readonly isStandby?: boolean
}

/**
 * Brings driver and record to one story. Called before anybody else's calls go to the driver. Throws when the
 * driver does not answer; what it could not repair is on the endpoint's record and in the log.
 */
export async function reconcile(
  host: HostContext,
  session: SyncedSession,
  options: ReconcileOptions = {},
): Promise<void> {
  const { name } = session.driver
  const told = new Told()
  do {
    await host.answeredPlugs.recorded(name)
    told.begin(host)
    await tell(host, session, { ...options, told })
    // What the driver answered before its connection ended may come on record meanwhile: said in one more round. A
    // standby is told again anyway, when nobody else changes anything.
  } while (options.isStandby !== true && !told.isAll(host, name))
}

async function tell(
  host: HostContext,
  session: SyncedSession,
  { signal, isStandby = false, told }: ReconcileOptions & { told: Told },
): Promise<void> {
  const operationId = `sync-${randomUUID()}`
  const options = signal === undefined ? { operationId } : { operationId, signal }
  const { name, limits } = session.driver
  host.syncRounds.begin(name)
  failpoint('host:sync:begun')
  if (!isStandby) {
    forgetMade(host, name)
    await alignPolicies(host, session)
  }
  const tellPage = async (page: SyncPage) => {
    told.add({ networks: page.networks, endpoints: page.endpoints })
    const { changes } = host.inventory
    const result = await session.sync(page.params, options)
    failpoint('host:sync:answered')
    if (!isSettledBy(host, page, result, changes)) {
      const answer = answerToPage(page, result)
      logAnswer(host.log, name, answer)
      if (isStandby) return assertTakesOver(host, name, answer.failed)
      if (await applyAnswer(host, page, answer)) noteSettled(page, result)
    }
    if (!page.more && !isStandby) await removeUnknown(host, session, result.unknown, options)
  }
  await tellInPace(syncPages(host, { driver: name, syncId: operationId, ...limits }), tellPage)
}

/** What another connection was told counts no more. */
function forgetMade(host: HostContext, driver: string): void {
  for (const { id, type } of host.inventory.networks.values()) if (type === driver) host.made.gone(id)
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

/** Resolves to whether there was nothing to do, and nothing to say. */
async function applyAnswer(host: HostContext, page: PageContent, answer: SyncAnswer): Promise<boolean> {
  noteMade(host, page, answer)
  const lacking = new Set(answer.failed.map(({ networkId, endpointId }) => endpointId ?? networkId))
  for (const { id } of page.networks) if (!lacking.has(id)) host.repairs.done(id)
  for (const { networkId, endpointId, error } of answer.failed) {
    if (endpointId === undefined) repairLater(host, { kind: 'network', id: networkId }, error.message)
    else repairLater(host, { kind: 'endpoint', id: endpointId }, error.message)
  }
  const failed = new Set(answer.failed.map(({ endpointId }) => endpointId))
  for (const { endpointId, sandbox } of page.endpoints) {
    if (sandbox !== undefined || failed.has(endpointId)) continue
    const endpoint = host.inventory.endpoints.get(endpointId)
    if (endpoint !== undefined) applyCreated(host, endpoint)
  }
  let settled = 0
  for (const { endpointId, result: plugged } of answer.plugged) {
    const endpoint = host.inventory.endpoints.get(endpointId)
    if (endpoint === undefined) continue
    if (isSettledAs(host, endpoint, plugged)) {
      host.repairs.done(endpoint.id)
      settled += 1
      continue
    }
    const network = host.inventory.networks.get(endpoint.networkId)
    if (network !== undefined) await applyPlugged(host, { endpoint, network }, plugged)
  }
  return settled === page.endpoints.length && answer.repaired.length + answer.strangers === 0
}

/** Of networks of the cluster: which of them the driver has now. */
function noteMade(host: HostContext, page: PageContent, { failed }: Pick<SyncResult, 'failed'>): void {
  const lacking = new Set(failed.flatMap(({ networkId, endpointId }) => (endpointId ? [] : networkId)))
  for (const { id } of page.networks) {
    if (host.inventory.networks.get(id)?.scope !== 'global') continue
    if (lacking.has(id)) host.made.begun(id)
    else host.made.made(id)
  }
}
