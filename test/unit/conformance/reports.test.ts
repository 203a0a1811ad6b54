// One report in all its forms.
import { type CheckResult, exitCodeOf, formats, type Report, type Status } from '@conet/sdk/conformance'
import { describe, expect, it } from 'vitest'

function resultOf(id: string, status: Status, changes: Partial<CheckResult> = {}): CheckResult {
  return {
    ...{
      id,
      area: id.split('.')[0] ?? '',
      title: 'a driver <keeps> "it" & more',
      level: 'core',
      severity: 'must',
    },
    ...{ rules: ['FRM-1'], status, why: 'Because.', mend: 'Like this.', durationMs: 12, reproduce: 'again' },
    ...{ notes: [], evidence: [], ...changes },
  }
}

const failure = resultOf('framing.bad', 'fail', {
  message: 'it sent \u0000 ]]> and # more',
  expected: 'an end',
  found: '{"jsonrpc":"2.0"}',
  evidence: [{ connection: 3, lines: [{ atMs: 1.5, what: 'kit →', text: '<script>alert(1)</script>' }] }],
})

function reportOf(checks: readonly CheckResult[], staleExpectations: readonly string[] = []): Report {
  const count = (status: Status) => checks.filter((one) => one.status === status).length
  return {
    schemaVersion: 1,
    kit: { name: '@conet/sdk/conformance', version: '0.1.0' },
    protocolVersion: '1.0',
    driver: { name: 'wire', version: '1.2.3', instanceId: 'x' },
    ...{ target: 'socket /x.sock', level: 'core', reached: null, seed: 7, timeScale: 1 },
    ...{ startedAt: '2026-01-01T00:00:00.000Z', durationMs: 1_234, node: 'v20', platform: 'linux x64' },
    counts: {
      ...{ pass: count('pass'), fail: count('fail'), warn: count('warn'), error: count('error') },
      ...{
        'not-applicable': count('not-applicable'),
        disabled: count('disabled'),
        untestable: count('untestable'),
      },
    },
    staleExpectations,
    checks,
  }
}

const mixed = reportOf([
  resultOf('framing.good', 'pass'),
  failure,
  resultOf('rpc.known', 'fail', { expectedFailure: 'issue 4', message: 'no' }),
  resultOf('rpc.nice', 'warn', { message: 'not nice' }),
  resultOf('drain.quiet', 'not-applicable', { message: 'no drain' }),
  resultOf('restart.sync', 'untestable', { message: 'needs --command' }),
])

describe('reports', () => {
  it('as JSON are the report itself', () => {
    expect(JSON.parse(formats.json(mixed))).toEqual(mixed)
  })

  it('as text tell of a failure what happened, which rule, why, how to mend it and how to see it again', () => {
    const text = formats.text(mixed)
    for (const part of ['framing.bad', 'FRM-1', 'Because.', 'Like this.', 'again', 'an end', 'seed 7']) {
      expect(text).toContain(part)
    }
    expect(text).not.toContain('framing.good')
  })

  it('as JUnit count failures, and skip what was expected or did not apply', () => {
    const xml = formats.junit(mixed)
    expect(xml).toContain(
      '<testsuites name="conet-conformance" tests="6" failures="1" errors="0" skipped="3"',
    )
    expect(xml.match(/<skipped /g)).toHaveLength(3)
    expect(xml.match(/<failure /g)).toHaveLength(1)
    // No control character, and nothing that would end an element.
    expect(xml).not.toMatch(/(?![\n])\p{Cc}/u)
    expect(xml).not.toContain('<keeps>')
  })

  it('as TAP have a plan, a point for each check, and directives', () => {
    const lines = formats.tap(mixed).split('\n')
    expect(lines[0]).toBe('TAP version 14')
    expect(lines).toContain('1..6')
    expect(lines.filter((line) => /^(not )?ok \d+ - /.test(line))).toHaveLength(6)
    expect(lines.filter((line) => line.startsWith('not ok'))).toHaveLength(2)
    expect(lines.some((line) => line.endsWith('# TODO issue 4'))).toBe(true)
    expect(lines.filter((line) => line.includes('# SKIP'))).toHaveLength(2)
  })

  it('as HTML stand alone, with the transcript of each failure and nothing that could run', () => {
    const page = formats.html(mixed)
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(page).not.toContain('<script')
    expect(page).not.toMatch(/(src|href)=/)
    expect(page).toContain('kit →')
  })

  it.each([
    ['all is well', [resultOf('a.b', 'pass'), resultOf('a.c', 'warn')], [], 0],
    ['a check failed', [failure], [], 1],
    ['an expected failure failed', [resultOf('a.b', 'fail', { expectedFailure: 'known' })], [], 0],
    ['an expected failure passed', [resultOf('a.b', 'pass')], ['a.b'], 1],
    ['the kit has a bug', [failure, resultOf('a.b', 'error')], [], 3],
  ] as const)('exit code: %s', (_what, checks, stale, code) => {
    expect(exitCodeOf(reportOf(checks, stale))).toBe(code)
  })
})
