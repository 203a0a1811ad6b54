import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { driverView } from '@conet/host/api/views/driver'
import { QuietDrivers, Supervisor, type SupervisorOptions } from '@conet/host/drivers/index'
import { defaultTiming } from '@conet/host/drivers/supervisor'
import { describe, expect, it } from 'vitest'
import { startDriverHost } from '../support/driver-host.ts'
import { driverPrograms } from '../support/driver-programs.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

type WorldOptions = { environment?: NodeJS.ProcessEnv; timing?: SupervisorOptions['timing'] }

/** A run directory with programs, and supervisors on it, one after the other; all drivers end with it. */
async function makeWorld({ environment = {}, timing = {} }: WorldOptions = {}) {
  const temporary = await temporaryDirectory()
  const programs = await driverPrograms(join(temporary.path, 'bin'), ['x', 'y'])
  const driverDirectory = join(temporary.path, 'd')
  const runDirectory = join(temporary.path, 'run')
  await mkdir(driverDirectory)
  const supervisors: Supervisor[] = []
  const supervise = (onChange = () => {}) => {
    const supervisor = new Supervisor({
      runDirectory,
      driverDirectory,
      places: { directories: [programs], packageDirectory: temporary.path, path: '' },
      environment: { PATH: process.env.PATH, ...environment },
      timing: { firstBackoffMs: 20, mostBackoffMs: 50, killAfterMs: 2_000, ...timing },
      onChange,
    })
    supervisors.push(supervisor)
    return supervisor
  }
  return {
    driverDirectory,
    runDirectory,
    supervise,
    record: (name: string) => join(runDirectory, 'spawned', `${name}.json`),
    log: (name: string) => readFile(join(runDirectory, 'spawned', `${name}.log`), 'utf8'),
    async [Symbol.asyncDispose]() {
      for (const supervisor of supervisors) await supervisor.close()
      await supervise().stopAll()
      await temporary[Symbol.asyncDispose]()
    },
  }
}

type Host = Awaited<ReturnType<typeof startDriverHost>>

/** Looks after drivers that say nothing, and is impatient. */
function watchQuiet(supervisor: Supervisor, { registry }: Host, mostQuietMs = 1_000) {
  const told: string[] = []
  const quiet = new QuietDrivers({
    supervisor,
    hasAnsweredSince: (name, sinceMs) => registry.hasAnsweredSince(name, sinceMs),
    onRenewal: (name, pid, why) => told.push(`${name} ${pid}: ${why}`),
    onError: (error) => told.push(String(error)),
    timing: { lookMs: 50, mostQuietMs, mostQuietWhenAskedMs: 200 },
  })
  quiet.start()
  return { told, quiet, [Symbol.dispose]: () => quiet[Symbol.dispose]() }
}

function pidOf(supervisor: Supervisor, name: string): number {
  const state = supervisor.stateOf(name)
  if (state?.state !== 'running') throw new Error(`driver ${name} is ${state?.state}`)
  return state.pid
}

async function isThere(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return stat !== undefined && !/\) Z /.test(stat)
}

const starts = (log: string) => log.split('\n').filter((line) => line.includes('starts as')).length

