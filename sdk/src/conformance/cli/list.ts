// `conet-conformance list`.
import { areaOf, type Level } from '../checks/check.ts'
import { allChecks } from '../checks/index.ts'
import { checksNamed } from '../runner/selection.ts'

/** As commander hands them over. */
export type ListOptions = { readonly level?: Level; readonly json?: boolean }

/** Throws a UsageError for a name that is neither a check nor an area. */
export function listChecks(names: readonly string[], { level, json = false }: ListOptions): string {
  const named = names.length === 0 ? allChecks : checksNamed(allChecks, names)
  const checks = named.filter((check) => level === undefined || check.level === level)
  if (json) return `${JSON.stringify(checks.map(described), null, 2)}\n`
  const width = Math.max(0, ...checks.map(({ id }) => id.length))
  const lines = checks.map(
    ({ id, level: own, title }) => `${id.padEnd(width)}  ${own.padEnd(10)}  ${title}\n`,
  )
  return `${lines.join('')}${checks.length} check${checks.length === 1 ? '' : 's'}\n`
}

function described(check: (typeof allChecks)[number]) {
  const { id, title, level, severity = 'must', rules, why, mend, profile, needs = [] } = check
  return { id, area: areaOf(check), title, level, severity, rules, profile, needs, why, mend }
}
