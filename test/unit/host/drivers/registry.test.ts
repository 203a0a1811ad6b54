import { once } from 'node:events'
import { chmod, rename, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { SupervisedState } from '@conet/host/drivers/index'
import type { DriverAccess } from '@conet/host/lifecycle/index'
import { ConetError } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { startDriverHost } from '../../../support/driver-host.ts'
import { eventually } from '../../../support/eventually.ts'
import { ScriptedDriver } from '../../../support/scripted-driver.ts'
import { temporaryDirectory } from '../../../support/temporary-directory.ts'

const never = () => new Promise(() => undefined)

async function timed(promise: Promise<unknown>): Promise<number> {
  const start = performance.now()
  await promise
  return performance.now() - start
}

describe('the registry of drivers', () => {
  it('[K3] finds the driver of a name among several', async () => {
    await using host = await startDriverHost()
    await using _a = await ScriptedDriver.listen(host.socket('one'), 'alpha')
    await using _b = await ScriptedDriver.listen(host.socket('two'), 'beta')
    await host.until('alpha', 'ready')
    await host.until('beta', 'ready')
    const access: DriverAccess = host.registry
    expect((await access.require('beta')).driver.name).toBe('beta')
    expect([access.stateOf('alpha'), access.stateOf('gamma')]).toEqual([
      'ready',
      'there is no driver "gamma"; known drivers: alpha, beta',
    ])
    expect(host.registry.ready('beta')?.socket.path).toBe(host.socket('two'))
    expect(host.registry.ready('alpha')?.socket.path).toBe(host.socket('one'))
  })

  it('answers a call for an unknown driver at once and lists the known ones', async () => {
    await using host = await startDriverHost()
    await using _a = await ScriptedDriver.listen(host.socket('one'), 'alpha')
    await using _hung = await ScriptedDriver.listen(host.socket('hung'), 'hung', { initialize: never })
    await host.until('alpha', 'ready')
    const refusal = expect(host.registry.require('brigde')).rejects.toMatchObject({
      kind: 'unknownDriver',
      message: 'there is no driver "brigde"; known drivers: alpha',
      details: { known: ['alpha'] },
    })
    expect(await timed(refusal)).toBeLessThan(500)
  })

  it('calls an expected driver unavailable, not unknown', async () => {
    await using host = await startDriverHost()
    host.registry.expect(['bridge'])
    await expect(host.registry.require('bridge')).rejects.toMatchObject({ kind: 'driverUnavailable' })
    expect(host.entry('bridge')).toMatchObject({ state: 'gone', socketPath: undefined })
  })

  it('says at once that a known driver is not connected, with its state and last error', async () => {
    await using host = await startDriverHost({ timing: { firstBackoffMs: 60_000, mostBackoffMs: 60_000 } })
    await using driver = await ScriptedDriver.listen(host.socket('x'), 'x')
    await host.until('x', 'ready')
    driver.cut()
    await host.until('x', 'closed')
    const refusal = expect(host.registry.require('x')).rejects.toMatchObject({
      kind: 'driverUnavailable',
      message: expect.stringMatching(/it is closed: .*connection/),
      details: { state: 'closed', lastError: { kind: 'driverUnavailable' } },
    })
    expect(await timed(refusal)).toBeLessThan(500)
  })

  it('advises to start a driver of which an instance has left its socket, and what to do about that', async () => {
    await using host = await startDriverHost({ timing: { firstBackoffMs: 60_000, mostBackoffMs: 60_000 } })
    const server = createServer().listen(host.socket('.y'))
    await once(server, 'listening')
    await chmod(host.socket('.y'), 0o600)
    await rename(host.socket('.y'), host.socket('y-2'))
    server.close()
    await eventually(() => expect(host.registry.list()).toMatchObject([{ state: 'closed' }]))
    expect(host.registry.list()[0]?.lastError?.help).toContain(`rm ${host.socket('y-2')}`)
    const advice = async (name: string) => {
      const failure = await host.registry.require(name).catch((error: unknown) => error)
      return ConetError.is(failure, 'driverUnavailable') ? failure.help : failure
    }
    expect(await advice('y')).toMatch(/^conet driver start y, or where else/)
    expect(await advice('y-2')).toBe('see why: conet driver inspect y-2')
  })

  it('shows since when a driver is gone, until it is forgotten', async () => {
    await using host = await startDriverHost()
    const driver = await ScriptedDriver.listen(host.socket('x'), 'x')
    await host.until('x', 'ready')
    const before = Date.now()
    await driver[Symbol.asyncDispose]()
    await rm(host.socket('x'), { force: true })
    await host.until('x', 'gone')
    expect(host.entry('x')?.since?.getTime()).toBeGreaterThanOrEqual(before)
    host.registry.forget('x')
    expect(host.registry.list()).toEqual([])
    await expect(host.registry.require('x')).rejects.toMatchObject({ kind: 'unknownDriver' })
  })

  it('waits for a driver that is being connected', async () => {
    let release: () => void = () => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    await using host = await startDriverHost({ sync: () => released })
    await using _driver = await ScriptedDriver.listen(host.socket('x'), 'x')
    await host.until('x', 'syncing')
    const waiting = host.registry.require('x')
    release()
    expect((await waiting).driver.name).toBe('x')
  })

  it('waits no longer than its caller, and gives up with it', async () => {
    await using host = await startDriverHost({ sync: async () => void (await never()) })
    await using _driver = await ScriptedDriver.listen(host.socket('x'), 'x')
    await host.until('x', 'syncing')
    await expect(host.registry.require('x', { timeoutMs: 20 })).rejects.toMatchObject({
      kind: 'driverUnavailable',
      message: expect.stringContaining('it is syncing'),
    })
    await expect(host.registry.require('x', { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({
      kind: 'cancelled',
    })
  })

  it('waits for a driver whose process was started a moment ago', async () => {
    const running: SupervisedState = { state: 'running', pid: 77, since: Date.now(), adopted: false }
    const supervision = { names: () => ['x'], stateOf: () => running, isComing: () => true }
    await using host = await startDriverHost({ supervision })
    const waiting = host.registry.require('x')
    await using _driver = await ScriptedDriver.listen(host.socket('x'), 'x')
    expect((await waiting).driver.name).toBe('x')
    expect(host.entry('x')?.pid).toBe(77)
  })

  it('refuses a second driver of the same name, names both sockets, and takes it when the first is gone', async () => {
    await using host = await startDriverHost()
    await using newcomer = await (async () => {
      await using _first = await ScriptedDriver.listen(host.socket('a'), 'same')
      await host.until('same', 'ready')
      const second = await ScriptedDriver.listen(host.socket('b'), 'same')
      await eventually(() => expect(second.timesHeard('rejected')).toBe(1))
      const verdict = second.heard.find(({ method }) => method === 'rejected')
      expect(verdict?.params).toMatchObject({ name: 'duplicateName', code: 1310 })
      expect(verdict?.params?.message).toContain(host.socket('a'))
      expect(verdict?.params?.message).toContain(host.socket('b'))
      expect(host.registry.ready('same')?.socket.path).toBe(host.socket('a'))
      return second
    })()
    await eventually(async () => {
      expect(host.registry.ready('same')?.socket.path).toBe(newcomer.path)
    })
  })

  it('does not hand a name to another driver because of a short break', async () => {
    await using host = await startDriverHost()
    await using first = await ScriptedDriver.listen(host.socket('a'), 'same')
    await host.until('same', 'ready')
    await using second = await ScriptedDriver.listen(host.socket('b'), 'same')
    await eventually(() => expect(second.timesHeard('rejected')).toBe(1))
    first.cut()
    await eventually(() => expect(first.timesHeard('initialized')).toBe(2))
    expect(host.registry.ready('same')?.socket.path).toBe(host.socket('a'))
    expect(second.timesHeard('initialize')).toBe(1)
  })

  it('remembers a driver that is gone', async () => {
    await using host = await startDriverHost()
    {
      await using _driver = await ScriptedDriver.listen(host.socket('x'), 'x')
      await host.until('x', 'ready')
      await rm(host.socket('x'))
      await host.until('x', 'gone')
    }
    await expect(host.registry.require('x')).rejects.toMatchObject({
      kind: 'driverUnavailable',
      message: 'driver "x" has no socket',
      help: expect.stringMatching(/^conet driver start x, .*: conet driver list$/),
    })
  })

  it('lists a socket that must not be used, with the reason, and never dials it', async () => {
    await using host = await startDriverHost()
    await using driver = await ScriptedDriver.listen(host.socket('x'), 'x')
    await host.until('x', 'ready')
    await chmod(host.socket('x'), 0o666)
    await eventually(() => expect(host.registry.list()[0]?.lastError?.kind).toBe('permissionDenied'))
    expect(host.registry.list()[0]).toMatchObject({
      state: 'rejected',
      lastError: { message: `${host.socket('x')} is not used: others may write to it` },
    })
    await eventually(() => expect(driver.connections).toBe(0))
    expect(driver.timesHeard('initialize')).toBe(1)
  })

  it('says nothing to a driver that has started anew before its new socket is found: it would be told all twice', async () => {
    await using host = await startDriverHost()
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'anew.sock')
    await using driver = await ScriptedDriver.listen(path, 'anew')
    host.registry.appeared({ path, identity: 'of its former life', since: new Date(), refusal: undefined })
    const entry = await eventually(() => {
      const found = host.registry.list().find(({ socketPath }) => socketPath === path)
      expect(found?.attempts).toBeGreaterThan(1)
      return found
    })
    expect(entry?.lastError?.message).toBe(`connect to ${path}: another socket stands there by now`)
    expect(driver.heard).toEqual([])
  })

  it('reports each change of state once, in order', async () => {
    await using host = await startDriverHost()
    await using _driver = await ScriptedDriver.listen(host.socket('x'), 'x')
    await host.until('x', 'ready')
    expect(host.changes.map(({ state }) => state)).toEqual(['initializing', 'syncing', 'ready'])
    expect(host.bugs).toEqual([])
  })
})
