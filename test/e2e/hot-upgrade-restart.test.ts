// conetd is ended and started again while it keeps the old instance of a driver beside the one that has taken over: the
// choice stands, whichever of the two answers first. Real processes; the one that is to answer later is stopped meanwhile.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { type DriverProgram, startDriverProgram } from '../support/fake-driver.ts'
import { repository } from '../support/repository.ts'

const program = join(repository, 'drivers/null/bin/conet-driver-null.js')

let fixture: ConetdFixture
let old: DriverProgram
let fresh: DriverProgram

const socketOf = (instance: string) => join(fixture.driverDirectory, `${instance}.sock`)

beforeEach(async () => {
  fixture = await ConetdFixture.start({ drivers: ['null'] })
  old = fixture.driver('null')
  await fixture.client.createNetwork({ name: 'blue', type: 'null', subnets: [{ subnet: '10.72.0.0/16' }] })
  await fixture.client.putContainerConfig('web', { attach_to: [] })
  await fixture.client.up('web')
  const socketPath = socketOf('null-2')
  fresh = await startDriverProgram({ program, args: ['--socket', socketPath], socketPath })
  await untilState('null-2', 'ready active')
  await untilState('null', 'draining relieved')
})

afterEach(async () => {
  await fixture.startDriver('null')
  await fresh[Symbol.asyncDispose]()
  await rm(socketOf('null-2'), { force: true })
  await fixture[Symbol.asyncDispose]()
})

async function stateAt(instance: string): Promise<string | undefined> {
  const { drivers } = await fixture.client.listDrivers()
  const found = drivers.find(({ socket }) => socket === socketOf(instance))
  return found && `${found.state} ${found.role ?? ''}`.trim()
}

const untilState = (instance: string, state: string) =>
  eventually(async () => expect(await stateAt(instance)).toBe(state), { timeoutMs: 15_000 })

const untilOldHasEnded = () => eventually(() => expect(old.process.exitCode).toBe(0), { timeoutMs: 20_000 })

/** conetd starts while the process says nothing; resolves when the other instance works. */
async function startWithout(silent: DriverProgram, other: string): Promise<void> {
  silent.process.kill('SIGSTOP')
  await fixture.conetd.start()
  await untilState(other, 'ready active')
  silent.process.kill('SIGCONT')
}

it.each(['SIGTERM', 'SIGKILL'] as const)(
  'after %s of conetd the one that has taken over works, and the old one, which answers later, is told that it ends',
  async (signal) => {
    await fixture.conetd.stop(signal)
    await startWithout(old, 'null-2')
    await untilOldHasEnded()
    expect(await stateAt('null-2')).toBe('ready active')
    await fixture.client.plug('web', { network: 'blue' })
  },
)

it('the one that had taken over does so again when it answers later than the old one', async () => {
  await fixture.conetd.stop()
  await startWithout(fresh, 'null')
  await untilState('null-2', 'ready active')
  await untilState('null', 'draining relieved')
  // Whatever happens to the old one from here on, also at one more restart, it is the old one.
  await fixture.conetd.stop()
  await startWithout(old, 'null-2')
  await untilOldHasEnded()
  expect(await stateAt('null-2')).toBe('ready active')
})
