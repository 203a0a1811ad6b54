// The report for people at a terminal: a line for each check as it ends, then what was wrong, then the sum.
import { withoutParticulars } from '../checks/alike.ts'
import { ruleLine } from '../rules/protocol-rules.ts'
import { excerptOf } from './excerpt.ts'
import { type CheckResult, isFailure, type Report, type Status } from './report.ts'

const words: Readonly<Record<Status, string>> = {
  pass: 'ok    ',
  fail: 'FAIL  ',
  warn: 'warn  ',
  'not-applicable': 'n/a   ',
  disabled: 'off   ',
  untestable: 'unable',
  error: 'ERROR ',
}

export function progressLine(result: CheckResult, done: number, total: number): string {
  const { id, title, status, durationMs, message } = result
  const isPlain = status === 'pass' || status === 'not-applicable' || status === 'disabled'
  const count = `${done}`.padStart(`${total}`.length)
  const why = isPlain || message === undefined ? '' : `\n        ${firstLine(message)}`
  return `${count}/${total} ${words[status]} ${id}  ${title} (${durationMs} ms)${why}\n`
}

/** As a file: the line of each check, and then what `outcomeText` says. */
export function textReport(report: Report): string {
  const { checks } = report
  const lines = checks.map((result, index) => progressLine(result, index + 1, checks.length))
  return `${lines.join('')}\n${outcomeText(report)}`
}

/** What was wrong, and the sum: for a terminal that has shown the progress. */
export function outcomeText(report: Report): string {
  const shown = report.checks.filter(
    (result) => isFailure(result) || ['warn', 'error'].includes(result.status),
  )
  const parts = [...introduction(report), ...grouped(shown).map(explained), ...stale(report), sum(report)]
  return parts.join('\n')
}

function introduction({ driver, checks }: Report): string[] {
  if (driver !== null || checks.length === 0) return []
  return ['The driver does not introduce itself. Begin with handshake.introduction: most checks need it.\n']
}

type Group = { readonly first: CheckResult; readonly others: readonly CheckResult[] }

/** A driver that is gone fails all that follows in the same words: once is enough. */
function grouped(results: readonly CheckResult[]): Group[] {
  const groups = new Map<string, CheckResult[]>()
  for (const result of results) {
    const alike = `${result.status} ${withoutParticulars(result.message ?? '')}`
    groups.set(alike, [...(groups.get(alike) ?? []), result])
  }
  return [...groups.values()].flatMap(([first, ...others]) =>
    first === undefined ? [] : [{ first, others }],
  )
}

function explained({ first, others }: Group): string {
  const { status, id, title, rules, message, expected, found, why, mend, reproduce, notes } = first
  const lines = [
    `${words[status].trim()} ${id}: ${title}`,
    ...block('what happened', message),
    ...block('expected', expected),
    ...block('found', found),
    ...block('what was said', excerptOf(first)),
    ...block(rules.length === 1 ? 'the rule' : 'the rules', rules.map(ruleLine).join('\n')),
    ...block('why it matters', why),
    ...block('how to mend it', mend),
    ...notes.flatMap((note) => block('note', note)),
    ...block('again', reproduce),
    ...(others.length === 0 ? [] : block('the same in', others.map((other) => other.id).join(', '))),
  ]
  return `${lines.join('\n')}\n`
}

/** A name, and what is said under it. */
function block(name: string, text: string | undefined): string[] {
  if (text === undefined || text === '') return []
  return [`  ${name}:`, ...text.split('\n').map((line) => `    ${line}`)]
}

function stale({ staleExpectations }: Report): string[] {
  return staleExpectations.map(
    (id) => `${id} passes, and is still listed as an expected failure: take it off the list\n`,
  )
}

function sum({ counts, driver, reached, level, seed, durationMs, checks }: Report): string {
  const expected = checks.filter((result) => result.status === 'fail' && !isFailure(result)).length
  const parts = Object.entries(counts).filter(([, count]) => count > 0)
  const name = driver === null ? 'a driver that did not introduce itself' : `${driver.name} ${driver.version}`
  return [
    `${parts.map(([status, count]) => `${count} ${status}`).join(', ')}${expected > 0 ? ` (${expected} expected)` : ''}`,
    `${name}: checked at level ${level}, reaches ${reached ?? noneBecause(counts)}; seed ${seed}, ${(durationMs / 1_000).toFixed(1)} s\n`,
  ].join('\n')
}

/** A run of some checks says nothing of levels. */
function noneBecause({ fail, error }: Report['counts']): string {
  return fail + error > 0 ? 'none' : 'none, since not all checks of core were made'
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}
