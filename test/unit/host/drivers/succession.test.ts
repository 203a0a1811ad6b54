// Hot upgrade, seen from the host's drivers room: two instances of one driver, and users who call it all the time.
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { DriverCalls, SeatRecord, SeatRecords, Sync } from '@conet/host/drivers/index'
import { describe, expect, it } from 'vitest'
import { type DriverHost, startDriverHost } from '../../../support/driver-host.ts'
import { eventually } from '../../../support/eventually.ts'
import { type Answer, introduction, ScriptedDriver } from '../../../support/scripted-driver.ts'
import { temporaryDirectory } from '../../../support/temporary-directory.ts'

const networkId = 'a'.repeat(64)
const network = { id: networkId, name: 'n', labels: {}, internal: false, subnets: [], config: {} }
const never = () => new Promise(() => undefined)

const create = (driver: DriverCalls) => driver.call('network/create', { network }, { operationId: 'op' })

function instance(
  host: Pick<DriverHost, 'socket'>,
  socket: string,
  answers: Record<string, Answer> = {},
  vendor = 'acme',
) {
  const intro = introduction('x')
  const initialize = () => ({
    ...intro,
    driver: { ...intro.driver, vendor },
    capabilities: { ...intro.capabilities, hotUpgrade: true },
  })
  return ScriptedDriver.listen(host.socket(socket), 'x', { initialize, ...answers })
}

const entryAt = (host: DriverHost, socket: string) =>
  host.registry.list().find(({ socketPath }) => socketPath === host.socket(socket))

const untilState = (host: DriverHost, socket: string, state: string) =>
  eventually(() => expect(entryAt(host, socket)?.state).toBe(state))

const untilHeard = (driver: ScriptedDriver, method: string) =>
  eventually(() => expect(driver.timesHeard(method)).toBe(1))

/** What the driver was told and asked, without pings and probes. */
const storyOf = (driver: ScriptedDriver) =>
  driver.heard.map(({ method, params }) => (method === 'initialized' ? `${method} ${params?.role}` : method))

/** Calls without a pause, some of them at once; answers what went wrong. */
function steadyLoad(driver: DriverCalls) {
  let isOver = false
  const failures: unknown[] = []
  let calls = 0
  const caller = async () => {
    while (!isOver) {
      calls += 1
      await create(driver).catch((error: unknown) => failures.push(error))
    }
  }
  const callers = Array.from({ length: 8 }, caller)
  return {
    get calls() {
      return calls
    },
    failures,
    async end() {
      isOver = true
      await Promise.all(callers)
    },
  }
}

/** Says on the wire what a sync says, so that it stands in the drivers' stories. */
const sync: Sync = async (driver, { signal, isStandby = false }) => {
  const syncId = isStandby ? 'standby' : 'all'
  await driver.call(
    'driver/sync',
    { syncId, more: false, networks: [], endpoints: [] },
    { operationId: syncId, signal },
  )
}
const synced: Answer = () => ({
  repaired: [],
  failed: [],
  plugged: [],
  unknown: { networkIds: [], endpoints: [] },
})
const withSync = { 'driver/sync': synced }

/** What one host leaves for the next. */
function seatRecords(): SeatRecords {
  const records = new Map<string, SeatRecord>()
  return {
    get: (driver) => records.get(driver),
    put: (driver, record) => void records.set(driver, record),
    delete: (driver) => void records.delete(driver),
  }
}

