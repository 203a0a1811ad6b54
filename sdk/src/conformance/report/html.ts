// The report as one page that needs nothing else: no network, no scripts. Details fold without one.
import { ruleLine } from '../rules/protocol-rules.ts'
import type { CheckResult, Report, Status } from './report.ts'
import { transcriptText } from './transcript-text.ts'
import { escaped } from './xml.ts'

const colours: Readonly<Record<Status, string>> = {
  pass: '#1a7f37',
  fail: '#cf222e',
  warn: '#9a6700',
  'not-applicable': '#6e7781',
  disabled: '#6e7781',
  untestable: '#8250df',
  error: '#bc4c00',
}

const style = `
  body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem; padding: 0 1rem; color: #1f2328; background: #fff }
  h1 { font-size: 1.5rem; margin-bottom: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
  table { border-collapse: collapse } td { padding: .1rem 1rem .1rem 0; vertical-align: top }
  details { border-top: 1px solid #d0d7de; padding: .35rem 0 } summary { cursor: pointer }
  pre { background: #f6f8fa; padding: .75rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 12px }
  code { font-size: 13px } .status { display: inline-block; min-width: 7.5rem; font-weight: 600 } .small { color: #57606a }
${Object.entries(colours)
  .map(([status, colour]) => `  .${status} { color: ${colour} }`)
  .join('\n')}`

/** Failures first and unfolded, with their transcripts. */
export function htmlReport(report: Report): string {
  const name = report.driver === null ? 'unknown driver' : `${report.driver.name} ${report.driver.version}`
  const title = `Conformance of ${name}`
  const bad = report.checks.filter(({ status }) => ['fail', 'error', 'warn'].includes(status))
  const areas = [...new Set(report.checks.map(({ area }) => area))]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>${style}
</style>
</head>
<body>
<h1>${escaped(title)}</h1>
<p class="small">driver protocol ${escaped(report.protocolVersion)}, kit ${escaped(report.kit.version)}, ${escaped(report.startedAt)}</p>
<table>
${factsOf(report)}</table>
${bad.length === 0 ? '' : `<h2>What is wrong</h2>\n${bad.map((result) => checkSection(result, true)).join('')}`}
${areas
  .map((area) =>
    areaSection(
      area,
      report.checks.filter((check) => check.area === area),
    ),
  )
  .join('')}
</body>
</html>
`
}

function factsOf(report: Report): string {
  const { counts, reached, level, seed, target, durationMs, node, platform, staleExpectations } = report
  const facts = {
    'checked at level': level,
    'reaches level': reached ?? 'none',
    checks: Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([status, count]) => `${count} ${status}`)
      .join(', '),
    ...(staleExpectations.length > 0 && { 'pass, though expected to fail': staleExpectations.join(', ') }),
    target,
    seed: String(seed),
    took: `${(durationMs / 1_000).toFixed(1)} s on Node ${node}, ${platform}`,
  }
  return Object.entries(facts)
    .map(([name, value]) => `<tr><td>${escaped(name)}</td><td><b>${escaped(value)}</b></td></tr>\n`)
    .join('')
}

function areaSection(area: string, checks: readonly CheckResult[]): string {
  return `<h2>${escaped(area)}</h2>\n${checks.map((result) => checkSection(result, false)).join('')}`
}

function checkSection(result: CheckResult, isOpen: boolean): string {
  const { id, title, status, durationMs, expectedFailure } = result
  const note =
    expectedFailure === undefined ? '' : ` <span class="small">expected: ${escaped(expectedFailure)}</span>`
  return `<details${isOpen ? ' open' : ''}><summary><span class="status ${status}">${status}</span> <code>${escaped(id)}</code> ${escaped(title)} <span class="small">${durationMs} ms</span>${note}</summary>
${detailsOf(result)}${isOpen ? evidenceOf(result) : ''}</details>
`
}

function detailsOf({
  message,
  expected,
  found,
  rules,
  level,
  severity,
  why,
  mend,
  reproduce,
  notes,
}: CheckResult): string {
  const rows: [string, string | undefined][] = [
    ['what happened', message],
    ['expected', expected],
    ['found', found],
    ...rules.map((rule): [string, string] => ['rule', ruleLine(rule)]),
    ['breaking it', `${severity === 'must' ? 'a failure' : 'a warning'}, at level ${level}`],
    ['why it matters', why],
    ['how to mend it', mend],
    ...notes.map((note): [string, string] => ['note', note]),
    ['again', reproduce],
  ]
  const lines = rows.flatMap(([name, value]) =>
    value === undefined ? [] : [`<tr><td class="small">${name}</td><td>${escaped(value)}</td></tr>\n`],
  )
  return `<table>\n${lines.join('')}</table>\n`
}

function evidenceOf({ evidence }: CheckResult): string {
  return evidence.length === 0 ? '' : `<pre>${escaped(transcriptText(evidence))}</pre>\n`
}
