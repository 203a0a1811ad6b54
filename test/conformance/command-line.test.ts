// `conet-conformance` as its users run it.
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { serveDriver } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { nullDriver } from '../../drivers/null/dist/driver.js'
import { type KitEnding, kitHere } from '../support/conformance-here.ts'
import { repository } from '../support/repository.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const program = join(repository, 'sdk/bin/conet-conformance.js')
const nullCommand = `${process.execPath} ${join(repository, 'drivers/null/bin/conet-driver-null.js')} --socket {socket}`

/** Keeps the contract, but for what is not plugged. */
const stubbornDriver = `
import { runDriver } from '${join(repository, 'sdk/dist/index.js')}'
import { nullDriver } from '${join(repository, 'drivers/null/dist/driver.js')}'
await runDriver({ ...nullDriver(), async unplug() { throw new Error('not plugged') } })`

/** Dies of an unplug. */
const mortalDriver = `
import { runDriver } from '${join(repository, 'sdk/dist/index.js')}'
import { nullDriver } from '${join(repository, 'drivers/null/dist/driver.js')}'
const unplug = () => {
  console.error('no more of this')
  process.exit(7)
}
await runDriver({ ...nullDriver(), unplug })`

/** Dies of an unplug as well, and takes its time: its sockets are closed first. */
const lingeringDriver = `
import { runDriver } from '${join(repository, 'sdk/dist/index.js')}'
import { nullDriver } from '${join(repository, 'drivers/null/dist/driver.js')}'
const unplug = () => {
  for (const handle of process._getActiveHandles()) {
    if (handle.listening) handle.close()
    else if (handle.server) handle.destroy()
  }
  setTimeout(() => process.exit(7), 700)
  return new Promise(() => undefined)
}
await runDriver({ ...nullDriver(), unplug })`

/** Cannot delete an endpoint whose network has had two. */
const forgetfulDriver = `
import { runDriver } from '${join(repository, 'sdk/dist/index.js')}'
import { nullDriver } from '${join(repository, 'drivers/null/dist/driver.js')}'
const made = new Map()
const createEndpoint = async ({ network, endpointId }) => {
  made.set(network.id, (made.get(network.id) ?? new Set()).add(endpointId))
}
const deleteEndpoint = async ({ networkId }) => {
  if (made.get(networkId)?.size === 2) throw new Error('which one?')
}
await runDriver({ ...nullDriver(), createEndpoint, deleteEndpoint })`

/** The command that starts a driver with that text. */
async function commandOf(directory: string, text: string): Promise<string> {
  const file = join(directory, 'driver.mjs')
  await writeFile(file, text)
  return `${process.execPath} ${file} --socket {socket} --log-level error`
}

function kit(...words: string[]): Promise<KitEnding> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...words], { maxBuffer: 1e8 }, (error, stdout, stderr) => {
      resolve({
        code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1,
        stdout,
        stderr,
      })
    })
  })
}

/** The same without a process of its own: the driver is started in the namespaces of this one. */
const kitBeside = (...words: string[]) => kitHere(...words, '--no-isolation')

