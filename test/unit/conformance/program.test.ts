// The command line of the kit, in this process: what needs no driver.
import { describe, expect, it } from 'vitest'
import { kitHere } from '../../support/conformance-here.ts'

describe('a word, a value or a check that the kit does not know', () => {
  it.each([
    [['run']],
    [['run', '--socket', '/x', '--command', 'y']],
    [['run', '--command', 'my-driver', '--no-isolation']],
    [['run', '--socket', '/x', '--only', 'rpc.nothing']],
    [['run', '--socket', '/x', '--report', 'tap=/nonexistent/report.tap']],
    [['run', '--socket', '/x', '--expected-failures', '/nonexistent/list.json']],
    [['run', '--socket', '/x', '--only', '']],
    [['run', '--socket', '/x', '--only', ' , ']],
    [['run', '--socket', '/x', '--only', 'model.objects', '--path', '0:1']],
    [['run', '--socket', '/x', '--only', 'model.objects', '--replay-path', 'A:F', '--seed', '1']],
    [['run', '--socket', '/x', '--path', '0:1', '--seed', '1']],
    [['run', '--socket', '/x', '--level', 'best']],
    [['list', '--level', 'best']],
    [['list', 'rpcs']],
    [['explain', 'rpc.nothing']],
    [['explain']],
    [['fly']],
  ])('is said in a sentence, with exit code 2: %j', async (words) => {
    const { code, stderr } = await kitHere(...words)
    expect(stderr).toMatch(/^conet-conformance: /)
    expect(stderr).not.toMatch(/^\s*at /m)
    expect(code).toBe(2)
  })
})

describe('conet-conformance list and explain', () => {
  it('have every check', async () => {
    const { stdout } = await kitHere('list', '--json')
    const checks: { id: string; rules: string[] }[] = JSON.parse(stdout)
    expect(checks.length).toBeGreaterThan(80)
    const { stdout: text, code } = await kitHere('explain', 'framing.byte-by-byte')
    expect(text).toMatch(/FRM-4[\s\S]*why it matters[\s\S]*how to mend it/)
    expect(code).toBe(0)
  })

  it('take areas and levels', async () => {
    const area = await kitHere('list', 'cancel', '--level', 'robust')
    expect(area.stdout).toMatch(/^cancel\.\S+ +robust [\s\S]*^\d checks$/m)
    expect(area.stdout).not.toContain('rpc.')
    const explained = await kitHere('explain', 'cancel', 'rpc.ids')
    expect(explained.stdout).toMatch(/^cancel\.nothing: /m)
    expect(explained.stdout).toMatch(/^rpc\.ids: /m)
  })
})
