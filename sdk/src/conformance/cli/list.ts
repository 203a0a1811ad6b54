// `conet-conformance list`.
import { areaOf } from '../checks/check.ts'
import { allChecks } from '../checks/index.ts'

export function listChecks(isJson: boolean): string {
  if (isJson) return `${JSON.stringify(allChecks.map(described), null, 2)}\n`
  const width = Math.max(...allChecks.map(({ id }) => id.length))
  const lines = allChecks.map(
    ({ id, level, title }) => `${id.padEnd(width)}  ${level.padEnd(10)}  ${title}\n`,
  )
  return `${lines.join('')}${allChecks.length} checks\n`
}

function described(check: (typeof allChecks)[number]) {
  const { id, title, level, severity = 'must', rules, why, mend, profile, needs = [] } = check
  return { id, area: areaOf(check), title, level, severity, rules, profile, needs, why, mend }
}
