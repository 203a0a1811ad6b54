// Drivers that are not used, each a process of its own beside a real conetd: a version that the configuration refuses,
// two of one name, sockets that are not to be trusted. What the operator sees, and that nobody else notices.
import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { DriverView } from '@conet/sdk/client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { conetProgram } from '../support/conetd-process.ts'
import { eventually } from '../support/eventually.ts'
import { FakeDriver } from '../support/fake-driver.ts'

let fixture: ConetdFixture
let fake: FakeDriver
const others: FakeDriver[] = []

beforeAll(async () => {
  const drivers = { null: { known_bad: ['<0.2.0'] } }
  // What hangs is given up soon.
  fixture = await ConetdFixture.start({ config: { drivers, timeouts: { driver_call_ms: 5_000 } } })
  fake = await fixture.startFakeDriver()
})

beforeEach(async () => {
  await fixture.client.createNetwork({ name: 'blue', type: 'fake' })
  await fixture.client.putContainerConfig('c', { attach_to: [] })
  await fixture.client.up('c')
})

afterEach(async () => {
  for (const other of others.splice(0)) await other[Symbol.asyncDispose]()
  await fixture.driversReady()
  await fixture.removeEverything()
})

afterAll(() => fixture?.[Symbol.asyncDispose]())

const socketOf = (name: string) => join(fixture.driverDirectory, `${name}.sock`)

async function viewAt(socket: string): Promise<DriverView | undefined> {
  const { drivers } = await fixture.client.listDrivers()
  return drivers.find((driver) => driver.socket === socketOf(socket))
}

const until = (socket: string, shape: object) =>
  eventually(async () => expect(await viewAt(socket)).toMatchObject(shape), { timeoutMs: 15_000 })

/** What `conet` prints; it may fail. */
async function conet(...words: string[]): Promise<string> {
  const argv = [conetProgram, '--socket', fixture.conetd.socket, ...words]
  const { stdout } = await promisify(execFile)(process.execPath, argv)
  return stdout
}

const findings = async (code: string) =>
  (await fixture.client.status()).findings.filter((finding) => finding.code === code)

/** Another process that calls itself `fake`. */
async function second(socket: string, socketPath = socketOf(socket)): Promise<FakeDriver> {
  const directory = join(fixture.directory, socket)
  await mkdir(directory, { recursive: true })
  const driver = await FakeDriver.start({ directory, name: 'fake', socketPath })
  others.push(driver)
  return driver
}

/** The driver works: one endpoint is made and goes. */
async function plugOnce(): Promise<void> {
  const { id } = await fixture.client.plug('c', { network: 'blue' })
  await fixture.client.unplug({ handle: 'c', endpoint: id })
}

describe('a driver whose version the configuration calls bad', () => {
  it('is told so and shown with the rule, long after its connection has ended; it can be called by nobody', async () => {
    const driver = await fixture.launchDriver('null')
    try {
      await until('null', { state: 'rejected', version: '0.1.0', attempts: 1 })
      const why = 'driver "null" has version 0.1.0: the configuration calls <0.2.0 known to be bad'
      await eventually(() => {
        const refusals = driver.log.filter(({ level }) => level === 'error')
        expect(refusals).toMatchObject([{ message: expect.stringContaining(why) }])
      })
      expect(await conet('driver', 'list')).toMatch(new RegExp(`null +rejected .*${why}`))
      const page = await conet('driver', 'inspect', 'null')
      expect(page).toContain(`${why} (versionRefused, `)
      expect(page).toMatch(/try +Install another version of the driver, or change drivers\.null in/)
      expect(await findings('driver-incompatible')).toMatchObject([
        { severity: 'error', message: expect.stringContaining(why) },
      ])
      await expect(fixture.client.createNetwork({ name: 'n', type: 'null' })).rejects.toMatchObject({
        kind: 'driverUnavailable',
        message: expect.stringContaining(why),
      })
    } finally {
      await driver.end('SIGTERM')
    }
    await eventually(async () => expect(await viewAt('null')).toBeUndefined())
  })
})

