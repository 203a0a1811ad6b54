// A run that its user ends while the driver hangs: it comes to its end, and leaves nothing behind.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { joinedProgram } from '../support/joined-program.ts'
import { repository } from '../support/repository.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const program = joinedProgram('sdk/dist/conformance/cli/main.js')
const nullDriver = join(repository, 'drivers/null/dist/driver.js')

/** Writes a file when it is plugging, and never ends with it. */
async function hangingDriver(directory: string): Promise<string> {
  const file = join(directory, 'driver.mjs')
  const text = `
    import { writeFileSync } from 'node:fs'
    import { runDriver } from '${join(repository, 'sdk/dist/index.js')}'
    import { nullDriver } from '${nullDriver}'
    const plug = () => {
      writeFileSync('${join(directory, 'plugging')}', '')
      return new Promise(() => {})
    }
    await runDriver({ ...nullDriver(), plug })`
  await writeFile(file, text)
  return `${process.execPath} ${file} --socket {socket}`
}

/** Processes whose command line has the text. */
function processesWith(text: string): string[] {
  return readdirSync('/proc').filter((pid) => /^[0-9]+$/.test(pid) && commandLineOf(pid).includes(text))
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

it.concurrent.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('a run that %s ends leaves no process and no socket', async (signal, code) => {
  await using directory = await temporaryDirectory()
  const command = await hangingDriver(directory.path)
  const env = { ...process.env, TMPDIR: directory.path }
  const words = ['run', '--command', command, '--only', 'plug.answer']
  const kit = spawn(process.execPath, [program, ...words], { env, stdio: 'ignore' })
  const ended = new Promise((resolve) => kit.once('exit', resolve))
  const isPlugging = () => existsSync(join(directory.path, 'plugging'))
  await eventually(isPlugging, { timeoutMs: 20_000 })
  kit.kill(signal)
  expect(await ended).toBe(code)
  expect(processesWith(directory.path)).toEqual([])
  expect((await readdir(directory.path)).sort()).toEqual(['driver.mjs', 'plugging'])
})
