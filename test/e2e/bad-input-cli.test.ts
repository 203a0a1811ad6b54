// The command line in clumsy hands: what is wrong is named on stderr, with the exit code of the manual and nothing on
// stdout; and what the help shows as an example can be pasted. Most of it runs in this process, as the start of a
// program costs more than what is tried.
import { execFile, spawn, spawnSync } from 'node:child_process'
import { readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NetworkView } from '@conet/sdk/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { conetProgram } from '../support/conetd-process.ts'
import { eventually } from '../support/eventually.ts'
import { fewAtOnce } from '../support/few-at-once.ts'
import { HostUnderTest } from '../support/host-under-test.ts'
import { type Outcome, conet as runConet } from '../support/run-conet.ts'

let host: HostUnderTest

beforeAll(async () => {
  host = await HostUnderTest.start('null', 'bridge')
  await host.done({ method: 'POST', path: '/networks', body: { name: 'blue', type: 'null' } })
  await host.done({ method: 'PUT', path: '/containers/c1/config', body: { attach_to: [] } })
})

afterAll(() => host?.[Symbol.asyncDispose]())

function conet(...words: readonly string[]): Promise<Outcome> {
  return runConet(words, { socketPath: host.conetd.socket })
}

function conetProcess(...words: readonly string[]): Promise<Outcome> {
  const env = { ...process.env, CONET_SOCKET: host.conetd.socket }
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [conetProgram, ...words], { env }, (_error, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    )
  })
}

