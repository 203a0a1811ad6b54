import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { apiPicture, expectAgreement } from '../support/agreement.ts'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { ConetdProcess } from '../support/conetd-process.ts'
import { eventually } from '../support/eventually.ts'
import type { FakeDriver } from '../support/fake-driver.ts'
import { show } from '../support/iproute.ts'
import { temporaryNamespace } from '../support/temporary-namespace.ts'

let fixture: ConetdFixture
let fake: FakeDriver

beforeAll(async () => {
  fixture = await ConetdFixture.start({ drivers: ['bridge'] })
  fake = await fixture.startFakeDriver()
})

afterAll(() => fixture?.[Symbol.asyncDispose]())

beforeEach(async () => {
  await fixture.client.createNetwork({ name: 'blue', type: 'bridge', subnets: [{ subnet: '10.91.0.0/24' }] })
  await fixture.client.createNetwork({ name: 'slow', type: 'fake', subnets: [{ subnet: '10.92.0.0/24' }] })
  await fixture.client.putContainerConfig('c', { attach_to: ['blue'] })
})

afterEach(async () => {
  fake.plan({})
  await fixture.removeEverything()
})

/** A process in a network namespace of its own. */
async function startOwner(): Promise<{ pid: number; end(): Promise<void> }> {
  const owner = spawn('unshare', ['-n', 'sh', '-c', 'echo; exec sleep 600'])
  await once(owner.stdout, 'data')
  const end = async () => {
    const closed = once(owner, 'close')
    owner.kill('SIGKILL')
    await closed
  }
  return { pid: owner.pid ?? 0, end }
}

/** Fails with that kind, and record and kernel are as before. */
async function expectRefused(work: () => Promise<unknown>, kind: string | RegExp): Promise<void> {
  const before = { api: await apiPicture(fixture), links: show('ip link show').map(({ ifname }) => ifname) }
  await expect(work()).rejects.toMatchObject({
    kind: typeof kind === 'string' ? kind : expect.stringMatching(kind),
  })
  await fixture.settled()
  const after = { api: await apiPicture(fixture), links: show('ip link show').map(({ ifname }) => ifname) }
  expect(after).toEqual(before)
}

describe('up is refused, and nothing has changed, with', () => {
  const places: Record<string, () => string> = {
    'a path where nothing is': () => join(fixture.directory, 'nothing'),
    'a relative path': () => 'run/netns/x',
    'a directory': () => fixture.directory,
    'a file': () => {
      writeFileSync(join(fixture.directory, 'file'), 'no namespace')
      return join(fixture.directory, 'file')
    },
    'an empty file, whose mount is not seen': () => {
      writeFileSync(join(fixture.directory, 'empty'), '')
      return join(fixture.directory, 'empty')
    },
    'a namespace of another type': () => '/proc/self/ns/uts',
    'the namespace of the host itself': () => `/proc/${process.pid}/ns/net`,
    'the namespace of conetd by a link': () => {
      const link = join(fixture.directory, 'link')
      rmSync(link, { force: true })
      symlinkSync('/proc/self/ns/net', link)
      return link
    },
    'a FIFO': () => {
      const path = join(fixture.directory, 'fifo')
      rmSync(path, { force: true })
      execFileSync('mkfifo', [path])
      return path
    },
  }

  it.each(Object.keys(places))('%s', async (name) => {
    const netns = places[name]?.() ?? ''
    await expectRefused(() => fixture.client.up('c', { netns }), /^(invalidSandbox|sandboxUnreachable)$/)
  })

  it('the process of a container that is gone', async () => {
    const { pid, end } = await startOwner()
    await end()
    await expectRefused(() => fixture.client.up('c', { pid }), 'invalidSandbox')
  })

  it('a container that nobody defined', () => expectRefused(() => fixture.client.up('nobody'), 'notFound'))

  it('a container that is down stays down', async () => {
    await fixture.client.up('c')
    await fixture.client.down('c')
    await fixture.client.plug('c', { network: 'slow' })
    fake.plan({ methods: { 'endpoint/plug': { error: { kind: 'backendUnavailable', message: 'no' } } } })
    await expectRefused(() => fixture.client.up('c'), 'backendUnavailable')
    expect((await fixture.client.getContainer('c')).state).toBe('down')
  })
})

