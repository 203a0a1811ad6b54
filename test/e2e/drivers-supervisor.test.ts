import { readFile, rm } from 'node:fs/promises'
import { driverView } from '@conet/host/api/views/driver'
import { QuietDrivers, type Supervisor } from '@conet/host/drivers/index'
import { defaultTiming } from '@conet/host/drivers/supervisor'
import { describe, expect, it } from 'vitest'
import { startDriverHost } from '../support/driver-host.ts'
import { eventually } from '../support/eventually.ts'
import { isThere, makeWorld, pidOf } from './supervisor-world.ts'

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
})
