// What a program pays that only calls conetd: hooks start once for each container.
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

/** The files that a node loads for a script, as V8 reports them. */
async function filesLoadedBy(script: string): Promise<string[]> {
  await using directory = await temporaryDirectory()
  const env = { ...process.env, NODE_V8_COVERAGE: directory.path }
  const argv = ['--input-type=module', '--eval', script]
  await promisify(execFile)(process.execPath, argv, { env, cwd: import.meta.dirname })
  const reports = await Promise.all(
    (await readdir(directory.path)).map((name) => readFile(join(directory.path, name), 'utf8')),
  )
  const urls = reports.flatMap((report): { url: string }[] => JSON.parse(report).result)
  return urls.map(({ url }) => url).filter((url) => url.startsWith('file:'))
}

it('the client loads no package: no schemas, no validator, no server', async () => {
  const files = await filesLoadedBy(`import '@conet/sdk/client'`)
  expect(files.some((file) => file.endsWith('/client/conet-client.js'))).toBe(true)
  expect(files.filter((file) => file.includes('node_modules/') || file.includes('/dist/protocol/'))).toEqual(
    [],
  )
})

it('help loads commander and not the client', async () => {
  const script = `process.argv = ['node', 'conet', '--help']; await import('@conet/host/cli/main')`
  const files = await filesLoadedBy(script)
  expect(files.some((file) => file.endsWith('/cli/program.js'))).toBe(true)
  const packages = files.filter((file) => file.includes('node_modules/'))
  expect(packages.filter((file) => !file.includes('node_modules/commander/'))).toEqual([])
  expect(files.filter((file) => file.endsWith('/client/conet-client.js'))).toEqual([])
})