describe('a plug is refused, and nothing has changed, when', () => {
  it('the container has an interface of that name, which the runtime has made', async () => {
    using sandbox = temporaryNamespace()
    await fixture.client.up('c', { netns: sandbox.path })
    sandbox.namespace.run(() => execFileSync('ip', ['link', 'add', 'wan0', 'type', 'bridge']))
    const wish = { network: 'blue', interface: 'wan0' }
    await expectRefused(() => fixture.client.plug('c', wish), 'conflict')
    await expectRefused(() => fixture.client.plug('c', { network: 'blue', interface: 'eth0' }), 'conflict')
    await fixture.client.down('c')
  })

  it('another endpoint has the address or the MAC, or the address is none to have', async () => {
    const { interfaces } = await fixture.client.plug('c', { network: 'blue' })
    const [address = ''] = interfaces[0]?.addresses ?? []
    const refusals = [
      [{ addresses: [address.replace('/24', '')] }, 'addressInUse'],
      [{ mac_address: interfaces[0]?.mac_address ?? '' }, 'addressInUse'],
      [{ addresses: ['10.91.0.1'] }, /^address/],
      [{ addresses: ['10.93.0.5'] }, 'addressOutOfRange'],
    ] as const
    for (const [wish, kind] of refusals)
      await expectRefused(
        () =>
          fixture.client.plug('c', {
            network: 'blue',
            ...('addresses' in wish ? { addresses: [...wish.addresses] } : wish),
          }),
        kind,
      )
  })

  it('the sandbox of the running container was taken away', async () => {
    const { sandbox } = await fixture.client.up('c')
    execFileSync('umount', ['--lazy', sandbox?.path ?? ''])
    const wish = () => fixture.client.plug('c', { network: 'blue' })
    await expect(wish()).rejects.toMatchObject({
      kind: 'failedPrecondition',
      message: expect.stringContaining('is not at'),
    })
    expect((await fixture.client.getContainer('c')).endpoints).toHaveLength(1)
    await fixture.client.down('c')
    await fixture.client.up('c')
    await expectAgreement(fixture)
  })
})

it('a container whose process ends in the midst of its up is up in what conet holds, and goes down', async () => {
  const { pid, end } = await startOwner()
  await fixture.client.putContainerConfig('c', { attach_to: ['slow', 'blue'] })
  fake.plan({ methods: { 'endpoint/plug': { delayMs: 300 } } })
  const up = fixture.client.up('c', { pid })
  await eventually(() => fake.calls().at(-1) === 'endpoint/plug')
  await end()
  expect(await up).toMatchObject({ state: 'up', endpoints: [{ state: 'plugged' }, { state: 'plugged' }] })
  await expectAgreement(fixture)
  expect(await fixture.client.down('c')).toEqual({ state: 'gone' })
  await expectAgreement(fixture)
})

