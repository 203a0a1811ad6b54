// `conet-conformance explain ID`.
import { allChecks } from '../checks/index.ts'
import { ruleLine } from '../rules/protocol-rules.ts'
import { UsageError } from '../runner/usage-error.ts'

/** Throws a UsageError for an id that no check has. */
export function explainCheck(id: string): string {
  const check = allChecks.find((candidate) => candidate.id === id)
  if (check === undefined) throw new UsageError(`no check is called "${id}": see conet-conformance list`)
  const { title, level, severity = 'must', rules, sends, why, mend, profile, needs = [] } = check
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