describe('the drivers that the host starts itself', () => {
  it('[K1] starts a driver in a session of its own; the host finds its socket and is ready with it', async () => {
    await using world = await makeWorld()
    const supervisor = world.supervise()
    await using host = await startDriverHost({ directory: world.driverDirectory, supervision: supervisor })
    await supervisor.start('x')
    expect((await host.registry.require('x')).driver.name).toBe('x')
    const pid = pidOf(supervisor, 'x')
    expect(host.entry('x')).toMatchObject({ pid, supervised: { adopted: false } })
    const session = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ')[3]
    expect(Number(session)).toBe(pid)
    expect(await world.log('x')).toContain(`driver x starts as ${pid}`)
  })

  it('[K3] starts a driver that was killed again, and a call that comes meanwhile waits for it', async () => {
    await using world = await makeWorld()
    const supervisor = world.supervise()
    await using host = await startDriverHost({ directory: world.driverDirectory, supervision: supervisor })
    await supervisor.start('x')
    await host.until('x', 'ready')
    const before = pidOf(supervisor, 'x')
    process.kill(before, 'SIGKILL')
    await eventually(() => expect(host.registry.ready('x')).toBeUndefined())
    const session = await host.registry.require('x')
    expect(await session.call('network/list', {}, { operationId: 'op' })).toEqual({ networkIds: [] })
    expect(pidOf(supervisor, 'x')).not.toBe(before)
  })

  it('ends a driver that hangs since before the host began, and starts it anew; it is one driver all the time', async () => {
    await using world = await makeWorld({ timing: { killAfterMs: 100 } })
    const former = world.supervise()
    await former.start('x')
    const hung = pidOf(former, 'x')
    await former.close()
    {
      await using host = await startDriverHost({ directory: world.driverDirectory })
      await host.until('x', 'ready')
    }
    process.kill(hung, 'SIGSTOP')
    const supervisor = world.supervise()
    await using host = await startDriverHost({ directory: world.driverDirectory, supervision: supervisor })
    await supervisor.start('x')
    await host.until('x', 'initializing')
    expect(host.registry.list()).toMatchObject([{ name: 'x', pid: hung, state: 'initializing' }])
    expect(host.registry.stateOf('x')).toBe('driver "x": call it: it is initializing')
    using watch = watchQuiet(supervisor, host)
    await host.until('x', 'ready')
    expect(pidOf(supervisor, 'x')).not.toBe(hung)
    expect(watch.told).toEqual([`x ${hung}: it had not answered for 1 s`])
  })

  it('ends a driver whose socket is gone for long, at once when somebody asks; one that answers is left alone', async () => {
    await using world = await makeWorld()
    const supervisor = world.supervise()
    await using host = await startDriverHost({ directory: world.driverDirectory, supervision: supervisor })
    using watch = watchQuiet(supervisor, host, 60_000)
    await supervisor.start('x')
    await supervisor.start('y')
    await host.until('x', 'ready')
    await host.until('y', 'ready')
    const [lost, other] = [pidOf(supervisor, 'x'), pidOf(supervisor, 'y')]
    await watch.quiet.renewIfQuiet('x')
    expect(pidOf(supervisor, 'x')).toBe(lost)
    await rm(host.socket('x'))
    await host.until('x', 'gone')
    await eventually(async () => {
      await watch.quiet.renewIfQuiet('x')
      expect(watch.told).toEqual([expect.stringContaining(`x ${lost}: it had not answered`)])
    })
    await host.until('x', 'ready')
    expect(pidOf(supervisor, 'x')).not.toBe(lost)
    await watch.quiet.renewIfQuiet('y')
    expect(pidOf(supervisor, 'y')).toBe(other)
  })

  it('ends the process that was quiet, and not the one that has come in its place meanwhile', async () => {
    await using world = await makeWorld()
    const supervisor = world.supervise()
    await supervisor.start('x')
    const quiet = pidOf(supervisor, 'x')
    process.kill(quiet, 'SIGKILL')
    await eventually(() => expect(pidOf(supervisor, 'x')).not.toBe(quiet))
    const fresh = pidOf(supervisor, 'x')
    await supervisor.renew('x', { pid: quiet, why: 'it had not answered' })
    expect(await isThere(fresh)).toBe(true)
    expect(pidOf(supervisor, 'x')).toBe(fresh)
    await supervisor.renew('x', { pid: fresh, why: 'it had not answered' })
    expect(await isThere(fresh)).toBe(false)
  })

  it('looks at nobody before it is told to: who only built it has no timer to take back', () => {
    const timers = () => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length
    const before = timers()
    using quiet = new QuietDrivers({
      supervisor: { names: () => [], stateOf: () => undefined, renew: async () => undefined },
      hasAnsweredSince: () => true,
      onRenewal: () => undefined,
      onError: () => undefined,
    })
    expect(timers()).toBe(before)
    quiet.start()
    expect(timers()).toBe(before + 1)
  })

  it('lets those who ask for a driver that is announced wait until its start has succeeded, failed, or will never come', async () => {
    await using world = await makeWorld()
    let changed = () => {}
    const supervisor = world.supervise(() => changed())
    await using host = await startDriverHost({ directory: world.driverDirectory, supervision: supervisor })
    changed = () => host.registry.supervisionChanged()
    supervisor.announce(['x', 'nosuch', 'y'])
    const [x, nosuch, y] = ['x', 'nosuch', 'y'].map((name) =>
      host.registry.require(name).then(
        ({ driver }) => driver.name,
        ({ kind }) => kind,
      ),
    )
    expect(host.entry('x')).toMatchObject({ state: 'gone', supervised: { state: 'starting' } })
    await expect(supervisor.start('nosuch')).rejects.toMatchObject({ kind: 'notFound' })
    await supervisor.start('x')
    expect(await Promise.all([x, nosuch])).toEqual(['x', 'unknownDriver'])
    await supervisor.close()
    expect(await y).toBe('unknownDriver')
  })

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

  it('does not start a driver that died again at once, and says meanwhile how it ended', async () => {
    await using world = await makeWorld({
      environment: { SCRIPTED_EXIT: '3' },
      timing: { firstBackoffMs: 10_000, mostBackoffMs: 60_000 },
    })
    const supervisor = world.supervise()
    await using host = await startDriverHost({ directory: world.driverDirectory, supervision: supervisor })
    await supervisor.start('x')
    await eventually(() => {
      expect(supervisor.stateOf('x')).toMatchObject({
        state: 'waiting',
        why: 'its process ended: it exited with 3',
      })
      expect(supervisor.isComing('x')).toBe(false)
    })
    await expect(host.registry.require('x')).rejects.toMatchObject({
      kind: 'driverUnavailable',
      message: 'driver "x" has no socket: its process ended: it exited with 3',
    })
  })

  it('begins with a short wait again when a driver has lived a while, and lets calls wait for a start that is near', async () => {
    expect(defaultTiming).toMatchObject({ firstBackoffMs: 200, mostBackoffMs: 10_000, stableMs: 10_000 })
    const firstBackoffMs = 500
    await using world = await makeWorld({ timing: { firstBackoffMs, mostBackoffMs: 60_000, stableMs: 400 } })
    const supervisor = world.supervise()
    await supervisor.start('x')
    const waitAfterKillMs = async () => {
      process.kill(pidOf(supervisor, 'x'), 'SIGKILL')
      return await eventually(() => {
        const state = supervisor.stateOf('x')
        if (state?.state !== 'waiting') throw new Error(`driver x is ${state?.state}`)
        expect(supervisor.isComing('x')).toBe(true)
        return state.until - Date.now()
      })
    }
    const ranFor = (ms: number) =>
      eventually(() => {
        const state = supervisor.stateOf('x')
        expect(state?.state === 'running' && Date.now() - state.since >= ms).toBe(true)
      })
    await ranFor(0)
    await waitAfterKillMs()
    await ranFor(0)
    expect(await waitAfterKillMs()).toBeGreaterThan(firstBackoffMs * 1.2)
    await ranFor(500)
    expect(await waitAfterKillMs()).toBeLessThanOrEqual(firstBackoffMs * 1.2)
  })

  it('takes a driver that was killed for one that is there while its start is near, and not one that was stopped', async () => {
    await using world = await makeWorld({ timing: { firstBackoffMs: 3_000, mostBackoffMs: 3_500 } })
    const supervisor = world.supervise()
    await using host = await startDriverHost({ directory: world.driverDirectory, supervision: supervisor })
    await supervisor.start('x')
    await host.until('x', 'ready')
    process.kill(pidOf(supervisor, 'x'), 'SIGKILL')
    // Nothing at its socket is under way: only who starts it knows that it comes.
    const isThereMeanwhile = await eventually(() => {
      expect(supervisor.stateOf('x')).toMatchObject({ state: 'waiting' })
      expect(host.entry('x')).toMatchObject({ state: 'closed' })
      return host.registry.isThere('x')
    })
    expect(isThereMeanwhile).toBe(true)
    await supervisor.stop('x')
    await eventually(() => expect(host.registry.isThere('x')).toBe(false))
  })

  it('says of a driver that left its socket behind why it does not run, and not that nobody listens', async () => {
    await using world = await makeWorld({ timing: { firstBackoffMs: 10_000, mostBackoffMs: 60_000 } })
    const supervisor = world.supervise()
    await using host = await startDriverHost({ directory: world.driverDirectory, supervision: supervisor })
    await supervisor.start('x')
    await host.until('x', 'ready')
    process.kill(pidOf(supervisor, 'x'), 'SIGKILL')
    await eventually(() => expect(supervisor.stateOf('x')).toMatchObject({ state: 'waiting' }))
    const entry = await eventually(() => {
      const found = host.entry('x')
      if (!found?.lastError?.message.includes('nobody listens')) throw new Error('not seen yet')
      return found
    })
    const why = expect.stringMatching(/^its process ended: .*SIGKILL/)
    expect(driverView(entry, new Date())).toMatchObject({
      state: 'closed',
      last_error: { kind: 'driverUnavailable', message: why },
    })
    await expect(host.registry.require('x')).rejects.toMatchObject({
      kind: 'driverUnavailable',
      message: expect.stringMatching(/^driver "x" does not run: its process ended: .*SIGKILL/),
    })
  })

  it('names the places where it looked for a program that is not there', async () => {
    await using world = await makeWorld()
    const supervisor = world.supervise()
    await expect(supervisor.start('nosuch')).rejects.toMatchObject({
      kind: 'notFound',
      message: expect.stringMatching(
        /start driver "nosuch": no conet-driver-nosuch in .*\/bin, .*node_modules\/\.bin/,
      ),
    })
    await expect(supervisor.start('../x')).rejects.toMatchObject({ kind: 'invalidArgument' })
    expect(supervisor.names()).toEqual([])
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
