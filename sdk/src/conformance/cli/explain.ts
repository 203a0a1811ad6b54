// `conet-conformance explain NAME…`.
import type { Check } from '../checks/check.ts'
import { allChecks } from '../checks/index.ts'
import { ruleLine } from '../rules/protocol-rules.ts'
import { checksNamed } from '../runner/selection.ts'

/** Throws a UsageError for a name that is neither a check nor an area. */
export function explainChecks(names: readonly string[]): string {
  return checksNamed(allChecks, names).map(explained).join('\n')
}

function explained(check: Check): string {
  const { id, title, level, severity = 'must', rules, sends, why, mend, profile, needs = [] } = check
  const binding =
    severity === 'must' ? 'a MUST: breaking it is a failure' : 'a SHOULD: breaking it is a warning'
  const lines = [
    `${id}: ${title}`,
    `  level: ${level}; ${binding}`,
    ...(profile === undefined ? [] : [`  only for drivers that advertise: ${profile}`]),
    ...(needs.length === 0 ? [] : [`  needs: ${needs.join(', ')}`]),
    ...rules.map((rule) => `  rule ${ruleLine(rule)}`),
    `  what is sent: ${sends ?? 'nothing of its own: it judges all that was said in the run'}`,
    `  why it matters: ${why}`,
    `  how to mend it: ${mend}`,
  ]
  return `${lines.join('\n')}\n`
}
