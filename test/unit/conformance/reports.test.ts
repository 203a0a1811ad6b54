// One report in all its forms.
import { type CheckResult, exitCodeOf, formats, type Report, type Status } from '@conet/sdk/conformance'
import fc from 'fast-check'
import { type SaxesAttributeNS, SaxesParser } from 'saxes'
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

/** Throws for what is no XML. */
function elementsOf(xml: string): { name: string; attributes: Record<string, string | SaxesAttributeNS> }[] {
  const parser = new SaxesParser()
  const elements: ReturnType<typeof elementsOf> = []
  parser.on('opentag', ({ name, attributes }) => elements.push({ name, attributes }))
  parser.on('error', (error) => {
    throw error
  })
  parser.write(xml).close()
  return elements
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
    expect(text).toMatch(/^1\/6 ok {5}framing\.good/)
    expect(text.split('what happened')).toHaveLength(3)
  })

  it('as text have the exchange that failed as a whole, and of what was said before a line each', () => {
    const long = 'x'.repeat(1_000)
    const lines = [
      { atMs: 1, what: 'kit →', text: '', brief: `kit → #1 ${long}`, request: '1' },
      { atMs: 2, what: '← driver', text: '', brief: '  ← #1 result {}', request: '1' },
      { atMs: 3, what: 'kit →', text: '', brief: `kit → #2 ${long}!`, request: '2' },
      ...Array.from({ length: 12 }, (_, n) => ({
        atMs: 4 + n,
        what: 'note',
        text: '',
        brief: `(note ${n})`,
      })),
      { atMs: 20, what: '← driver', text: '', brief: `  ← #2 error ${long}?`, request: '2' },
    ]
    const failed = { ...failure, evidence: [{ connection: 1, lines }] }
    const text = formats.text(reportOf([failed]))
    expect(text).toContain(`#2 ${long}!`)
    expect(text).toContain(`#2 error ${long}?`)
    expect(text).not.toContain('#1')
    expect(text).toContain('(earlier: 7 more)')
  })

  it('as text tell failures that differ in ids and numbers only once', () => {
    const ids = ['0123456789abcdef', 'fedcba9876543210']
    const failures = ids.map((id, number) =>
      resultOf(`network.n${number}`, 'fail', { message: `network ${id} is gone after ${number} ms` }),
    )
    const text = formats.text(reportOf(failures))
    expect(text.split('what happened')).toHaveLength(2)
    expect(text).toMatch(/the same in:\s+network\.n1/)
  })

  it('as JUnit count failures, and skip what was expected or did not apply', () => {
    const elements = elementsOf(formats.junit(mixed))
    expect(elements[0]).toEqual({
      name: 'testsuites',
      attributes: {
        name: 'conet-conformance',
        tests: '6',
        failures: '1',
        errors: '0',
        skipped: '3',
        time: '1.234',
      },
    })
    const count = (name: string) => elements.filter((element) => element.name === name).length
    expect([count('testcase'), count('skipped'), count('failure')]).toEqual([6, 3, 1])
    const suites = elements.filter(({ name }) => name === 'testsuite')
    expect(suites.map(({ attributes }) => attributes.name)).toEqual(['framing', 'rpc', 'drain', 'restart'])
  })

  it('as JUnit are XML, whatever a driver has sent', () => {
    const text = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(text, text, (message, sent) => {
        const evidence = [{ connection: 1, lines: [{ atMs: 0, what: '← driver', text: sent }] }]
        const bad = resultOf('a.b', 'fail', { message, found: sent, expected: message, evidence })
        const page = formats.junit(reportOf([bad, resultOf('a.c', 'untestable', { message: sent })]))
        expect(elementsOf(page)).toContainEqual({
          name: 'failure',
          attributes: { message: expect.any(String) },
        })
      }),
    )
    expect(() => elementsOf('<a>\u0000</a>')).toThrow()
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

  it('as TAP keep to the grammar, whatever a driver has sent', () => {
    const text = fc.string({ unit: 'binary' })
    const line = /^(TAP version 14|1\.\.\d+|#.*|(not )?ok \d+ - .*| {2}(---|\.\.\.|\w+: ".*"))$/
    fc.assert(
      fc.property(text, (message) => {
        const bad = resultOf('a.b', 'fail', { message, found: message })
        const other = resultOf('a.c', 'disabled', { message, title: message })
        const tap = formats.tap(reportOf([bad, other], ['a.b']))
        expect(
          tap
            .trimEnd()
            .split(/\r\n|[\n\r]/)
            .filter((one) => !line.test(one)),
        ).toEqual([])
      }),
    )
  })

  it('as HTML stand alone, with the transcript of each failure and nothing that could run', () => {
    const page = formats.html(mixed)
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(page).not.toContain('<script')
    expect(page).not.toMatch(/(src|href)=|url\(|@import/)
    expect(page).toContain('kit →')
    expect(page.match(/<pre>/g)).toHaveLength(1)
  })

  it.each([
    ['all is well', [resultOf('a.b', 'pass'), resultOf('a.c', 'warn')], [], 0],
    ['a check failed', [failure], [], 1],
    ['an expected failure failed', [resultOf('a.b', 'fail', { expectedFailure: 'known' })], [], 0],
    ['an expected failure passed', [resultOf('a.b', 'pass')], ['a.b'], 5],
    ['one failed, and an expected failure passed', [failure, resultOf('a.b', 'pass')], ['a.b'], 1],
    ['some could not be tried', [resultOf('a.b', 'untestable'), resultOf('a.c', 'disabled')], [], 0],
    ['the kit has a bug', [failure, resultOf('a.b', 'error')], [], 3],
  ] as const)('exit code: %s', (_what, checks, stale, code) => {
    expect(exitCodeOf(reportOf(checks, stale))).toBe(code)
  })
})
