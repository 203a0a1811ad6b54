// The drivers of the README and of the guide, taken from the text, compiled and run: examples are tests.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runConformance } from '@conet/sdk/conformance'
import { describe, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { DriverClient, sampleNetwork } from '../support/driver-client.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const root = new URL('../..', import.meta.url).pathname

/** The first program of a page. */
function driverOf(page: string): string {
  const [, source] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, page), 'utf8')) ?? []
  if (source === undefined) throw new Error(`${page} has no driver`)
  return source
}

/** Compiles the page's driver in an otherwise empty folder, as a vendor would. */
function build(directory: string, page: string): string {
  const options = { module: 'node20', target: 'es2023', strict: true, types: ['node'], skipLibCheck: true }
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: ['driver.ts'] }),
  )
  writeFileSync(join(directory, 'driver.ts'), driverOf(page))
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'))
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', directory, '--checkers', '1'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return join(directory, 'driver.js')
}

/** What the SDK does alone is checked with the bundled drivers. */
const partsOfTheAuthor = ['network', 'endpoint', 'plug', 'unplug', 'sync', 'kernel', 'restart', 'upgrade']

describe("the README's driver", () => {
  it('has forty lines at most', () => {
    expect(driverOf('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(40)
  })

  it('[K4] compiles, and connects two containers of a running host', async () => {
    await using directory = await temporaryDirectory()
    const program = build(directory.path, 'README.md')
    await using host = await ConetdFixture.start({ drivers: ['wire'], programs: { wire: program } })
    await host.client.createNetwork({ name: 'lab', type: 'wire', internal: true })
    const addresses: string[] = []
    for (const handle of ['one', 'two']) {
      await host.client.putContainerConfig(handle, { attach_to: ['lab'] })
      const { endpoints } = await host.client.up(handle)
      addresses.push(endpoints[0]?.interfaces[0]?.addresses[0]?.split('/')[0] ?? '')
    }
    const { sandbox } = await host.client.getContainer('one')
    execFileSync('nsenter', [`--net=${sandbox?.path}`, 'ping', '-c', '1', '-W', '2', addresses[1] ?? ''])
    await host.removeEverything()
  })

  it('[K7] keeps the contract: each life of it mends what the one before has left', async () => {
    await using directory = await temporaryDirectory()
    const command = `node ${build(directory.path, 'README.md')} --socket {socket}`
    const report = await runConformance({ command, level: 'upgradable', only: partsOfTheAuthor, seed: 1 })
    expect(report.checks.filter(({ status }) => status === 'fail' || status === 'error')).toEqual([])
    expect(report.counts.pass).toBeGreaterThan(60)
  })
})

it('the driver with which the guide begins compiles, and serves what the guide says', async () => {
  await using directory = await temporaryDirectory()
  const program = build(directory.path, 'docs/guides/writing-a-driver.md')
  const socketPath = join(directory.path, 'wire.sock')
  const process = spawn('node', [program, '--socket', socketPath], { stdio: 'ignore' })
  try {
    await using client = await eventually(() => DriverClient.initialized(socketPath))
    const network = sampleNetwork()
    await client.call('network/create', { network })
    expect(await client.call('network/list', {})).toEqual({ networkIds: [network.id] })
  } finally {
    process.kill('SIGTERM')
    await once(process, 'exit')
  }
})
