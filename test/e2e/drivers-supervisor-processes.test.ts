// Which process is the driver: over the lives of hosts, by the record, and at its end.
import { type ChildProcess, spawn } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startDriverHost } from '../support/driver-host.ts'
import { eventually } from '../support/eventually.ts'
import { isThere, makeWorld, pidOf } from './supervisor-world.ts'

const starts = (log: string) => log.split('\n').filter((line) => line.includes('starts as')).length

describe('the drivers that the host starts itself', () => {
  it('leaves drivers running when the host ends, and finds them again instead of starting them twice', async () => {
    await using world = await makeWorld()
    const first = world.supervise()
    await first.start('x')
    const pid = pidOf(first, 'x')
    await eventually(async () => expect(starts(await world.log('x'))).toBe(1))
    await first.close()
    expect(await isThere(pid)).toBe(true)
    const second = world.supervise()
    await second.start('x')
    expect(second.stateOf('x')).toMatchObject({ state: 'running', pid, adopted: true })
    expect(starts(await world.log('x'))).toBe(1)
  })

  it('starts an adopted driver again when it dies', async () => {
    await using world = await makeWorld()
    const first = world.supervise()
    await first.start('x')
    const pid = pidOf(first, 'x')
    await first.close()
    const second = world.supervise()
    await second.start('x')
    process.kill(pid, 'SIGKILL')
    await eventually(() => expect(pidOf(second, 'x')).not.toBe(pid))
  })

  it('finds a driver whose pid the host could not note before it died', async () => {
    await using world = await makeWorld()
    const first = world.supervise()
    await first.start('x')
    const pid = pidOf(first, 'x')
    await first.close()
    const { process: _noted, ...intent } = JSON.parse(await readFile(world.record('x'), 'utf8'))
    await writeFile(world.record('x'), JSON.stringify(intent))
    const second = world.supervise()
    await second.start('x')
    expect(pidOf(second, 'x')).toBe(pid)
  })

  it('starts a driver anew whose record names a process that is gone', async () => {
    await using world = await makeWorld()
    const first = world.supervise()
    await first.start('x')
    const pid = pidOf(first, 'x')
    await first.close()
    process.kill(pid, 'SIGKILL')
    await eventually(async () => !(await isThere(pid)))
    const second = world.supervise()
    await second.start('x')
    expect(second.stateOf('x')).toMatchObject({ state: 'running', adopted: false })
  })

  it('stops a driver for good and forgets it, also one that a former host started', async () => {
    await using world = await makeWorld()
    const first = world.supervise()
    await first.start('x')
    await first.start('y')
    const pids = [pidOf(first, 'x'), pidOf(first, 'y')]
    await first.stop('x')
    expect(first.stateOf('x')).toBeUndefined()
    await first.close()
    await world.supervise().stopAll()
    expect(await Promise.all(pids.map(isThere))).toEqual([false, false])
    expect((await readdir(join(world.runDirectory, 'spawned'))).sort()).toEqual(['x.log', 'y.log'])
  })

  it('kills a driver that does not end when asked', async () => {
    await using world = await makeWorld({ environment: { SCRIPTED_DEAF: '1' }, timing: { killAfterMs: 200 } })
    const supervisor = world.supervise()
    await using host = await startDriverHost({ directory: world.driverDirectory, supervision: supervisor })
    await supervisor.start('x')
    const pid = pidOf(supervisor, 'x')
    await host.until('x', 'ready')
    await supervisor.stop('x')
    expect(await isThere(pid)).toBe(false)
    expect(await world.log('x')).toContain('SIGTERM is ignored')
  })

  it('never signals a stranger that got the pid of a driver', async () => {
    await using world = await makeWorld()
    const supervisor = world.supervise()
    await supervisor.start('x')
    await supervisor.close()
    const record = JSON.parse(await readFile(world.record('x'), 'utf8'))
    process.kill(record.process.pid, 'SIGKILL')
    using stranger = disposableChild(spawn('sleep', ['60']))
    record.process.pid = stranger.pid
    record.process.startTime = String(Number(record.process.startTime) - 1)
    await writeFile(world.record('x'), JSON.stringify(record))
    await world.supervise().stop('x')
    expect(await isThere(stranger.pid)).toBe(true)
  })

  it('says of a driver it did not start that it cannot stop it', async () => {
    await using world = await makeWorld()
    const supervisor = world.supervise()
    expect([await supervisor.hasStarted('x'), await supervisor.stop('x')]).toEqual([false, false])
  })
})

function disposableChild(child: ChildProcess) {
  if (child.pid === undefined) throw new Error('the process did not start')
  return { pid: child.pid, [Symbol.dispose]: () => void child.kill('SIGKILL') }
}
