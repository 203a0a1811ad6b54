// The report as TAP version 14 (testanything.org).
import { type CheckResult, isFailure, type Report } from './report.ts'

export function tapReport({ checks, seed, staleExpectations }: Report): string {
  const lines = checks.map((result, index) => testPoint(result, index + 1))
  const stale = staleExpectations.map((id) => `# ${id} passes and is still listed as an expected failure\n`)
  return `TAP version 14\n# seed ${seed}\n1..${checks.length}\n${lines.join('')}${stale.join('')}`
}

function testPoint(result: CheckResult, number: number): string {
  const { id, title, status, message = '', expectedFailure } = result
  const isBad = status === 'fail' || status === 'error'
  const point = `${isBad ? 'not ok' : 'ok'} ${number} - ${escaped(`${id} ${title}`)}`
  if (expectedFailure !== undefined && status === 'fail')
    return `${point} # TODO ${escaped(expectedFailure)}\n`
  if (status === 'pass') return `${point}\n`
  if (isFailure(result) || status === 'error' || status === 'warn') return `${point}\n${diagnostics(result)}`
  return `${point} # SKIP ${escaped(`${status}: ${message}`)}\n`
}

/** A YAML block; a JSON string is a YAML string. */
function diagnostics({ status, message, expected, found, rules, mend, reproduce }: CheckResult): string {
  const members = { severity: status, message, expected, found, rules: rules.join(', '), mend, reproduce }
  const lines = Object.entries(members).flatMap(([name, value]) =>
    value === undefined ? [] : [`  ${name}: ${JSON.stringify(value)}\n`],
  )
  return `  ---\n${lines.join('')}  ...\n`
}

/** On one line: what would end it, or move a terminal's cursor, becomes a blank. */
function escaped(text: string): string {
  return text.replace(/[\\#]/g, '\\$&').replace(/\p{Cc}/gu, ' ')
}
