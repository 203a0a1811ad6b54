// An instance started by hand has taken over from a driver that conetd starts itself, and conetd is started anew: it starts
// none that would take over in turn. Real processes; the old one is stopped where it is to answer later.
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { type DriverProgram, startDriverProgram } from '../support/fake-driver.ts'
import { repository } from '../support/repository.ts'

let fixture: ConetdFixture
let fresh: DriverProgram
let oldPid: number

const socketOf = (instance: string) => join(fixture.driverDirectory, `${instance}.sock`)

beforeEach(async () => {
  fixture = await ConetdFixture.start({ spawn: ['null'] })
  oldPid = (await fixture.client.getDriver('null')).pid ?? 0
  const socketPath = socketOf('null-2')
  const program = join(repository, 'drivers/null/bin/conet-driver-null.js')
  fresh = await startDriverProgram({ program, args: ['--socket', socketPath], socketPath })
  await untilStates({ 'null-2': 'ready active', null: 'draining relieved' })
})

afterEach(async () => {
  await fresh[Symbol.asyncDispose]()
  await rm(socketOf('null-2'), { force: true })
  await fixture[Symbol.asyncDispose]()
})

async function states(): Promise<Record<string, string>> {
  const { drivers } = await fixture.client.listDrivers()
  return Object.fromEntries(
    drivers.flatMap(({ socket, state, role }) =>
      socket === undefined ? [] : [[socket.replace(/^.*\/|\.sock$/g, ''), `${state} ${role ?? ''}`.trim()]],
    ),
  )
}

const untilStates = (wanted: Record<string, string>) =>
  eventually(async () => expect(await states()).toEqual(wanted), { timeoutMs: 20_000 })

/** How often a conetd has found, since the fixture began, that another instance has taken over from its own. */
const timesNotStarted = () =>
  readFileSync(fixture.conetd.logFile, 'utf8').split('the driver is not started').length - 1

const untilNotStarted = (times = 1) => eventually(() => expect(timesNotStarted()).toBe(times))

it.each(['SIGTERM', 'SIGKILL'] as const)(
  'after %s of conetd the one started by hand works on, and conet driver start gives the name back',
  async (signal) => {
    process.kill(oldPid, 'SIGSTOP')
    await fixture.conetd.stop(signal)
    await fixture.conetd.start()
    process.kill(oldPid, 'SIGCONT')
    await untilNotStarted()
    await untilStates({ 'null-2': 'ready active' })
    await fixture.conetd.stop()
    await fixture.conetd.start()
    await untilNotStarted(2)
    await untilStates({ 'null-2': 'ready active' })
    await fixture.client.startDriver('null')
    await eventually(async () => expect(await states()).toMatchObject({ null: 'ready active' }))
  },
)

it.each(['SIGTERM', 'SIGKILL'] as const)(
  'after %s of conetd the one that conet driver start has started works on',
  async (signal) => {
    await fixture.conetd.stop()
    await fixture.conetd.start()
    await untilNotStarted()
    await untilStates({ 'null-2': 'ready active' })
    await fixture.client.startDriver('null')
    await eventually(async () => expect(await states()).toMatchObject({ null: 'ready active' }))
    const { pid } = await fixture.client.getDriver('null')
    await fixture.conetd.stop(signal)
    await fixture.conetd.start()
    await eventually(async () => {
      const { null: started, 'null-2': other = 'gone' } = await states()
      expect([started, other]).toEqual(['ready active', expect.not.stringContaining('active')])
    })
    // conetd has found its process again.
    await eventually(async () => expect((await fixture.client.getDriver('null')).pid).toBe(pid))
    expect(timesNotStarted()).toBe(1)
  },
)

it('without the one started by hand conetd starts its own again', async () => {
  await fixture.conetd.stop()
  await fresh.end('SIGKILL')
  process.kill(oldPid, 'SIGKILL')
  await fixture.conetd.start()
  await eventually(async () => expect(await states()).toMatchObject({ null: 'ready active' }))
})