describe('a second process that has the name of a driver', () => {
  it('is refused while the first one works, and has the name when that one has ended', async () => {
    await second('rival')
    await until('rival', { state: 'rejected', last_error: { kind: 'duplicateName' } })
    const [found] = await findings('driver-duplicate')
    expect(found?.message).toContain(socketOf('rival'))
    expect(found?.message).toContain(socketOf('fake'))
    expect(found?.help).toContain('End one of the two')
    expect(await conet('driver', 'inspect', 'rival')).toContain('(duplicateName, ')
    expect(await conet('driver', 'inspect', 'fake')).toMatch(/state +ready .*\n +role +active/)
    await plugOnce()
    expect(fake.calls()).toContain('endpoint/plug')
    expect(others[0]?.calls()).not.toContain('network/create')

    await fake.program.end('SIGTERM')
    await until('rival', { state: 'ready', role: 'active' })
    await plugOnce()
    expect(others[0]?.calls()).toContain('endpoint/plug')
    await others[0]?.program.end('SIGTERM')
    await fake.restart()
  })

  it('and puts its socket over that of the first is dialled, and the first one, still alive, is not called any more', async () => {
    // It makes its socket anew where that stood, which is not to be seen here.
    const socketPath = join(fixture.directory, 'aside/fake.sock')
    const rival = await second('aside', socketPath)
    const first = await viewAt('fake')
    await rename(socketPath, socketOf('fake'))
    await eventually(async () => expect((await viewAt('fake'))?.instance_id).not.toBe(first?.instance_id))
    await until('fake', { state: 'ready', attempts: 1 })
    const before = fake.calls().length
    await eventually(plugOnce)
    expect(rival.calls()).toContain('endpoint/plug')
    expect(fake.calls()).toHaveLength(before)
    // It leaves alone what is not its own socket.
    await fake.program.end('SIGTERM')
    await plugOnce()
    await rival.program.end('SIGTERM')
    await rm(socketOf('fake'), { force: true })
    await fake.restart()
  })
})

describe('a socket that is not to be trusted', () => {
  it.each([
    [
      'that others may write to',
      (path: string) => chmod(path, 0o666),
      'others may write to it',
      'chmod 0600',
    ],
    ['of another user', (path: string) => chown(path, 12_345, 0), 'it belongs to uid 12345', 'chown root'],
  ])(
    '%s is not used from that moment on, and used again when it is mended',
    async (_what, spoil, why, help) => {
      const path = socketOf('fake')
      await spoil(path)
      await until('fake', {
        state: 'rejected',
        attempts: 0,
        last_error: { message: expect.stringContaining(why) },
      })
      expect(await findings('driver-socket-refused')).toMatchObject([
        {
          message: expect.stringContaining(`${path} is not used: ${why}`),
          help: expect.stringContaining(help),
        },
      ])
      expect(await conet('driver', 'list')).toContain(why)
      await expect(fixture.client.plug('c', { network: 'blue' })).rejects.toMatchObject({
        kind: 'driverUnavailable',
        message: expect.stringContaining(why),
      })
      await chown(path, 0, 0)
      await chmod(path, 0o600)
      await until('fake', { state: 'ready' })
      await plugOnce()
    },
  )

  it('because it is a link to a driver’s is not dialled, and the driver works on', async () => {
    const link = socketOf('link')
    await symlink(socketOf('fake'), link)
    try {
      await until('link', { state: 'rejected', attempts: 0 })
      expect(await findings('driver-socket-refused')).toMatchObject([
        {
          message: `${link} is not used: it is a symbolic link`,
          help: expect.stringContaining(`rm ${link}`),
        },
      ])
      expect(await viewAt('fake')).toMatchObject({ state: 'ready' })
      await plugOnce()
    } finally {
      await rm(link)
    }
    await eventually(async () => expect(await findings('driver-socket-refused')).toEqual([]))
  })
})