// Each is a program or two of its own, which mostly waits.
describe.concurrent('conet-conformance', { timeout: 120_000 }, () => {
  it('[K7] checks a driver that it starts, with progress, and exits with 0', async () => {
    const { code, stdout } = await kit(
      'run',
      '--command',
      nullCommand,
      '--only',
      'handshake.identity, rpc.ids',
      '--seed',
      '5',
    )
    expect(stdout).toMatch(/^1\/2 ok {5}rpc.ids/m)
    expect(stdout).toContain('2 pass')
    // What was left out holds the level back.
    expect(stdout).toContain('reaches none, since not all checks of core were made')
    expect(stdout).toContain('seed 5')
    expect(code).toBe(0)
  })

  it('[K7] checks a driver that is running, and calls what it cannot try there untestable', async () => {
    await using directory = await temporaryDirectory()
    await using driver = await serveDriver(nullDriver(), {
      socketPath: join(directory.path, 'null.sock'),
      writeLog: () => undefined,
    })
    const { code, stdout } = await kit(
      'run',
      '--socket',
      driver.socketPath,
      '--only',
      'socket.sigterm,handshake.twice',
    )
    expect(stdout).toContain('1 pass, 1 untestable')
    expect(code).toBe(0)
  })

  it('writes reports in every form', async () => {
    await using directory = await temporaryDirectory()
    const forms = ['text', 'json', 'junit', 'tap', 'html']
    const options = forms.flatMap((form) => ['--report', `${form}=${join(directory.path, form)}`])
    const { code } = await kitBeside(
      'run',
      '--command',
      nullCommand,
      '--only',
      'rpc.ids',
      '--quiet',
      ...options,
    )
    expect(code).toBe(0)
    for (const form of forms) expect(await readFile(join(directory.path, form), 'utf8')).toContain('rpc.ids')
  })

  it('exits with 1 for a driver that fails, and with 0 once the failure is expected', async () => {
    await using directory = await temporaryDirectory()
    const program = join(directory.path, 'stubborn.mjs')
    await writeFile(program, stubbornDriver)
    const words = [
      'run',
      '--command',
      `${process.execPath} ${program} --socket {socket}`,
      '--only',
      'unplug.nothing',
    ]
    const failed = await kitBeside(...words)
    expect(failed.stdout).toMatch(/FAIL unplug.nothing[\s\S]*what happened[\s\S]*how to mend it/)
    expect(failed.code).toBe(1)
    const list = join(directory.path, 'expected.json')
    await writeFile(list, JSON.stringify({ 'unplug.nothing': 'issue 12' }))
    const expected = await kitBeside(...words, '--expected-failures', list)
    expect(expected.stdout).toContain('1 fail (1 expected)')
    expect(expected.code).toBe(0)
  })

  it('exits with 5 when an expected failure passes', async () => {
    await using directory = await temporaryDirectory()
    const list = join(directory.path, 'expected.json')
    await writeFile(list, JSON.stringify({ 'rpc.ids': 'issue 12' }))
    const stale = await kitBeside(
      'run',
      '--command',
      nullCommand,
      '--only',
      'rpc.ids',
      '--expected-failures',
      list,
    )
    expect(stale.stdout).toContain('take it off the list')
    expect(stale.code).toBe(5)
  })

  it('[K7] says how the driver died and what it wrote, and starts it again for the next check', async () => {
    await using directory = await temporaryDirectory()
    const command = await commandOf(directory.path, mortalDriver)
    const only = 'unplug.still-created,unplug.by-delete,plug.own-namespace'
    const { code, stdout } = await kitBeside('run', '--command', command, '--only', only, '--quiet')
    expect(stdout).toMatch(/FAIL unplug\.still-created[\s\S]*ended during this check \(exit code 7\)/)
    expect(stdout).toContain('no more of this')
    expect(stdout).not.toContain('ECONNREFUSED')
    expect(code).toBe(1)
  })

  it('[K7] waits for the end of a driver that listens no more before it starts it again', async () => {
    await using directory = await temporaryDirectory()
    const command = await commandOf(directory.path, lingeringDriver)
    const only = 'unplug.still-created,unplug.by-delete'
    const { stdout } = await kitBeside('run', '--command', command, '--only', only, '--quiet')
    expect(stdout).toMatch(/FAIL unplug\.still-created[\s\S]*ended during this check \(exit code 7\)/)
    expect(stdout).not.toMatch(/ECONNREFUSED|ENOENT/)
  })

  it('[K7] tells a random sequence that fails without the steps that do not matter', async () => {
    await using directory = await temporaryDirectory()
    const command = await commandOf(directory.path, forgetfulDriver)
    const words = ['run', '--command', command, '--only', 'model.objects', '--quiet', '--seed', '3']
    const { stdout } = await kitBeside(...words)
    const [, steps = ''] = /after (.*?): endpoint\/delete failed/.exec(stdout) ?? []
    expect(steps.replaceAll(/\(\d+\)/g, '')).toBe(
      'createNetwork, createEndpoint, createEndpoint, deleteEndpoint',
    )
    const [, path = '', replayPath = ''] = /--path (\S+) --replay-path '(\S+)'/.exec(stdout) ?? []
    const again = await kitBeside(...words, '--path', path, '--replay-path', replayPath)
    expect(again.stdout).toContain(`after ${steps}: endpoint/delete failed`)
  })

  it('exits with 2 for a check that it does not know, and starts nothing', async () => {
    const words = ['run', '--command', 'touch /nonexistent/{socket}', '--only', 'rpc.nothing']
    const { code, stdout, stderr } = await kit(...words)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toBe(
      'conet-conformance: no check and no area is called "rpc.nothing": see conet-conformance list\n',
    )
  })

  it('exits with 4 when nobody listens, and when the driver does not start', async () => {
    expect((await kit('run', '--socket', '/nonexistent/driver.sock')).code).toBe(4)
    const { code, stderr } = await kit('run', '--command', 'sh -c "echo no such luck >&2; exit 1" {socket}')
    expect(code).toBe(4)
    expect(stderr).toContain('no such luck')
  })
})