const wrong: [code: number, named: string, words: string[]][] = [
  [2, '--driver', ['net', 'create']],
  [2, '--bogus', ['net', 'create', 'x', '-d', 'null', '--bogus']],
  [2, '--subnet', ['net', 'create', 'x', '-d', 'null', '--subnet', '10.0.0.0/8,foo=1']],
  [2, 'subnets[0].subnet comes from --subnet', ['net', 'create', 'x', '-d', 'null', '--subnet', 'foo']],
  [2, '--label', ['net', 'create', 'x', '-d', 'null', '--label', 'novalue']],
  [2, '--config', ['net', 'create', 'x', '-d', 'null', '--config', '[1]']],
  [2, '--config', ['net', 'create', 'x', '-d', 'null', '--config', '{"a":1e999}']],
  [2, '--config', ['net', 'create', 'x', '-d', 'null', '--config', '{"a":9007199254740993}']],
  [2, '/none', ['net', 'create', 'x', '-d', 'null', '--config', '@/none']],
  [2, 'config.mtu comes from --opt', ['net', 'create', 'x', '-d', 'bridge', '-o', 'mtu=5']],
  [2, 'name', ['net', 'create', '../x', '-d', 'null']],
  [2, 'type', ['net', 'create', 'x', '-d', '']],
  [3, 'known drivers: bridge, null', ['net', 'create', 'x', '-d', 'nul']],
  [4, 'blue', ['net', 'create', 'blue', '-d', 'null', '--internal']],
  [2, 'network', ['net', 'rm', '']],
  [2, 'network', ['net', 'rm', '--', '-x']],
  [3, 'none', ['net', 'rm', 'none']],
  [2, 'handle', ['container', 'create', '../x']],
  [3, 'attach_to[0] comes from --network', ['container', 'create', 'x', '--network', 'none']],
  [2, '--pid', ['container', 'up', 'c1', '--pid', 'abc']],
  [2, 'pid', ['container', 'up', 'c1', '--pid', '0']],
  [2, 'no process with the pid 99999999', ['container', 'up', 'c1', '--pid', '99999999']],
  [2, 'network namespace of its own', ['container', 'up', 'c1', '--pid', String(process.pid)]],
  [2, '/run/netns/NAME', ['container', 'up', 'c1', '--netns', '/no/such']],
  [2, 'there is a file', ['container', 'up', 'c1', '--netns', '/etc/passwd']],
  [2, 'there is a directory', ['container', 'up', 'c1', '--netns', '.']],
  [2, 'names conetd itself', ['container', 'up', 'c1', '--netns', '/proc/self/ns/net']],
  [2, 'must not be empty', ['container', 'up', 'c1', '--netns', '']],
  [3, 'no container has the handle ../x', ['container', 'up', '../x']],
  [3, 'no container has the handle ..', ['container', 'inspect', '..']],
  [2, 'a handle must have 1 to 1024 bytes; it has 1025', ['container', 'rm', 'x'.repeat(1025)]],
  [2, 'A handle must have 1 to 1024 bytes; it has 1026', ['container', 'events', 'é'.repeat(513)]],
  [2, 'a handle must have 1 to 1024 bytes; it has 0', ['container', 'inspect', '']],
  [3, 'no container has the handle ../x', ['container', 'rm', '../x']],
  [3, 'no container has the handle ../x', ['container', 'inspect', '../x']],
  [3, 'no container has the handle ../x', ['net', 'plug', '../x', 'blue']],
  [3, 'try: conet container list shows those that are there; one with', ['net', 'plug', '../x', 'blue']],
  [3, 'try: let the runtime say it', ['container', 'up', '..']],
  [3, 'no container has the handle ../x', ['net', 'unplug', '../x', 'abcd']],
  [2, 'network must be a name or an id', ['net', 'plug', 'c1', '../x']],
  [2, 'network must be a name or an id', ['net', 'inspect', '../x']],
  [2, 'attach_to[0] must be a name or an id', ['container', 'create', 'c3', '--network', '../x']],
  [2, 'driver must be a name or an id', ['driver', 'inspect', '../x']],
  [2, 'is not known here; known are', ['net', 'create', 'x', '-d', 'bridge', '-o', 'mut=1400']],
  [2, '--netns', ['container', 'up', 'c1', '--pid', '1', '--netns', '/x']],
  [2, 'addresses[0] comes from --ip', ['net', 'plug', 'c1', 'blue', '--ip', 'foo']],
  [2, '10.99.0.1', ['net', 'plug', 'c1', 'blue', '--ip', '10.99.0.1']],
  [2, 'mac_address comes from --mac', ['net', 'plug', 'c1', 'blue', '--mac', 'zz']],
  [2, 'try: conet net plug --help', ['net', 'plug', 'c1', 'blue', '--mac', 'zz']],
  [3, 'try: conet container inspect c1', ['container', 'policy', 'c1', '--reset', 'none']],
  [2, 'interface', ['net', 'plug', 'c1', 'blue', '--interface', 'lo']],
  [2, '--no-default-route', ['net', 'plug', 'c1', 'blue', '--default-route', '--no-default-route']],
  [2, '--no-default-route', ['net', 'plug', 'c1', 'blue', '--no-default-route', '--default-route']],
  [3, 'none', ['net', 'plug', 'c1', 'none']],
  [3, 'container create', ['net', 'plug', 'nobody', 'blue']],
  [2, 'endpoint', ['net', 'unplug', 'c1', 'zz']],
  [3, 'try: conet container inspect c1', ['net', 'unplug', 'c1', 'abcd']],
  [3, 'no container has the handle nobody', ['net', 'unplug', 'nobody', 'abcd']],
  [2, '--since', ['events', '--since', 'x']],
  [2, '--timeout', ['--timeout', '0', 'status']],
  [5, 'conetd --socket /none --spawn', ['--socket', '/none', 'status']],
  [2, '107 bytes', ['--socket', '/x'.repeat(80), 'status']],
  [2, '--json', ['net', 'list', '-q', '--json']],
  [2, '1048576 bytes', ['net', 'create', 'x', '-d', 'bridge', '--config', '@/dev/zero']],
  [2, 'bogus', ['net', 'bogus']],
  [2, 'net bogus', ['help', 'net', 'bogus']],
]

