// conet-oci-hook as runc, crun and podman run it: real containers with a busybox root file system.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import {
  type BundleOptions,
  leaveHybridCgroups,
  makeBundle,
  makeRootFileSystem,
} from '../support/oci-bundle.ts'
import { ContainerInit, hookProgram, type Ran, runWith } from '../support/shims.ts'

let fixture: ConetdFixture
let bundles = 0

beforeAll(async () => {
  leaveHybridCgroups()
  fixture = await ConetdFixture.start({
    drivers: ['bridge'],
    config: { dns: { servers: ['10.81.0.53'], search: ['apps.internal'], options: ['ndots:2'] } },
  })
})
afterAll(() => fixture?.[Symbol.asyncDispose]())
afterEach(() => fixture.removeEverything())

async function makeNetworks(): Promise<void> {
  await fixture.client.createNetwork({ name: 'blue', type: 'bridge', subnets: [{ subnet: '10.81.0.0/24' }] })
  await fixture.client.createNetwork({ name: 'red', type: 'bridge', subnets: [{ subnet: '10.82.0.0/24' }] })
}

/** The container runs to its end, and the runtime with it. */
function run(runtime: string, id: string, wishes: Omit<BundleOptions, 'directory' | 'socket'>): Promise<Ran> {
  const directory = join(fixture.directory, `bundle${++bundles}`)
  mkdirSync(directory)
  makeBundle({ ...wishes, directory, socket: fixture.conetd.socket })
  const root = join(fixture.directory, `${runtime}-root`)
  return runWith([runtime, '--root', root, 'run', '--bundle', directory, id], '')
}

/** Its hook has ended, and its process has begun. */
async function isRunning(runtime: string, id: string): Promise<boolean> {
  const root = join(fixture.directory, `${runtime}-root`)
  const { out } = await runWith([runtime, '--root', root, 'state', id], '')
  return /"status": *"running"/.test(out)
}

const containers = async () => (await fixture.client.listContainers()).containers.map(({ handle }) => handle)

describe.each(['runc', 'crun'])('%s', (runtime) => {
  it('a container has the networks of its annotations in order, its name servers, and leaves nothing', async () => {
    await makeNetworks()
    const annotations = {
      'dev.conet.networks': 'blue, red',
      'dev.conet.network.blue.ip': '10.81.0.7',
      'dev.conet.network.red.interface': 'second',
      'dev.conet.network.red.mtu': '1400',
    }
    const script = 'ip -o -4 addr; ip -o link show second; ip route; cat /etc/resolv.conf /etc/hosts'
    const { code, out, err } = await run(runtime, `${runtime}1`, { annotations, script })
    expect([code, err]).toEqual([0, ''])
    expect(out).toContain('eth0    inet 10.81.0.7/24')
    expect(out).toContain('second    inet 10.82.0.2/24')
    expect(out).toContain('mtu 1400')
    expect(out).toContain('default via 10.81.0.1 dev eth0')
    expect(out).toContain('nameserver 10.81.0.53\nsearch apps.internal\noptions ndots:2\n')
    expect(out).toContain(`10.81.0.7\trunc ${runtime}1\n10.82.0.2\trunc ${runtime}1\n`)
    expect(await containers()).toEqual([])
  })

  it('a container finds itself by its host name, and whom its runtime has put into its hosts file', async () => {
    await makeNetworks()
    const hostsFile = join(fixture.directory, `${runtime}-hosts`)
    writeFileSync(hostsFile, '10.9.9.9\tpeer # added\n127.0.0.1\tlocalhost\n127.0.0.1\tshop shop.old\n')
    const annotations = { 'dev.conet.networks': 'blue', 'dev.conet.network.blue.ip': '10.81.0.7' }
    const wishes = { annotations, hostname: 'shop', hostsFile, script: 'cat /etc/hosts' }
    const { code, out, err } = await run(runtime, `${runtime}6`, wishes)
    expect([code, err]).toEqual([0, ''])
    const own = ['127.0.0.1\tlocalhost', '::1\tlocalhost', `10.81.0.7\tshop ${runtime}6`]
    expect(out).toBe(`${[...own, '10.9.9.9\tpeer', '127.0.0.1\tshop.old'].join('\n')}\n`)
  })

  it('a container that cannot have its networks does not start, says why, and leaves nothing', async () => {
    await makeNetworks()
    const wrong = [
      [{ 'dev.conet.networks': 'blue,green' }, 'annotation dev.conet.networks'],
      [{ 'dev.conet.networks': 'blue', 'dev.conet.network.blue.mut': '1' }, 'dev.conet.network.blue.mut'],
      [{}, 'set default_attachment'],
    ] as const
    for (const [annotations, reason] of wrong) {
      const { code, out, err } = await run(runtime, `${runtime}2`, { annotations, script: 'echo started' })
      expect(code).not.toBe(0)
      expect(out).not.toContain('started')
      // crun says the hook's exit code alone.
      if (runtime === 'runc') expect(err).toContain(reason)
    }
    expect(await containers()).toEqual([])
  })

  it('containers side by side get addresses of their own, and one that ends while conetd is away is taken down when it is back', async () => {
    await makeNetworks()
    const annotations = { 'dev.conet.networks': 'blue' }
    const shown = await Promise.all(
      [3, 4].map((n) => run(runtime, `${runtime}${n}`, { annotations, script: 'ip -o -4 addr show eth0' })),
    )
    expect(new Set(shown.map(({ out }) => /10\.81\.0\.\d+/.exec(out)?.[0])).size).toBe(2)
    const last = run(runtime, `${runtime}5`, { annotations, script: 'sleep 2' })
    await eventually(() => isRunning(runtime, `${runtime}5`), { timeoutMs: 15_000, everyMs: 50 })
    await fixture.kill()
    expect((await last).code).toBe(0)
    await fixture.start()
    await eventually(async () => expect(await containers()).toEqual([]))
    await fixture.settled()
  })
})