describe('a second instance of a driver that knows how to hand over', () => {
  it('takes over while calls go on, and not one of them fails; the old one is drained and then told', async () => {
    await using host = await startDriverHost({ sync, timing: { rollbackWindowMs: 300 } })
    await using old = await instance(host, 'old', withSync)
    await untilState(host, 'old', 'ready')
    const load = steadyLoad(await host.registry.require('x'))
    await using newcomer = await instance(host, 'new', withSync)
    await untilState(host, 'new', 'ready')
    expect(entryAt(host, 'old')).toMatchObject({ state: 'draining', role: 'relieved' })
    const before = newcomer.timesHeard('network/create')
    await eventually(() => expect(newcomer.timesHeard('network/create')).toBeGreaterThan(before + 50))
    await untilState(host, 'old', 'rejected')
    await untilHeard(old, 'rejected')
    await load.end()
    expect(load.failures).toEqual([])
    expect(storyOf(newcomer).filter((line) => !/network|probe|ping/.test(line))).toEqual([
      'initialize',
      'initialized standby',
      'driver/sync',
      'driver/sync',
      'initialized active',
    ])
    expect(storyOf(old).slice(-2)).toEqual(['driver/drain', 'rejected'])
    expect(old.heard.at(-1)?.params).toMatchObject({ code: 1311, name: 'replaced' })
    expect(host.registry.ready('x')?.socket.path).toBe(host.socket('new'))
    expect(host.bugs).toEqual([])
  })

  it('lets calls that were begun on the old one end there, and makes later ones wait for it', async () => {
    const answered: string[] = []
    let finish: (answer: object) => void = () => undefined
    await using host = await startDriverHost({ sync })
    await using old = await instance(host, 'old', {
      ...withSync,
      'network/create': () => new Promise((resolve) => (finish = resolve)),
    })
    await untilState(host, 'old', 'ready')
    const driver = await host.registry.require('x')
    const begun = create(driver).then(() => answered.push('begun'))
    await eventually(() => expect(old.timesHeard('network/create')).toBe(1))
    await using newcomer = await instance(host, 'new', withSync)
    await eventually(() => expect(newcomer.timesHeard('driver/sync')).toBe(1))
    const later = create(driver).then(() => answered.push('later'))
    finish({})
    await Promise.all([begun, later])
    expect(answered).toEqual(['begun', 'later'])
    expect([old.timesHeard('network/create'), newcomer.timesHeard('network/create')]).toEqual([1, 1])
  })

  it('does not make calls wait longer than they can for a call that takes its time on the old one', async () => {
    const answers: ((answer: object) => void)[] = []
    await using host = await startDriverHost({
      sync,
      timing: { callTimeoutMs: 300, mostCallTimeoutMs: 5_000 },
    })
    await using old = await instance(host, 'old', {
      ...withSync,
      'network/delete': () => new Promise((resolve) => answers.push(resolve)),
    })
    await untilState(host, 'old', 'ready')
    const driver = await host.registry.require('x')
    const slow = driver.call('network/delete', { networkId }, { operationId: 'slow', timeoutMs: 5_000 })
    await eventually(() => expect(answers).toHaveLength(1))
    await using newcomer = await instance(host, 'new', withSync)
    await untilState(host, 'new', 'standby')
    const before = old.timesHeard('network/create')
    const load = steadyLoad(driver)
    await eventually(() => expect(old.timesHeard('network/create')).toBeGreaterThan(before + 20))
    answers[0]?.({})
    await slow
    await untilState(host, 'new', 'ready')
    await load.end()
    expect(load.failures).toEqual([])
    expect(newcomer.timesHeard('network/create')).toBeGreaterThan(0)
  })

  it.each([
    ['its first sync', 1],
    ['its second sync', 2],
  ])('changes nothing when it fails in %s', async (_what, failing) => {
    let syncs = 0
    await using host = await startDriverHost({ sync })
    await using old = await instance(host, 'old', withSync)
    await untilState(host, 'old', 'ready')
    const load = steadyLoad(await host.registry.require('x'))
    await using newcomer = await instance(host, 'new', {
      'driver/sync': (params) => {
        syncs += 1
        if (syncs % failing === 0) throw new Error('a bug')
        return synced(params)
      },
    })
    await eventually(() => expect(newcomer.timesHeard('initialize')).toBeGreaterThan(1))
    expect(entryAt(host, 'old')).toMatchObject({ state: 'ready', role: 'active' })
    await load.end()
    expect(load.failures).toEqual([])
    expect([old.timesHeard('driver/drain'), newcomer.timesHeard('network/create')]).toEqual([0, 0])
    expect(old.timesHeard('initialize')).toBe(1)
  })

  it('that dies soon after it took over gives the old one back its place, by a sync', async () => {
    await using host = await startDriverHost({
      sync,
      timing: { firstBackoffMs: 60_000, mostBackoffMs: 60_000 },
    })
    await using old = await instance(host, 'old', withSync)
    await untilState(host, 'old', 'ready')
    const driver = await host.registry.require('x')
    await using newcomer = await instance(host, 'new', withSync)
    await untilState(host, 'new', 'ready')
    await eventually(() => expect(old.timesHeard('driver/drain')).toBe(1))
    newcomer.cut()
    await untilState(host, 'old', 'ready')
    await create(driver)
    expect(
      storyOf(old)
        .filter((line) => !/probe|ping/.test(line))
        .slice(-3),
    ).toEqual(['driver/drain', 'driver/sync', 'network/create'])
    expect(entryAt(host, 'new')?.state).toBe('closed')
    expect(old.timesHeard('initialize')).toBe(1)
  })

  it('that dies with calls under way loses none of them: the one before it is asked again, in the next attempt', async () => {
    await using host = await startDriverHost({
      sync,
      timing: { firstBackoffMs: 60_000, mostBackoffMs: 60_000 },
    })
    await using old = await instance(host, 'old', withSync)
    await untilState(host, 'old', 'ready')
    const driver = await host.registry.require('x')
    await using newcomer = await instance(host, 'new', { ...withSync, 'network/create': never })
    await untilState(host, 'new', 'ready')
    const calls = Array.from({ length: 10 }, () => create(driver))
    await eventually(() => expect(newcomer.timesHeard('network/create')).toBe(10))
    newcomer.cut()
    expect(await Promise.all(calls)).toEqual(calls.map(() => ({})))
    const asked = old.heard.filter(({ method }) => method === 'network/create')
    expect(asked).toHaveLength(10)
    for (const { params } of asked) expect(params?._meta).toMatchObject({ operationId: 'op', attempt: 2 })
    expect(storyOf(old).indexOf('driver/sync', 3)).toBeLessThan(storyOf(old).indexOf('network/create'))
  })

  it('that comes back after it lost its place takes it again', async () => {
    await using host = await startDriverHost({ sync })
    await using _old = await instance(host, 'old', withSync)
    await untilState(host, 'old', 'ready')
    await using newcomer = await instance(host, 'new', withSync)
    await untilState(host, 'new', 'ready')
    newcomer.cut()
    await eventually(() => expect(newcomer.timesHeard('initialize')).toBe(2))
    await untilState(host, 'new', 'ready')
    await untilState(host, 'old', 'draining')
  })

  it('takes its place for good: the old one that lost its connection does not take over in turn', async () => {
    await using host = await startDriverHost({ sync })
    await using old = await instance(host, 'old', withSync)
    await untilState(host, 'old', 'ready')
    await using _newcomer = await instance(host, 'new', withSync)
    await untilState(host, 'new', 'ready')
    old.cut()
    await untilState(host, 'old', 'rejected')
    expect(entryAt(host, 'old')?.lastError?.kind).toBe('replaced')
    expect(entryAt(host, 'new')).toMatchObject({ state: 'ready', role: 'active', attempts: 1 })
  })

  it('that was to take over when the host ended keeps the name at the next start, where it is there first', async () => {
    await using directory = await temporaryDirectory()
    const at = { socket: (name: string) => join(directory.path, `${name}.sock`) }
    const options = { sync, seats: seatRecords(), directory: directory.path }
    await using old = await instance(at, 'old', withSync)
    {
      await using before = await startDriverHost(options)
      await untilState(before, 'old', 'ready')
    }
    await rename(at.socket('old'), at.socket('.old'))
    await using _newcomer = await instance(at, 'new', withSync)
    await using host = await startDriverHost(options)
    await untilState(host, 'new', 'ready')
    await rename(at.socket('.old'), at.socket('old'))
    await untilState(host, 'old', 'rejected')
    expect(entryAt(host, 'old')?.lastError?.kind).toBe('replaced')
    expect([old.timesHeard('initialize'), entryAt(host, 'new')?.state]).toEqual([2, 'ready'])
  })

  it('is the one on record when the host ends while the old one still drains', async () => {
    const seats = seatRecords()
    await using host = await startDriverHost({ sync, seats })
    await using _old = await instance(host, 'old', { ...withSync, 'driver/drain': never })
    await untilState(host, 'old', 'ready')
    await using _newcomer = await instance(host, 'new', withSync)
    await untilState(host, 'new', 'ready')
    const before = seats.get('x')
    expect(before?.relieved).toHaveLength(1)
    await host.registry.close(100)
    expect(seats.get('x')).toEqual(before)
  })

  it('has the name at once when the old one goes before the switch', async () => {
    let isFirst = true
    let goOn: (answer: unknown) => void = () => undefined
    const slowly: Answer = (params) => {
      if (!isFirst) return synced(params)
      isFirst = false
      return new Promise((resolve) => (goOn = () => resolve(synced(params))))
    }
    await using host = await startDriverHost({
      sync,
      timing: { firstBackoffMs: 60_000, mostBackoffMs: 60_000 },
    })
    await using old = await instance(host, 'old', withSync)
    await untilState(host, 'old', 'ready')
    await using newcomer = await instance(host, 'new', { 'driver/sync': slowly })
    await eventually(() => expect(newcomer.timesHeard('driver/sync')).toBe(1))
    old.cut()
    await untilState(host, 'old', 'closed')
    const waiting = host.registry.require('x')
    goOn(undefined)
    await create(await waiting)
    expect(newcomer.timesHeard('network/create')).toBe(1)
  })

  it('is a duplicate for a driver of another vendor, or one that cannot hand over, or itself at a second socket', async () => {
    await using host = await startDriverHost({ sync })
    const intro = introduction('x')
    const initialize = () => ({
      ...intro,
      driver: { ...intro.driver, vendor: 'acme' },
      capabilities: { ...intro.capabilities, hotUpgrade: true },
    })
    await using _old = await instance(host, 'old', { ...withSync, initialize })
    await untilState(host, 'old', 'ready')
    await using _self = await instance(host, 'self', { ...withSync, initialize })
    await using _stranger = await instance(host, 'stranger', withSync, 'other')
    await using _plain = await ScriptedDriver.listen(host.socket('plain'), 'x', withSync)
    for (const socket of ['stranger', 'plain', 'self']) {
      await untilState(host, socket, 'rejected')
      expect(entryAt(host, socket)?.lastError?.kind).toBe('duplicateName')
    }
    expect(entryAt(host, 'old')?.state).toBe('ready')
  })

  it('is not kept waiting by a third, which gets its turn when the two are done', async () => {
    await using host = await startDriverHost({ sync, timing: { rollbackWindowMs: 200 } })
    await using _old = await instance(host, 'old', withSync)
    await untilState(host, 'old', 'ready')
    await using _newcomer = await instance(host, 'new', withSync)
    await untilState(host, 'new', 'ready')
    await using third = await instance(host, 'third', withSync)
    await eventually(() => expect(third.timesHeard('rejected')).toBe(1))
    await untilState(host, 'third', 'ready')
    expect(entryAt(host, 'new')?.state).not.toBe('ready')
  })

  it.each([
    ['the relieved one dies early', 'ready', 'old'],
    ['the new one dies, and the old one is taken back', 'ready', 'new'],
    ['the standby dies', 'standby', 'new'],
  ])('leaves room for a third when %s', async (_what, state, victim) => {
    const timing = { firstBackoffMs: 60_000, mostBackoffMs: 60_000, rollbackWindowMs: 60_000 }
    await using host = await startDriverHost({ sync, timing })
    await using old = await instance(host, 'old', withSync)
    await untilState(host, 'old', 'ready')
    const answer = state === 'standby' ? never : synced
    await using newcomer = await instance(host, 'new', { 'driver/sync': answer })
    await untilState(host, 'new', state)
    await using _third = await instance(host, 'third', withSync)
    await untilState(host, 'third', 'rejected')
    const dead = victim === 'old' ? old : newcomer
    dead.cut()
    await untilState(host, 'third', 'ready')
    expect(host.bugs).toEqual([])
  })

  it('that never finishes its drain keeps nobody from anything', async () => {
    const timing = { rollbackWindowMs: 100, drainTimeoutMs: 30 }
    await using host = await startDriverHost({ sync, timing })
    await using old = await instance(host, 'old', { ...withSync, 'driver/drain': never })
    await untilState(host, 'old', 'ready')
    await using _newcomer = await instance(host, 'new', withSync)
    await untilState(host, 'new', 'ready')
    await create(await host.registry.require('x'))
    await untilHeard(old, 'rejected')
    expect(old.heard.at(-1)?.params).toMatchObject({ name: 'replaced' })
  })
})
