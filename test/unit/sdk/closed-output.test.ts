// What is printed into a pipe that nobody reads any more.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { repository } from '../../support/repository.ts'

it.each([
  ['conetd', 'host/bin/conetd.js'],
  ['a driver', 'drivers/bridge/bin/conet-driver-bridge.js'],
  ['the kit', 'sdk/bin/conet-conformance.js'],
  ['conet-sdk', 'sdk/bin/conet-sdk.js'],
])('%s ends its help quietly when its reader has gone', async (_name, program) => {
  const child = spawn(process.execPath, [join(repository, program), '--help'])
  child.stdout.destroy()
  const exited = once(child, 'exit')
  expect(await text(child.stderr)).toBe('')
  const [code] = await exited
  expect(code).toBe(0)
})