describe('up and down', () => {
  it('down aborts an up that is running, and what it has made goes', async () => {
    await fixture.client.putContainerConfig('c', { attach_to: ['blue', 'slow'] })
    fake.plan({ methods: { 'endpoint/plug': { hangs: true } } })
    const calls = fake.calls().length
    const start = performance.now()
    const up = expect(fixture.client.up('c')).rejects.toMatchObject({ kind: 'cancelled' })
    await eventually(() => fake.calls().slice(calls).includes('endpoint/plug'))
    expect(await fixture.client.down('c')).toEqual({ state: 'gone' })
    await up
    expect(performance.now() - start).toBeLessThan(5_000)
    await fixture.settled()
    expect(await fixture.client.getContainer('c')).toMatchObject({ state: 'defined', endpoints: [] })
    await expectAgreement(fixture)
  })

  it('a client that leaves ends the up that it asked for', async () => {
    await fixture.client.putContainerConfig('c', { attach_to: ['blue', 'slow'] })
    fake.plan({ methods: { 'endpoint/plug': { hangs: true } } })
    const calls = fake.calls().length
    const leaving = new AbortController()
    const up = expect(fixture.client.up('c', {}, { signal: leaving.signal })).rejects.toThrow()
    await eventually(() => fake.calls().slice(calls).includes('endpoint/plug'))
    leaving.abort()
    await up
    await eventually(async () =>
      expect(await fixture.client.getContainer('c')).toMatchObject({ state: 'defined', endpoints: [] }),
    )
  })

  it('up with the same namespace again changes nothing; with another one the container is down first', async () => {
    using first = temporaryNamespace()
    using second = temporaryNamespace()
    const up = await fixture.client.up('c', { netns: first.path })
    expect(await fixture.client.up('c', { netns: first.path })).toEqual(up)
    const moved = await fixture.client.up('c', { netns: second.path })
    expect(moved.endpoints).toHaveLength(1)
    expect(moved.endpoints[0]?.id).not.toBe(up.endpoints[0]?.id)
    const namesIn = (made: typeof first) => show('ip link show', made.namespace).map(({ ifname }) => ifname)
    expect([namesIn(first), namesIn(second)]).toEqual([['lo'], ['lo', 'eth0']])
    await expectAgreement(fixture)
    await fixture.client.down('c')
  })

  it('many at once on one container end in one of their states', async () => {
    using sandbox = temporaryNamespace()
    const { client } = fixture
    const steps = [
      () => client.up('c'),
      () => client.down('c'),
      () => client.plug('c', { network: 'blue' }),
      () => client.up('c', { netns: sandbox.path }),
    ]
    const outcomes = await Promise.allSettled(Array.from({ length: 40 }, (_, n) => steps[n % 4]?.()))
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ kind: 'cancelled' })
    await fixture.settled()
    await expectAgreement(fixture)
    await client.down('c')
  })
})

it('a second conetd on the same state directory refuses to start, and the first goes on', async () => {
  const directory = join(fixture.directory, 'second')
  mkdirSync(directory)
  const second = new ConetdProcess({
    directory,
    spawn: [],
    flags: ['--state-dir', join(fixture.directory, 'state')],
  })
  second.launch()
  expect(await second.ended()).toBe(1)
  expect(await fixture.client.health()).toMatchObject({ status: 'ok' })
})

it('after a reboot what clients configured is there, and nothing speaks of what the kernel had', async () => {
  const { client } = fixture
  await client.up('c')
  await client.plug('c', { network: 'slow' })
  const before = await apiPicture(fixture)
  const links = show('ip link show').filter(({ ifname }) => /^cn/.test(String(ifname)))
  // In order: what a plug changed on a container may wait a moment for the disk.
  await fixture.conetd.stop()
  await fixture.driver('bridge').end('SIGKILL')
  await fake.program.end('SIGKILL')
  for (const { ifname } of links) execFileSync('ip', ['link', 'delete', String(ifname)])
  execFileSync('nft', ['flush', 'ruleset'])
  execFileSync('umount', [
    '--lazy',
    join(fixture.namespaceDirectory, before.containers[0]?.sandbox?.id ?? ''),
  ])
  // The run directory of this test is no tmpfs: it is there again after the boot.
  const bootId = join(fixture.directory, 'boot-id')
  writeFileSync(bootId, 'e1a1c4a2-0000-4000-8000-000000000001\n')
  execFileSync('mount', ['--bind', bootId, '/proc/sys/kernel/random/boot_id'])
  try {
    await fixture.conetd.start()
    const now = await apiPicture(fixture)
    expect(now.endpoints).toEqual([])
    expect(now.containers).toMatchObject([{ handle: 'c', state: 'defined' }])
    expect(now.containers[0]?.attachments.map(({ name }) => name)).toEqual(['blue', 'slow'])
    expect(now.networks.map(({ id }) => id)).toEqual(before.networks.map(({ id }) => id))
    await fixture.launchDriver('bridge')
    await fake.restart()
    await fixture.driversReady()
    expect(await client.up('c')).toMatchObject({ endpoints: [{ state: 'plugged' }, { state: 'plugged' }] })
    await expectAgreement(fixture)
    await fixture.removeEverything()
    await fixture.kill()
  } finally {
    execFileSync('umount', ['/proc/sys/kernel/random/boot_id'])
  }
  await fixture.start()
})
