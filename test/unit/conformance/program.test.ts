// The command line of the kit, in this process: what needs no driver.
import { describe, expect, it } from 'vitest'
import { exitCodeOfFailure } from '../../../sdk/dist/conformance/cli/failure.js'
import { buildProgram } from '../../../sdk/dist/conformance/cli/program.js'

type Ending = { readonly code: number; readonly stdout: string; readonly stderr: string }

async function kit(...words: string[]): Promise<Ending> {
  const said = { stdout: '', stderr: '' }
  const terminal = {
    out: (text: string) => {
      said.stdout += text
    },
    err: (text: string) => {
      said.stderr += text
    },
    signal: new AbortController().signal,
  }
  let code = 0
  const program = buildProgram(terminal, (exitCode) => {
    code = exitCode
  })
  try {
    await program.parseAsync(words, { from: 'user' })
  } catch (error) {
    code = exitCodeOfFailure(error, terminal)
  }
  return { code, ...said }
}

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
    const { code, stderr } = await kit(...words)
    expect(stderr).toMatch(/^conet-conformance: /)
    expect(stderr).not.toMatch(/^\s*at /m)
    expect(code).toBe(2)
  })
})

describe('conet-conformance list and explain', () => {
  it('have every check', async () => {
    const { stdout } = await kit('list', '--json')
    const checks: { id: string; rules: string[] }[] = JSON.parse(stdout)
    expect(checks.length).toBeGreaterThan(80)
    const { stdout: text, code } = await kit('explain', 'framing.byte-by-byte')
    expect(text).toMatch(/FRM-4[\s\S]*why it matters[\s\S]*how to mend it/)
    expect(code).toBe(0)
  })

  it('take areas and levels', async () => {
    const area = await kit('list', 'cancel', '--level', 'robust')
    expect(area.stdout).toMatch(/^cancel\.\S+ +robust [\s\S]*^\d checks$/m)
    expect(area.stdout).not.toContain('rpc.')
    const explained = await kit('explain', 'cancel', 'rpc.ids')
    expect(explained.stdout).toMatch(/^cancel\.nothing: /m)
    expect(explained.stdout).toMatch(/^rpc\.ids: /m)
  })
})
