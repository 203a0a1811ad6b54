// The drivers of the README and of the guide, taken from the text, compiled and run: examples are tests.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DriverClient, sampleEndpoint, sampleNetwork } from '../support/driver-client.ts'
import { eventually } from '../support/eventually.ts'
import { NamespaceFixture } from '../support/namespace-fixture.ts'
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
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', directory], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return join(directory, 'driver.js')
}

describe("the README's driver", () => {
  it('has forty lines at most', () => {
    expect(driverOf('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(40)
  })

  it('[K4] compiles, serves, and gives a container its interface', { timeout: 60_000 }, async () => {
    await using directory = await temporaryDirectory()
    using sandboxes = new NamespaceFixture()
    sandboxes.make('box')
    execFileSync('ip', ['link', 'add', 'lab0', 'type', 'veth', 'peer', 'name', 'lab1'])
    const socketPath = join(directory.path, 'macvlan.sock')
    const process = spawn('node', [build(directory.path, 'README.md'), '--socket', socketPath], {
      stdio: 'ignore',
    })
    try {
      await eventually(() => expect(existsSync(socketPath)).toBe(true))
      await using client = await DriverClient.initialized(socketPath)
      const network = { ...sampleNetwork(), config: { parent: 'lab0' } }
      const endpoint = sampleEndpoint(network)
      const sandbox = { id: 'box', path: sandboxes.path('box') }
      await client.call('network/create', { network })
      await client.call('endpoint/create', endpoint)
      await client.call('endpoint/plug', { ...endpoint, sandbox })
      expect(sandboxes.exec('box', 'ip -o addr show eth0')).toContain('10.0.0.2/16')
      await client.call('endpoint/unplug', {
        networkId: network.id,
        endpointId: endpoint.endpointId,
        sandbox,
      })
      expect(sandboxes.exec('box', 'ip -o link')).not.toContain('eth0')
    } finally {
      process.kill('SIGTERM')
      await once(process, 'exit')
      execFileSync('ip', ['link', 'del', 'lab0'])
    }
    expect(existsSync(socketPath)).toBe(false)
  })
})

it('the driver with which the guide begins compiles, and serves what the guide says', {
  timeout: 60_000,
}, async () => {
  await using directory = await temporaryDirectory()
  const program = build(directory.path, 'docs/guides/writing-a-driver.md')
  const socketPath = join(directory.path, 'wire.sock')
  const process = spawn('node', [program, '--socket', socketPath], { stdio: 'ignore' })
  try {
    await eventually(() => expect(existsSync(socketPath)).toBe(true))
    await using client = await DriverClient.initialized(socketPath)
    const network = sampleNetwork()
    await client.call('network/create', { network })
    expect(await client.call('network/list', {})).toEqual({ networkIds: [] })
  } finally {
    process.kill('SIGTERM')
    await once(process, 'exit')
  }
})