async function expectRefusal(code: number, named: string, words: readonly string[]): Promise<void> {
  const outcome = await conet(...words)
  const line = `conet ${words.join(' ')}`
  expect({ line, ...outcome }).toMatchObject({ line, code, out: '' })
  expect(outcome.err, line).toMatch(/^conet: /)
  expect(outcome.err, line).toContain(named)
  expect(outcome.err, line).toMatch(/^try: ./m)
  expect(outcome.err, line).not.toMatch(/^ +at /m)
  // No expression, and no word of JSON Schema.
  expect(outcome.err, line).not.toMatch(/\^\[|must match|must NOT|additional propert/)
}

describe('a command line that is wrong', () => {
  it('ends with the code of the manual, names what is wrong and what to do next, and says nothing else', async () => {
    const before = await host.picture()
    await fewAtOnce(wrong, (one) => expectRefusal(...one))
    expect(await host.picture()).toEqual(before)
  })

  it('in one of several names keeps no other container from being forgotten', async () => {
    await conet('container', 'create', 'c8')
    await conet('container', 'create', 'c9')
    const { code, out, err } = await conetProcess('container', 'rm', 'c8', '../odd', 'c9')
    expect({ code, out }).toEqual({ code: 3, out: 'c8\nc9\n' })
    expect(err).toContain('no container has the handle ../odd')
  })

  it('in one of several names keeps no other container from being taken down, or shown', async () => {
    const handles = ['c8', '../odd', 'c9']
    for (const handle of ['c8', 'c9']) await conet('container', 'create', handle)
    const shown = await conet('container', 'inspect', '--json', ...handles)
    expect(JSON.parse(shown.out)).toMatchObject([{ handle: 'c8' }, { handle: 'c9' }])
    const counted = await conet('container', 'metrics', '--json', ...handles)
    expect(Object.keys(JSON.parse(counted.out))).toEqual(['c8', 'c9'])
    const down = await conet('container', 'down', ...handles)
    expect(down).toMatchObject({ code: 0, out: 'c8\n../odd\nc9\n' })
    expect(down.err).toContain('../odd: there is no such container')
    for (const { code, err } of [shown, counted]) {
      expect(code).toBe(3)
      expect(err).toContain('no container has the handle ../odd')
    }
    await conet('container', 'rm', 'c8', 'c9')
  })

  it('with a document that is too large hears so, and not that conetd has ended', async () => {
    const file = join(host.directory, 'large.json')
    writeFileSync(file, JSON.stringify({ a: 'x'.repeat(10_000_000) }))
    const outcome = await conetProcess('net', 'create', 'x', '-d', 'null', '--config', `@${file}`)
    expect(outcome).toMatchObject({ code: 2, out: '' })
    expect(outcome.err).toContain('1048576 bytes')
    await host.isWell()
  })
})

it.each(['odd h/é', 'web/1', '../..', "it's", 'x'.repeat(1024)])(
  'a container whose runtime calls it %s is reached by every command',
  async (handle) => {
    const path = `/containers/${encodeURIComponent(handle)}/config`
    await host.done({ method: 'PUT', path, body: { attach_to: ['blue'] } })
    const done = async (...words: readonly string[]) => {
      const { code, out, err } = await conet(...words)
      expect({ words, code, err }).toEqual({ words, code: 0, err: '' })
      return out
    }
    await done('container', 'up', handle)
    expect(JSON.parse(await done('container', 'inspect', '--json', handle))).toMatchObject([{ handle }])
    expect(await done('container', 'events', handle)).toContain('container.up')
    expect(await done('container', 'policy', handle)).toContain('blue')
    expect(JSON.parse(await done('container', 'metrics', '--json', handle))).toHaveProperty([handle])
    const endpoint = (await done('net', 'plug', handle, 'blue', '--name', 'more')).trim()
    await done('net', 'unplug', handle, endpoint)
    expect(await done('container', 'down', handle)).toBe(`${handle}\n`)
    expect(await done('container', 'rm', handle)).toBe(`${handle}\n`)
    expect((await conet('container', 'create', handle)).code).toBe(2)
  },
)

it('a hint names an odd handle as one word of a shell', async () => {
  const handle = "it's odd"
  const path = `/containers/${encodeURIComponent(handle)}/config`
  await host.done({ method: 'PUT', path, body: { attach_to: [] } })
  const { code, err } = await conetProcess('net', 'unplug', handle, 'abcd')
  expect(code).toBe(3)
  expect(err).toContain(`try: conet container inspect 'it'\\''s odd'`)
  await conet('container', 'rm', handle)
})

it('the examples of the help work when they are pasted, in the order of a life', async () => {
  const container = spawn('unshare', ['--net', 'sleep', '60'], { stdio: 'ignore' })
  const namespaceOf = (pid: number | string | undefined) => readlinkSync(`/proc/${pid}/ns/net`)
  await eventually(() => namespaceOf(container.pid) !== namespaceOf('self'))
  try {
    await conet('net', 'create', 'storage', '-d', 'bridge')
    await conet('container', 'create', 'c2')
    const order = [
      'version',
      'status',
      'driver list',
      'driver inspect',
      'net create',
      'net list',
      'net inspect',
      'container create',
      'container list',
      'container up',
      'container inspect',
      'net plug',
      'net unplug',
      'container down',
      'container rm',
      'net rm',
      'help',
    ]
    const helps = await fewAtOnce(order, (command) => conet(...command.split(' '), '--help'))
    let endpoint = ''
    for (const [index, command] of order.entries()) {
      const examples = (helps[index]?.out ?? '')
        .split('\n')
        .flatMap((line) => /^ +\$ conet (.*)$/.exec(line)?.[1] ?? [])
      expect(examples.length, command).toBeGreaterThan(0)
      for (const example of examples) {
        const pasted = example
          .replace('4711', String(container.pid))
          .replace('5a624939c64c', endpoint.slice(0, 12))
        const { code, out, err } = await conetProcess(...pasted.split(' '))
        expect({ example, code, err }).toEqual({ example, code: 0, err: '' })
        if (command === 'net plug') endpoint = out.trim()
      }
    }
  } finally {
    container.kill()
    await conet('container', 'rm', 'c2')
    await conet('net', 'rm', 'storage')
  }
})

describe('what a command prints', () => {
  it('holds the same facts as a table, in short, in full and as JSON', async () => {
    const [table, full, quiet, json] = await Promise.all([
      conet('net', 'list'),
      conet('net', 'list', '--no-trunc'),
      conet('net', 'list', '-q'),
      conet('net', 'list', '--json'),
    ])
    const networks: NetworkView[] = JSON.parse(json.out)
    expect(networks.length).toBeGreaterThan(0)
    for (const { id, name } of networks) {
      expect(table.out).toMatch(new RegExp(`^${id.slice(0, 12)} +${name} `, 'm'))
      expect(full.out).toMatch(new RegExp(`^${id} +${name} `, 'm'))
    }
    expect(quiet.out.trimEnd().split('\n')).toHaveLength(networks.length)
    expect(JSON.parse((await conet('status', '--json')).out).counts.networks).toBe(networks.length)
  })

  it('shows no control characters of others', async () => {
    const labels = { evil: '\u001b[2J\u202e' }
    await host.done({ method: 'PUT', path: '/containers/evil/config', body: { attach_to: [], labels } })
    for (const words of [
      ['container', 'list'],
      ['container', 'inspect', 'evil'],
    ])
      expect((await conet(...words)).out).not.toMatch(/\p{Cc}(?<!\n)|\u202e/u)
    await host.done({ method: 'DELETE', path: '/containers/evil' })
  })

  it('into a pipe that breaks is no failure', () => {
    const command = `"${process.execPath}" "${conetProgram}" help net create | head -c 1; echo "\${PIPESTATUS[0]}"`
    const { stdout, stderr } = spawnSync('bash', ['-c', command], { encoding: 'utf8' })
    expect([stdout.slice(-2), stderr]).toEqual(['0\n', ''])
  })

  it('of two that make the same network at once is the same id', async () => {
    const both = await Promise.all([
      conetProcess('net', 'create', 'twice', '-d', 'null'),
      conetProcess('net', 'create', 'twice', '-d', 'null'),
    ])
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    expect(both[0]?.out).toBe(both[1]?.out)
    await conet('net', 'rm', 'twice')
  })
})
