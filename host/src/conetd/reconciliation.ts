// The record compared with what there is, for the API: which drivers can be asked, and which cannot.
import type { ReconciliationView } from '@conet/sdk/api'
import type { DriverReader } from '../api/api-context.ts'
import { differenceView, mendedView } from '../api/views/difference.ts'
import { differencesOf, type HostContext, mendDifferences, type Operation } from '../lifecycle/index.ts'

export async function previewReconciliation(
  host: HostContext,
  drivers: DriverReader,
  { id }: Operation,
): Promise<ReconciliationView> {
  const { ready, away } = askable(host, drivers)
  const differences = await differencesOf(host, ready, { operationId: id })
  const awayNames = new Set(away.map(({ driver }) => driver))
  const views = differences.map((difference) => {
    const { id, driver = '' } = difference
    const hasFailed = (host.repairs.reasonOf(id) ?? host.removals.reasonOf(id)) !== undefined
    return differenceView(difference, { hasFailed, isAway: awayNames.has(driver) })
  })
  return { dry_run: true, differences: views, drivers_away: away }
}

export async function reconcileNow(
  host: HostContext,
  drivers: DriverReader,
  operation: Operation,
): Promise<ReconciliationView> {
  const { ready, away } = askable(host, drivers)
  const mended = await mendDifferences(host, ready, operation)
  return { dry_run: false, differences: mended.map(mendedView), drivers_away: away }
}

function askable(host: HostContext, drivers: DriverReader) {
  const active = drivers.list().filter(({ role }) => role === 'active')
  const ready = active
    .filter(({ state }) => state === 'ready' || state === 'degraded')
    .map(({ name }) => name)
  const needed = new Set([...host.inventory.networks.values()].map(({ type }) => type))
  const away = [...needed].filter((name) => !ready.includes(name))
  return { ready, away: away.map((driver) => ({ driver, state: drivers.stateOf(driver) })) }
}
