import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  DriverClient,
  newId,
  sampleEndpoint,
  sampleNetwork,
  sampleSandbox,
} from '../../../support/driver-client.ts'
import { eventually } from '../../../support/eventually.ts'
import { type DriverProgramOptions, FakeDriver, startDriverProgram } from '../../../support/fake-driver.ts'
import { temporaryDirectory } from '../../../support/temporary-directory.ts'
import { failureOf, nullProgram } from './served.ts'

const run = (options: Partial<DriverProgramOptions>) =>
  startDriverProgram({ program: nullProgram, ...options })
const plugParams = () => ({ ...sampleEndpoint(), sandbox: sampleSandbox })

describe('the program of a driver', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('stops in order on %s, with exit code 0', async (signal) => {
    await using directory = await temporaryDirectory()
    const socketPath = join(directory.path, 'null.sock')
    await using driver = await run({ args: ['--socket', socketPath], socketPath })
    await using client = await DriverClient.initialized(socketPath)
    await client.call('driver/ping', {})
    expect(await driver.end(signal)).toBe(0)
    expect(await readdir(directory.path)).toEqual([])
    expect(driver.log.map(({ message }) => message)).toEqual([
      'driver "null" 0.1.0 listens',
      'driver "null" stopped',
    ])
    await eventually(() => client.isClosed)
  })

  it('lets a call under way end before it goes', async () => {
    await using directory = await temporaryDirectory()
    await using fake = await FakeDriver.start({
      directory: directory.path,
      plan: { methods: { 'endpoint/plug': { delayMs: 300 } } },
    })
    await using client = await DriverClient.initialized(fake.socketPath)
    const plug = client.call('endpoint/plug', plugParams())
    await eventually(() => expect(fake.calls()).toContain('endpoint/plug'))
    const ended = fake.program.end('SIGTERM')
    await expect(plug).resolves.toEqual({ interfaces: [] })
    expect(await ended).toBe(0)
    expect(fake.calls()).toEqual(['start', 'endpoint/create', 'endpoint/plug', 'stop'])
  })

  it('ends at once on a second signal', async () => {
    await using directory = await temporaryDirectory()
    await using fake = await FakeDriver.start({
      directory: directory.path,
      plan: { methods: { stop: { hangs: true }, 'endpoint/plug': { hangs: true, ignoresAbort: true } } },
    })
    await using client = await DriverClient.initialized(fake.socketPath)
    const plug = failureOf(client.call('endpoint/plug', plugParams()))
    await eventually(() => expect(fake.calls()).toContain('endpoint/plug'))
    const since = performance.now()
    fake.program.process.kill('SIGTERM')
    await eventually(async () => expect(await readdir(directory.path)).not.toContain('fake.sock'))
    expect(await fake.program.end('SIGTERM')).toBe(143)
    expect(performance.now() - since).toBeLessThan(3_000)
    await plug
  })

  it('listens where CONET_DRIVER_SOCKET says', async () => {
    await using directory = await temporaryDirectory()
    const socketPath = join(directory.path, 'other.sock')
    await using driver = await run({ env: { CONET_DRIVER_SOCKET: socketPath }, socketPath })
    expect((await lstat(socketPath)).isSocket()).toBe(true)
    await driver.end()
  })

  it('is replaced by the next after kill -9', async () => {
    await using directory = await temporaryDirectory()
    await using fake = await FakeDriver.start({ directory: directory.path })
    expect(await fake.program.end('SIGKILL')).toBe('SIGKILL')
    expect((await lstat(fake.socketPath)).isSocket()).toBe(true)
    await fake.restart()
    await using client = await DriverClient.initialized(fake.socketPath)
    await expect(client.call('driver/ping', {})).resolves.toEqual({})
  })

  it('goes on when nobody reads its log any more', async () => {
    await using directory = await temporaryDirectory()
    const socketPath = join(directory.path, 'null.sock')
    await using driver = await run({ args: ['--socket', socketPath, '--log-level', 'debug'], socketPath })
    driver.process.stderr?.destroy()
    await using client = await DriverClient.initialized(socketPath)
    client.peer.notify('rejected', { code: 1310, name: 'duplicateName', message: 'no' })
    client.peer.notify('rejected', { code: 1310, name: 'duplicateName', message: 'no' })
    await expect(client.call('driver/ping', {})).resolves.toEqual({})
  })

  it('prints its help with an example, and its version', async () => {
    await using help = await run({ args: ['--help'] })
    expect(await help.exited).toBe(0)
    expect(help.stdout).toContain('Example: conet-driver-null.js --socket')
    await using version = await run({ args: ['--version'] })
    expect(await version.exited).toBe(0)
    expect(version.stdout).toBe('null 0.1.0\n')
  })

  it.each([
    { args: ['--no-such'], code: 2, says: /Unknown option '--no-such'/ },
    { args: ['stray'], code: 2, says: /stray/ },
    { args: ['--socket', ''], code: 2, says: /--socket .* is empty/ },
    { args: ['--log-level', 'loud'], code: 2, says: /"loud" is none of debug, info, warn, error/ },
    {
      args: ['--socket', '/no/such/directory/null.sock'],
      code: 1,
      says: /neither it nor .* exists\n.*install -d/,
    },
    { args: ['--socket', `/${'x'.repeat(120)}.sock`], code: 1, says: /the path has 126 bytes/ },
  ])('says what is wrong and ends with $code: $args', async ({ args, code, says }) => {
    await using driver = await run({ args })
    expect(await driver.exited).toBe(code)
    expect(driver.stderr).toMatch(says)
    expect(driver.stderr).not.toContain('    at ')
  })
})

describe('[D18] the null driver', () => {
  it('lets everything succeed, does nothing, and remembers what it was told', async () => {
    await using directory = await temporaryDirectory()
    const socketPath = join(directory.path, 'null.sock')
    await using driver = await run({ args: ['--socket', socketPath], socketPath })
    await using client = await DriverClient.initialized(socketPath)
    const network = sampleNetwork()
    const endpoint = sampleEndpoint(network)
    const ref = { networkId: network.id, endpointId: endpoint.endpointId }
    for (let repeat = 0; repeat < 2; repeat += 1) {
      await client.call('network/create', { network })
      await client.call('endpoint/create', endpoint)
      const plugged = await client.call('endpoint/plug', { ...endpoint, sandbox: sampleSandbox })
      expect(plugged).toEqual({ interfaces: [] })
      expect(await client.call('network/list', {})).toEqual({ networkIds: [network.id] })
      expect(await client.call('endpoint/list', {})).toEqual({ endpoints: [ref] })
    }
    for (let repeat = 0; repeat < 2; repeat += 1) {
      await client.call('endpoint/unplug', ref)
      await client.call('endpoint/delete', ref)
      await client.call('network/delete', { networkId: network.id })
      expect(await client.call('endpoint/list', {})).toEqual({ endpoints: [] })
      expect(await client.call('network/list', {})).toEqual({ networkIds: [] })
    }
    await client.call('endpoint/unplug', { networkId: newId(), endpointId: newId() })
    await driver.end()
  })
})
