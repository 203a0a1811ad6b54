// The kit as tests of two test runners: the examples of the guide, run by them.
import { execFile } from 'node:child_process'
import { readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { repository } from '../support/repository.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const command = `${process.execPath} ${join(repository, 'drivers/null/bin/conet-driver-null.js')} --socket {socket}`

/** The example of the guide for that runner, with a driver and two checks of ours in the place of its options. */
async function writeExample(directory: string, runner: string, options: object): Promise<string> {
  const guide = await readFile(join(repository, 'docs/guides/conformance.md'), 'utf8')
  const fences = [...guide.matchAll(/^```[jt]s\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)
  const example = fences.find((text) => text.includes(`from '${runner}'`))
  const file = join(directory, 'driver.test.mjs')
  await writeFile(file, example?.replace(/\{ command: .* \}/, JSON.stringify(options)) ?? '')
  await symlink(join(repository, 'node_modules'), join(directory, 'node_modules'))
  return file
}

/** What it wrote to stdout, however it ended. */
async function outputOf(args: readonly string[]): Promise<string> {
  const run = promisify(execFile)(process.execPath, args)
  const { stdout } = await run.catch((error: { stdout: string }) => error)
  return stdout
}

const options = {
  command,
  only: ['rpc.ids', 'rpc.stray-reply', 'addresses.answered'],
  expectedFailures: { 'rpc.ids': 'to see it fail' },
}

it('[K7] declares tests for node:test, skips what does not apply, and fails where a check fails', async () => {
  await using directory = await temporaryDirectory()
  const file = await writeExample(directory.path, 'node:test', options)
  const output = await outputOf(['--test', '--test-reporter=tap', file])
  expect(output).toMatch(/# pass 1\n# fail 1\n# cancelled 0\n# skipped 1/)
  expect(output).toContain('take it off the list')
})

it('[K7] declares tests for vitest, skips what does not apply, and fails where a check fails', async () => {
  await using directory = await temporaryDirectory()
  await writeExample(directory.path, 'vitest', options)
  const vitest = join(repository, 'node_modules/vitest/vitest.mjs')
  const output = await outputOf([vitest, 'run', '--root', directory.path, '--reporter=json'])
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(output)
  expect({ numPassedTests, numFailedTests, numPendingTests }).toEqual({
    numPassedTests: 1,
    numFailedTests: 1,
    numPendingTests: 1,
  })
  expect(output).toContain('take it off the list')
})
