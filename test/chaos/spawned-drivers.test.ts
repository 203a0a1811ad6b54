import { execFile } from 'node:child_process'
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { expectAgreement } from '../support/agreement.ts'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { conetdProgram, conetProgram } from '../support/conetd-process.ts'
import { eventually } from '../support/eventually.ts'

let fixture: ConetdFixture

beforeEach(async () => {
  fixture = await ConetdFixture.start({ spawn: ['bridge'] })
  await fixture.client.createNetwork({ name: 'blue', type: 'bridge', subnets: [{ subnet: '10.95.0.0/24' }] })
  await fixture.client.putContainerConfig('c', { attach_to: ['blue'] })
  await fixture.client.up('c')
})

afterEach(() => fixture[Symbol.asyncDispose]())

/** The socket may be found a moment before the process. */
function driverPid(): Promise<number> {
  return eventually(async () => {
    const { state, pid } = await fixture.client.getDriver('bridge')
    expect([state, pid]).toEqual(['ready', expect.any(Number)])
    return pid ?? 0
  })
}

function isRunning(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z'
}

it('a driver that conetd started outlives it, stopped or killed, and is found again; killed itself, it is started again', async () => {
  const pid = await driverPid()
  await fixture.conetd.stop()
  expect(isRunning(pid)).toBe(true)
  await fixture.start()
  expect(await driverPid()).toBe(pid)
  await fixture.restart()
  expect(await driverPid()).toBe(pid)
  await expectAgreement(fixture)

  const pids = new Set([pid])
  const waits: number[] = []
  for (let life = 0; life < 3; life += 1) {
    const killedAt = performance.now()
    process.kill(await driverPid(), 'SIGKILL')
    const next = await eventually(
      async () => {
        const found = await driverPid()
        expect(pids.has(found)).toBe(false)
        return found
      },
      { timeoutMs: 15_000 },
    )
    pids.add(next)
    waits.push(performance.now() - killedAt)
    await expectAgreement(fixture)
    expect(await fixture.client.plug('c', { network: 'blue' })).toMatchObject({ state: 'plugged' })
  }
  // The wait doubles with each death: 0.2, 0.4, 0.8 s.
  expect(waits[2]).toBeGreaterThan(350)
})

it('conet driver stop ends it, and it stays ended; what needed it waits for it', async () => {
  const pid = await driverPid()
  const argv = [conetProgram, '--socket', fixture.conetd.socket, 'driver', 'stop', 'bridge']
  await promisify(execFile)(process.execPath, argv)
  expect(isRunning(pid)).toBe(false)
  await expect(fixture.client.plug('c', { network: 'blue' })).rejects.toMatchObject({
    kind: 'driverUnavailable',
  })
  expect(await fixture.client.down('c')).toEqual({ state: 'deleting' })
  await fixture.restart()
  await fixture.settled()
  expect((await fixture.client.getContainer('c')).endpoints).toEqual([])
})

it('conetd --stop-drivers ends it while conetd runs, and the interfaces of containers stay', async () => {
  const pid = await driverPid()
  const { endpoints } = await fixture.client.getContainer('c')
  await promisify(execFile)(process.execPath, [conetdProgram, '--stop-drivers', ...fixture.conetd.flags])
  expect(isRunning(pid)).toBe(false)
  await expectAgreement(fixture)
  await fixture.restart()
  expect((await fixture.client.getContainer('c')).endpoints).toEqual(endpoints)
  await expectAgreement(fixture)
})

it('a driver whose socket somebody removes listens anew by itself, in the same process', async () => {
  const pid = await driverPid()
  const socket = join(fixture.driverDirectory, 'bridge.sock')
  const { ctimeMs } = statSync(socket)
  rmSync(socket)
  await eventually(() => expect(statSync(socket).ctimeMs).toBeGreaterThan(ctimeMs))
  expect(await driverPid()).toBe(pid)
  await expectAgreement(fixture)
  expect(await fixture.client.plug('c', { network: 'blue' })).toMatchObject({ state: 'plugged' })
})
