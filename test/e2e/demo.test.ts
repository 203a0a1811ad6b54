// The demo and the bench as a person runs them: their exit codes and what they print. The demo's own checks are
// the proof of the requirements named here.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { repository } from '../support/repository.ts'

type Ended = { code: number | null; stdout: string; stderr: string }

function start(script: string, ...args: string[]) {
  const env = { ...process.env, CONET_COMPILE_EARLY: '' }
  const child = spawn(process.execPath, [join(repository, 'scripts', script), ...args], {
    stdio: 'pipe',
    env,
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (data) => {
    output.stdout += data
  })
  child.stderr.on('data', (data) => {
    output.stderr += data
  })
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, ...output }))
  })
  return { child, output, ended }
}

describe('npm run demo', () => {
  it('[C2] [C4] [C5] [C7] [C8] [C9] [C10] [C15] [C16] [C17] [C18] [C20] [D1] [D3] [D8] [D9] [D10] tells the story, and each of its checks passes', async () => {
    const { code, stdout, stderr } = await start('demo.mjs').ended
    expect(stdout, stderr).toMatch(/^All \d+ checks passed in \d+\.\d s\.$/m)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^# conet net create --driver bridge$/m)
    const [, checks] = /^All (\d+) checks/m.exec(stdout) ?? []
    expect(Number(checks)).toBeGreaterThan(60)
  })

  it('cleans up and fails when it is interrupted', async () => {
    const { child, output, ended } = start('demo.mjs')
    await eventually(() => /\(\d+ ms\)\n {2}ok: it prints the id/.test(output.stdout), { timeoutMs: 30_000 })
    child.kill('SIGTERM')
    const { code, stdout } = await ended
    expect(code).toBe(1)
    expect(stdout).toMatch(/FAILED after \d+ checks: ended by SIGTERM/)
    const [, directory = '-'] = /--run-dir (\S+)\/run/.exec(stdout) ?? []
    expect(await processesOf(directory)).toEqual([])
  })
})

describe('npm run bench', () => {
  it('prints with --json the rows, and nothing else on stdout', async () => {
    const { code, stdout, stderr } = await start('bench.mjs', '--json', '--only', 'cli-help').ended
    expect(code, stderr).toBe(0)
    const document: { rows: Record<string, unknown>[] } = JSON.parse(stdout)
    expect(Object.keys(document)).toEqual(['rows'])
    expect(document.rows.map(({ name }) => name)).toEqual(['node-start', 'cli-help'])
    const keys = ['name', 'unit', 'p50', 'p99', 'n', 'against', 'ratio', 'goal', 'holds']
    for (const row of document.rows) expect(Object.keys(row)).toEqual(keys)
    expect(document.rows[1]).toMatchObject({
      unit: 'ms',
      n: 20,
      against: 'node-start',
      goal: null,
      holds: null,
    })
  })

  it('refuses a row that there is not', async () => {
    const { code, stdout, stderr } = await start('bench.mjs', '--only', 'warp').ended
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain('there is no row warp')
  })
})

/** Processes that have the directory in their command line. */
async function processesOf(directory: string): Promise<string[]> {
  const { readdir, readFile } = await import('node:fs/promises')
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const commands = await Promise.all(
    // A process that has ended since the listing has none.
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  )
  return commands.filter((command) => command.includes(directory))
}
