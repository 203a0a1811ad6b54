// The kit as tests of two test runners.
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { conformanceTests } from '@conet/sdk/conformance'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { repository } from '../support/repository.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const command = `${process.execPath} ${join(repository, 'drivers/null/bin/conet-driver-null.js')} --socket {socket}`

conformanceTests(
  { command, only: ['handshake.version-chosen', 'transcript'] },
  { describe, it, beforeAll, afterAll },
)

it('[K7] declares tests for node:test, skips what does not apply, and fails where a check fails', async () => {
  await using directory = await temporaryDirectory()
  const file = join(directory.path, 'driver.test.mjs')
  const kit = join(repository, 'sdk/dist/conformance/index.js')
  const options = {
    command,
    only: ['rpc.ids', 'addresses.answered'],
    expectedFailures: { 'rpc.ids': 'to see it fail' },
  }
  await writeFile(
    file,
    `import { after, before, describe, it } from 'node:test'
     import { conformanceTests } from '${kit}'
     conformanceTests(${JSON.stringify(options)}, { describe, it, beforeAll: before, afterAll: after })`,
  )
  const run = promisify(execFile)(process.execPath, ['--test', '--test-reporter=tap', file])
  const { stdout } = await run.catch((error: { stdout: string }) => error)
  expect(stdout).toContain('# skipped 1')
  expect(stdout).toContain('# fail 1')
  expect(stdout).toContain('take it off the list')
})