it('a driver that was killed is dialled again and again, later each time; the operator sees when, and who starts it', async () => {
  await fake.program.end('SIGKILL')
  await until('fake', { state: 'closed', last_error: { kind: 'driverUnavailable' } })
  const [finding] = await findings('driver-not-ready')
  expect(finding?.help).toMatch(/^its owner has to start it: conetd has no program of that name/)
  const waits: number[] = []
  await eventually(
    async () => {
      const view = await viewAt('fake')
      if (view?.next_retry !== undefined)
        waits[view.attempts] = Date.parse(view.next_retry) - Date.parse(view.since)
      expect(view?.attempts).toBeGreaterThan(5)
      expect(view?.next_retry).toBeDefined()
    },
    { timeoutMs: 15_000, everyMs: 10 },
  )
  const [first = 0] = waits.filter((wait) => wait !== undefined)
  expect(waits.at(-1)).toBeGreaterThan(2 * first)
  const page = await conet('driver', 'inspect', 'fake')
  expect(page).toMatch(/attempts +\d+\n +next retry +2.*\n +last error +.*nobody listens/)
  await fake.restart()
  await until('fake', { state: 'ready' })
})

it('conet driver inspect shows how a driver fares while it works, and --json has all of it', async () => {
  await plugOnce()
  fake.plan({ methods: { 'endpoint/plug': { hangs: true } } })
  const giveUp = new AbortController()
  const plug = expect(
    fixture.client.plug('c', { network: 'blue' }, { signal: giveUp.signal }),
  ).rejects.toMatchObject({ kind: 'cancelled' })
  await until('fake', { calls_in_flight: [{ method: 'endpoint/plug', attempt: 1 }] })
  const [page, [view]] = await Promise.all([
    conet('driver', 'inspect', 'fake'),
    conet('driver', 'inspect', 'fake', '--json').then((text): DriverView[] => JSON.parse(text)),
  ])
  for (const line of [
    /^ {2}state +ready since 2\d{3}-/m,
    /^ {2}role +active$/m,
    /^ {2}attempts +\d+$/m,
    /^ {2}version +0\.1\.0$/m,
    /^ {2}vendor +conet$/m,
    /^ {2}protocol +1\.0$/m,
    /^ {2}instance +\S{8,}$/m,
    /^ {2}scope +local$/m,
    /^ {2}hot upgrade +no$/m,
    /^ {2}methods +.*endpoint\/plug/m,
    /^ {2}limits +\d+ bytes a message/m,
    /^ {2}in flight +1 call$/m,
    /^ {2}endpoint\/unplug +\d+ +0 +[\d.]+ ms +[\d.]+ ms$/m,
    /^ {2}endpoint\/plug +\S+ +1 +2\d{3}-/m,
  ])
    expect(page).toMatch(line)
  expect(view).toMatchObject({
    ...{ name: 'fake', state: 'ready', role: 'active', vendor: 'conet', version: '0.1.0' },
    ...{ protocol_version: '1.0', socket: socketOf('fake'), violations: [] },
    ...{ instance_id: expect.any(String), since: expect.any(String), attempts: expect.any(Number) },
    capabilities: { scope: 'local', methods: expect.arrayContaining(['endpoint/plug']) },
    limits: { max_message_bytes: expect.any(Number) },
    calls_in_flight: [
      { method: 'endpoint/plug', operation_id: expect.any(String), since: expect.any(String) },
    ],
    methods: expect.arrayContaining([
      {
        method: 'endpoint/unplug',
        count: expect.any(Number),
        failed: 0,
        p50_ms: expect.any(Number),
        p99_ms: expect.any(Number),
      },
    ]),
  })
  giveUp.abort()
  await plug
  fake.plan({})
  await fixture.settled()
})

it('a driver that says that it is not ready is shown so with its reason, and called all the same', async () => {
  fake.plan({ methods: { 'endpoint/plug': { readiness: 'the controller is away' } } })
  await plugOnce()
  await until('fake', { state: 'ready', readiness: { ready: false, reason: 'the controller is away' } })
  expect(await findings('driver-unhealthy')).toMatchObject([
    { message: expect.stringContaining('the controller is away') },
  ])
  expect(await conet('driver', 'inspect', 'fake')).toMatch(/readiness +not ready: the controller is away/)
  fake.plan({ methods: { 'endpoint/plug': { readiness: '' } } })
  await plugOnce()
  await until('fake', { readiness: { ready: true } })
  expect(await findings('driver-unhealthy')).toEqual([])
  fake.plan({})
})
