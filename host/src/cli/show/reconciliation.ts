// What differs between the record and what there is, as people read it.
import type { ReconciliationView } from '@conet/sdk/client'
import { type Detail, shownId } from './short-id.ts'
import { table } from './table.ts'

/** Of what is mended it is of the past. */
function reasonText({ outcome, reason }: ReconciliationView['differences'][number]): string {
  if (reason === undefined) return ''
  return outcome === 'repaired' ? `was: ${reason}` : reason
}

export function reconciliationPage(
  { dry_run: isDryRun, differences, drivers_away: away }: ReconciliationView,
  detail: Detail,
): string {
  const rows = differences.map((one) => [
    one.kind,
    shownId(one.id, detail),
    one.driver ?? '',
    one.container ?? '',
    one.problem,
    isDryRun ? one.repair : (one.outcome ?? ''),
    one.error?.message ?? reasonText(one),
  ])
  const headings = ['KIND', 'ID', 'DRIVER', 'CONTAINER', 'PROBLEM', isDryRun ? 'WOULD' : 'OUTCOME', 'REASON']
  const nothing =
    away.length === 0 ? 'all is as the record says\n' : 'nothing differs of what could be asked\n'
  const page = rows.length === 0 ? nothing : table(headings, rows)
  const missing = away.map(({ driver, state }) => `driver ${driver} could not be asked: ${state}\n`)
  return `${page}${missing.join('')}`
}
