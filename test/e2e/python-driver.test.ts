// docs/examples/python-driver: a driver without any SDK keeps the contract, and its network carries pings.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { show } from '../support/iproute.ts'
import { repository } from '../support/repository.ts'

const directory = join(repository, 'docs/examples/python-driver')
const program = join(directory, 'driver.py')
const run = promisify(execFile)

/** A python3 that writes no compiled files beside its sources. */
function startDriver(socketPath: string) {
  const child = spawn('python3', ['-B', program, '--socket', socketPath], { stdio: 'ignore' })
  const exited = once(child, 'exit')
  return {
    async end(signal: NodeJS.Signals): Promise<unknown> {
      child.kill(signal)
      const [code] = await exited
      return code
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function ready(fixture: ConetdFixture): Promise<void> {
  const states = async () =>
    (await fixture.client.listDrivers()).drivers
      .filter(({ name }) => name === 'pybridge')
      .map(({ state }) => state)
  await eventually(async () => expect(await states()).toEqual(['ready']), { timeoutMs: 15_000 })
}

const ours = () =>
  show('ip link show')
    .map(({ ifname }) => String(ifname))
    .filter((name) => name.startsWith('py'))

it('[K2] [K7] [D17] two containers on a network of a driver in Python reach each other, and nothing is left', {
  timeout: 60_000,
}, async () => {
  await using fixture = await ConetdFixture.start()
  const { client } = fixture
  const socketPath = join(fixture.driverDirectory, 'pybridge.sock')
  await using first = startDriver(socketPath)
  await ready(fixture)
  await client.createNetwork({ name: 'blue', type: 'pybridge', config: {} })
  const addresses = new Map<string, string>()
  const sandboxes = new Map<string, string>()
  for (const handle of ['a', 'b']) {
    await client.putContainerConfig(handle, { attach_to: ['blue'] })
    const { sandbox, endpoints } = await client.up(handle)
    sandboxes.set(handle, sandbox?.path ?? '')
    addresses.set(handle, endpoints[0]?.interfaces[0]?.addresses[0]?.split('/')[0] ?? '')
  }
  const ping = (from: string, to: string | undefined = '') =>
    run('nsenter', [`--net=${sandboxes.get(from)}`, 'ping', '-n', '-c1', '-W2', to])
  await ping('a', addresses.get('b'))
  await ping('b', addresses.get('a'))

  await first.end('SIGKILL')
  await using second = startDriver(socketPath)
  await ready(fixture)
  await ping('a', addresses.get('b'))
  const container = await client.getContainer('a')
  await client.unplug({ handle: 'a', endpoint: container.endpoints[0]?.id ?? '' })
  expect(ours()).toHaveLength(2)
  await fixture.removeEverything()
  expect(ours()).toEqual([])
  expect(await second.end('SIGTERM')).toBe(0)
})

it('[K7] [D17] a driver in Python passes the conformance kit at level core, with the standard library alone', {
  timeout: 60_000,
}, async () => {
  const imported = ['driver.py', 'protocol.py', 'netlink.py'].flatMap((file) =>
    [...readFileSync(join(directory, file), 'utf8').matchAll(/^(?:import|from) (\w+)/gm)].map(
      ([, name]) => name,
    ),
  )
  const own = ['netlink', 'protocol']
  const { stdout: standard } = await run('python3', ['-c', 'import sys; print(*sys.stdlib_module_names)'])
  expect(imported.filter((name = '') => ![...own, ...standard.trim().split(' ')].includes(name))).toEqual([])
  const kit = join(repository, 'sdk/bin/conet-conformance.js')
  const command = `python3 -B ${program} --socket {socket}`
  const report = await run('node', [kit, 'run', '--level', 'core', '--command', command])
  expect(report.stdout).toContain('reaches core')
})
