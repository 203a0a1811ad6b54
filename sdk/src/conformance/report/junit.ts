// The report for continuous integration that reads JUnit: a suite for each area.
import { ruleLine } from '../rules/protocol-rules.ts'
import type { CheckResult, Report } from './report.ts'
import { isFailure } from './report.ts'
import { transcriptText } from './transcript-text.ts'
import { escaped } from './xml.ts'

export function junitReport(report: Report): string {
  const { checks, durationMs } = report
  const areas = [...new Set(checks.map(({ area }) => area))]
  const suites = areas.map((area) =>
    suite(
      area,
      checks.filter((check) => check.area === area),
      report,
    ),
  )
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="conet-conformance" ${counts(checks)} time="${seconds(durationMs)}">
${suites.join('')}</testsuites>
`
}

function suite(area: string, checks: readonly CheckResult[], report: Report): string {
  const time = seconds(checks.reduce((sum, { durationMs }) => sum + durationMs, 0))
  return `  <testsuite name="${escaped(area)}" timestamp="${report.startedAt}" ${counts(checks)} time="${time}">
    <properties>
${propertiesOf(report)}    </properties>
${checks.map(testCase).join('')}  </testsuite>
`
}

function propertiesOf({ driver, kit, protocolVersion, level, seed, target }: Report): string {
  const values = {
    driver: driver === null ? 'unknown' : `${driver.name} ${driver.version}`,
    kit: kit.version,
    protocolVersion,
    level,
    seed: String(seed),
    target,
  }
  return Object.entries(values)
    .map(([name, value]) => `      <property name="${name}" value="${escaped(value)}"/>\n`)
    .join('')
}

function testCase(result: CheckResult): string {
  const { area, id, title, durationMs } = result
  const open = `    <testcase classname="conet.${escaped(area)}" name="${escaped(`${id} ${title}`)}" time="${seconds(durationMs)}"`
  const inner = innerOf(result)
  return inner === '' ? `${open}/>\n` : `${open}>\n${inner}    </testcase>\n`
}

function innerOf(result: CheckResult): string {
  const { status, message = '', evidence } = result
  if (status === 'pass') return ''
  if (status === 'error') return `      <error message="${escaped(message)}"/>\n`
  if (!isFailure(result) && status !== 'warn') {
    return `      <skipped message="${escaped(result.expectedFailure ?? `${status}: ${message}`)}"/>\n`
  }
  const output = `      <system-out>${escaped(transcriptText(evidence))}</system-out>\n`
  if (status === 'warn') return `      <system-err>${escaped(`warning: ${message}`)}</system-err>\n${output}`
  return `      <failure message="${escaped(message)}">${escaped(detailsOf(result))}</failure>\n${output}`
}

function detailsOf({ expected, found, rules, mend, reproduce }: CheckResult): string {
  return [
    `expected: ${expected ?? '-'}`,
    `found: ${found ?? '-'}`,
    ...rules.map(ruleLine),
    mend,
    reproduce,
  ].join('\n')
}

function counts(checks: readonly CheckResult[]): string {
  const failures = checks.filter(isFailure).length
  const errors = checks.filter(({ status }) => status === 'error').length
  const ran = checks.filter(({ status }) => status === 'pass' || status === 'warn').length
  return `tests="${checks.length}" failures="${failures}" errors="${errors}" skipped="${checks.length - failures - errors - ran}"`
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(3)
}