it('what went wrong names the container and the annotation, and what to do', async () => {
  await makeNetworks()
  await using init = await ContainerInit.start()
  const hook = [process.execPath, hookProgram, '--socket', fixture.conetd.socket]
  const said = async (annotations: Record<string, string>, bundle?: string) => {
    const state = { id: 'c1', pid: init.pid, annotations, bundle }
    const { code, err } = await runWith([...hook, 'createRuntime'], JSON.stringify(state))
    return [code, err.trim()]
  }
  const blue = { 'dev.conet.networks': 'blue' }
  const begin = 'conet-oci-hook: createRuntime c1: '
  expect(await said({ ...blue, 'dev.conet.network.blue.ip': '10.99.0.5' })).toEqual([
    1,
    `${begin}annotation dev.conet.network.blue.ip: reserve address 10.99.0.5: the network’s subnets are 10.81.0.0/24\nask for an address of one of them, or for none: any free one`,
  ])
  const options = { ...blue, 'dev.conet.network.blue.options': '{"net_in":[]}' }
  expect(await said(options)).toEqual([
    1,
    expect.stringContaining(`${begin}annotation dev.conet.network.blue.options.net_in`),
  ])
  expect(await said(blue, '/nope')).toEqual([1, expect.stringContaining(`${begin}read the configuration of`)])
  await fixture.client.putContainerConfig('holder', {
    attach_to: [{ network: 'blue', addresses: ['10.81.0.9'] }],
  })
  await fixture.client.up('holder')
  expect(await said({ ...blue, 'dev.conet.network.blue.ip': '10.81.0.9' })).toEqual([
    1,
    expect.stringContaining(`${begin}annotation dev.conet.network.blue.ip: `),
  ])
})

it('of a container whose id is no handle nothing is asked, and that is a misuse', async () => {
  const tooLong = JSON.stringify({ id: 'h'.repeat(1025), pid: 1 })
  const refusals: [stage: string, state: Buffer, why: string][] = [
    ['poststop', Buffer.from('{"id":"\xff"}', 'latin1'), 'must be UTF-8'],
    ['createRuntime', Buffer.from('{"id":"\\ud800","pid":1}'), 'must be UTF-8'],
    ['createRuntime', Buffer.from('{"id":"a\\u0000b","pid":1}'), 'must have no zero byte'],
    ['poststop', Buffer.from('{"id":"a\\u0000b"}'), 'must have no zero byte'],
    ['createRuntime', Buffer.from(tooLong), 'at most 1024 bytes; it has 1025'],
  ]
  for (const [stage, state, why] of refusals) {
    const ended = await runWith([process.execPath, hookProgram, stage], state)
    expect(ended).toMatchObject({ code: 2, err: expect.stringContaining(why) })
  }
  // It can never have been up.
  expect((await runWith([process.execPath, hookProgram, 'poststop'], Buffer.from(tooLong))).code).toBe(0)
})

it('podman runs it from its hooks directory, for two networks with options of each', async () => {
  await makeNetworks()
  const at = (name: string) => join(fixture.directory, name)
  for (const name of ['podman-rootfs', 'hooks.d']) mkdirSync(at(name))
  makeRootFileSystem(at('podman-rootfs'))
  for (const [file, stage] of [
    ['10-conet.json', 'createRuntime'],
    ['11-conet.json', 'poststop'],
  ] as const) {
    const args = ['node', hookProgram, '--socket', fixture.conetd.socket, stage]
    const hook = { path: process.execPath, args, timeout: 60 }
    const when = { annotations: { '^dev\\.conet\\.networks$': '.*' } }
    writeFileSync(
      join(at('hooks.d'), file),
      JSON.stringify({ version: '1.0.0', hook, when, stages: [stage] }),
    )
  }
  const own = ['--root', at('podman'), '--runroot', at('podman-run'), '--cgroup-manager', 'cgroupfs']
  const quiet = ['--events-backend', 'file', '--runtime', 'runc', '--hooks-dir', at('hooks.d')]
  const limits = ['--ulimit', 'nofile=20000:20000', '--ulimit', 'nproc=20000:20000']
  const annotations = [
    'dev.conet.networks=blue red',
    'dev.conet.network.red.interface=second',
    'dev.conet.network.red.ip=10.82.0.7',
  ].flatMap((annotation) => ['--annotation', annotation])
  const names = ['--hostname', 'shop', '--add-host', 'peer:10.9.9.9']
  const wishes = ['--network', 'none', ...names, ...annotations, '--rm']
  const script = 'ip -o -4 addr; ip route; cat /etc/resolv.conf /etc/hosts'
  const { code, out, err } = await runWith(
    [
      'podman',
      ...own,
      ...quiet,
      'run',
      ...limits,
      ...wishes,
      '--rootfs',
      at('podman-rootfs'),
      'sh',
      '-c',
      script,
    ],
    '',
  )
  expect([code, err]).toEqual([0, ''])
  expect(out).toContain('eth0    inet 10.81.0.2/24')
  expect(out).toContain('second    inet 10.82.0.7/24')
  expect(out).toContain('default via 10.81.0.1 dev eth0')
  expect(out).toContain('10.82.0.0/24 dev second')
  expect(out).toContain('nameserver 10.81.0.53')
  expect(out).toMatch(/^10\.81\.0\.2\tshop .*\n10\.82\.0\.7\tshop .*\n10\.9\.9\.9\tpeer\n/m)
  await eventually(async () => expect(await containers()).toEqual([]))
})
