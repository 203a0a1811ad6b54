// What the host does with the calls on a driver beyond passing them: its limits, its progress, its health, its figures.
import { type DriverCalls, DriverRegistry } from '@conet/host/drivers/index'
import type { JsonObject } from '@conet/sdk/jsonrpc'
import { describe, expect, it } from 'vitest'
import { type DriverHost, type DriverHostOptions, startDriverHost } from '../../../support/driver-host.ts'
import { eventually } from '../../../support/eventually.ts'
import { type Answer, introduction, ScriptedDriver } from '../../../support/scripted-driver.ts'

const networkId = 'a'.repeat(64)
const network = { id: networkId, name: 'n', labels: {}, internal: false, subnets: [], config: {} }

const create = (driver: DriverCalls, timeoutMs = 5_000) =>
  driver.call('network/create', { network }, { operationId: 'op', timeoutMs })

/** A host and a driver that is ready, whose introduction is changed by `changes`. */
async function pair(options: DriverHostOptions, answers: Record<string, Answer>, changes: object = {}) {
  const host = await startDriverHost(options)
  const driver = await ScriptedDriver.listen(host.socket('x'), 'x', {
    initialize: () => ({ ...introduction('x'), ...changes }),
    ...answers,
  })
  await host.until('x', 'ready')
  const calls = await host.registry.require('x')
  return {
    host,
    driver,
    calls,
    async [Symbol.asyncDispose]() {
      await driver[Symbol.asyncDispose]()
      await host[Symbol.asyncDispose]()
    },
  }
}

const tokenOf = (params: JsonObject | undefined): string => {
  const meta = params?._meta
  return typeof meta === 'object' && meta !== null && 'progressToken' in meta
    ? String(meta.progressToken)
    : ''
}

const violationsOf = (host: DriverHost) => host.entry('x')?.violations

describe('calls on a driver', () => {
  it('are never more at once than the driver takes; what ends something goes first, pings beside them', async () => {
    let underWay = 0
    let most = 0
    const slow: Answer = async () => {
      underWay += 1
      most = Math.max(most, underWay)
      await new Promise((resolve) => setTimeout(resolve, 5))
      underWay -= 1
      return {}
    }
    const limits = { maxMessageBytes: 1_000_000, maxInFlight: 2 }
    const timing = { pingIntervalMs: 5 }
    await using world = await pair({ timing }, { 'network/create': slow, 'network/delete': slow }, { limits })
    const { calls, driver } = world
    const creates = Array.from({ length: 8 }, () => create(calls))
    const gone = calls.call('network/delete', { networkId }, { operationId: 'end' })
    await Promise.all([...creates, gone])
    expect(most).toBe(2)
    const methods = driver.heard.map(({ method }) => method).filter((method) => method.startsWith('network/'))
    // Third, or second where the first probe was under way.
    expect(methods.slice(0, 3)).toContain('network/delete')
    await eventually(() => expect(driver.timesHeard('driver/ping')).toBeGreaterThan(0))
  })

  it('keep to that from the first on: a probe waits for the sync', async () => {
    let underWay = 0
    let most = 0
    const counted =
      (result: object): Answer =>
      async () => {
        underWay += 1
        most = Math.max(most, underWay)
        await new Promise((resolve) => setTimeout(resolve, 20))
        underWay -= 1
        return result
      }
    const unknown = { networkIds: [], endpoints: [] }
    const answers = {
      'driver/sync': counted({ repaired: [], failed: [], plugged: [], unknown }),
      'driver/probe': counted({ healthy: true, checks: [] }),
    }
    const sync: DriverHostOptions['sync'] = async (driver, { signal }) => {
      const page = { syncId: 's', more: false, networks: [], endpoints: [] }
      for (let n = 0; n < 3; n++) await driver.call('driver/sync', page, { operationId: 's', signal })
    }
    const limits = { maxMessageBytes: 1_000_000, maxInFlight: 1 }
    await using world = await pair({ sync }, answers, { limits })
    await eventually(() => expect(world.host.entry('x')?.health).toMatchObject({ healthy: true }))
    expect(most).toBe(1)
  })

  it('that wait longer than their time fail with nothing done, which is no fault of the driver', async () => {
    const limits = { maxMessageBytes: 1_000_000, maxInFlight: 1 }
    await using world = await pair({}, { 'network/create': () => new Promise(() => undefined) }, { limits })
    const first = create(world.calls, 1_000)
    await expect(create(world.calls, 10)).rejects.toMatchObject({
      kind: 'deadlineExceeded',
      operationState: 'not-started',
    })
    expect(world.host.entry('x')?.state).toBe('ready')
    await expect(first).rejects.toMatchObject({ kind: 'deadlineExceeded', operationState: 'unknown' })
    expect(world.driver.timesHeard('network/create')).toBe(1)
  })

  it('have more time with each word of progress, which is shown, but not for ever', async () => {
    const answers: Record<string, Answer> = {
      'network/create': async (params) => {
        const token = tokenOf(params)
        for (let step = 1; step <= 8; step++) {
          await new Promise((resolve) => setTimeout(resolve, 25))
          world.driver.notify('$/progress', { token, message: `step ${step}`, percentage: step * 10 })
        }
        return {}
      },
    }
    const timing = { callTimeoutMs: 150, mostCallTimeoutMs: 2_000 }
    await using world = await pair({ timing }, answers)
    const { calls, host } = world
    const call = calls.call('network/create', { network }, { operationId: 'op' })
    await eventually(() => {
      expect(host.entry('x')?.callsUnderWay).toMatchObject([
        {
          method: 'network/create',
          operationId: 'op',
          attempt: 1,
          progress: { message: 'step 5', percentage: 50 },
        },
      ])
    })
    expect(await call).toEqual({})
    expect(host.entry('x')?.callsUnderWay).toEqual([])
    expect(violationsOf(host)).toEqual([])
  })

  it('end when all their time is used up, whatever the progress', async () => {
    let timer: NodeJS.Timeout | undefined
    const answers: Record<string, Answer> = {
      'network/create': (params) => {
        const token = tokenOf(params)
        timer = setInterval(() => world.driver.notify('$/progress', { token, message: 'on and on' }), 10)
        return new Promise(() => undefined)
      },
    }
    const timing = { callTimeoutMs: 50, mostCallTimeoutMs: 120 }
    await using world = await pair({ timing }, answers)
    const since = performance.now()
    const call = world.calls.call('network/create', { network }, { operationId: 'op' })
    await expect(call).rejects.toMatchObject({ kind: 'deadlineExceeded' })
    clearInterval(timer)
    expect(performance.now() - since).toBeGreaterThan(110)
    expect(performance.now() - since).toBeLessThan(5_000)
  })

  it('know of no progress but their own: other words are ignored and counted', async () => {
    const answers: Record<string, Answer> = {
      'network/create': async (params) => {
        const token = tokenOf(params)
        world.driver.notify('$/progress', { token: 'nobody', message: 'hello' })
        world.driver.notify('$/progress', { token: 7, message: 'hello' })
        world.driver.notify('$/progress', { token, message: 'up', percentage: 60 })
        world.driver.notify('$/progress', { token, message: 'down', percentage: 20 })
        return {}
      },
    }
    await using world = await pair({}, answers)
    expect(await create(world.calls)).toEqual({})
    await eventually(() => {
      expect(violationsOf(world.host)).toEqual([
        { kind: 'unknown-progress', count: 1 },
        { kind: 'bad-notice', count: 1 },
        { kind: 'falling-progress', count: 1 },
      ])
    })
  })

  it('are counted by method, with how long they took', async () => {
    await using world = await pair(
      {},
      {
        'network/delete': () => {
          throw new Error('a bug')
        },
      },
    )
    for (let n = 0; n < 20; n++) await create(world.calls)
    await world.calls.call('network/delete', { networkId }, { operationId: 'op' }).catch(() => undefined)
    const figures = world.host.entry('x')?.figures ?? []
    const created = figures.find(({ method }) => method === 'network/create')
    expect(created).toMatchObject({ count: 20, failed: 0 })
    expect(created?.p50Ms).toBeGreaterThan(0)
    expect(created?.p99Ms).toBeGreaterThanOrEqual(created?.p50Ms ?? Number.POSITIVE_INFINITY)
    expect(figures.find(({ method }) => method === 'network/delete')).toEqual({
      method: 'network/delete',
      count: 1,
      failed: 1,
      p50Ms: undefined,
      p99Ms: undefined,
    })
  })

  it('make a degraded driver ready again as soon as one is answered that was sent after the miss', async () => {
    let answers = 0
    await using world = await pair(
      {},
      {
        'network/create': () => {
          answers += 1
          return answers === 1 ? new Promise(() => undefined) : {}
        },
      },
    )
    await expect(create(world.calls, 20)).rejects.toMatchObject({ kind: 'deadlineExceeded' })
    expect(world.host.entry('x')?.state).toBe('degraded')
    await create(world.calls)
    expect(world.host.entry('x')).toMatchObject({ state: 'ready', lastError: { kind: 'deadlineExceeded' } })
  })
})

describe('the probe of a driver', () => {
  const sick = { healthy: false, checks: [{ name: 'controller', ok: false, message: 'no answer' }] }
  const well = { healthy: true, checks: [{ name: 'controller', ok: true }] }

  it('is made at once, by the clock, and after a failure; a change is told and the last finding shown', async () => {
    let found = well
    const timing = { probeIntervalMs: 60_000, probeAfterFailureMs: 10 }
    await using world = await pair(
      { timing },
      {
        'driver/probe': () => found,
        'network/create': () => new Promise(() => undefined),
      },
    )
    const { host, driver } = world
    await eventually(() => expect(host.entry('x')?.health).toMatchObject(well))
    expect(host.notices).toEqual([])
    found = sick
    await expect(create(world.calls, 20)).rejects.toMatchObject({ kind: 'deadlineExceeded' })
    await eventually(() => expect(host.entry('x')?.health).toMatchObject(sick))
    expect(host.notices).toMatchObject([{ kind: 'health', content: sick }])
    expect(driver.timesHeard('driver/probe')).toBe(2)
  })

  it('that fails counts as not healthy, and keeps nobody from calling the driver', async () => {
    await using world = await pair(
      { timing: { probeIntervalMs: 20 } },
      {
        'driver/probe': () => {
          throw new Error('a bug')
        },
      },
    )
    await eventually(() => {
      expect(world.host.entry('x')?.health).toMatchObject({
        healthy: false,
        checks: [],
        error: expect.any(String),
      })
      expect(world.driver.timesHeard('driver/probe')).toBeGreaterThan(2)
    })
    expect(await create(world.calls)).toEqual({})
  })

  it('is not made where the driver does not offer it', async () => {
    const methods = introduction('x').capabilities.methods.filter((method) => method !== 'driver/probe')
    const capabilities = { methods, scope: 'local' }
    await using world = await pair(
      { timing: { probeIntervalMs: 5, pingIntervalMs: 5 } },
      {},
      { capabilities },
    )
    await eventually(() => expect(world.driver.timesHeard('driver/ping')).toBeGreaterThan(3))
    expect([world.driver.timesHeard('driver/probe'), world.host.entry('x')?.health]).toEqual([0, undefined])
  })
})

describe('the version of a driver', () => {
  it.each([
    ['older than the configuration asks for', { minimumVersion: '1.3.0' }, '1.2.3', /asks for 1\.3\.0/],
    ['a pre-release of the oldest', { minimumVersion: '1.3.0' }, '1.3.0-rc.1', /asks for 1\.3\.0/],
    ['in a range known to be bad', { knownBad: ['<1.0.0', '>=1.2.0 <1.2.4'] }, '1.2.3', />=1\.2\.0 <1\.2\.4/],
  ])('%s: it is rejected, and both sides know why', async (_what, rule, version, why) => {
    await using host = await startDriverHost({ versionRules: new Map([['x', rule]]) })
    const { driver } = introduction('x')
    await using scripted = await ScriptedDriver.listen(host.socket('x'), 'x', {
      initialize: () => ({ ...introduction('x'), driver: { ...driver, version } }),
    })
    const entry = await host.until('x', 'rejected')
    expect(entry).toMatchObject({
      version,
      lastError: { kind: 'versionRefused', message: expect.stringMatching(why) },
    })
    await eventually(() => expect(scripted.timesHeard('rejected')).toBe(1))
    expect(scripted.heard.at(-1)?.params).toMatchObject({ code: 1312, name: 'versionRefused' })
  })

  it('is taken when it keeps the rule, or there is none', async () => {
    const versionRules = new Map([['x', { minimumVersion: '1.2.3', knownBad: ['1.2.2'] }]])
    await using host = await startDriverHost({ versionRules })
    await using _x = await ScriptedDriver.listen(host.socket('x'), 'x')
    await using _y = await ScriptedDriver.listen(host.socket('y'), 'y')
    await host.until('x', 'ready')
    await host.until('y', 'ready')
    expect(host.registry).toBeInstanceOf(DriverRegistry)
  })
})

describe('a driver that breaks the protocol without harm to its connection', () => {
  it('has each kind of violation counted and told, while its calls go on', async () => {
    await using world = await pair({}, { 'network/list': () => ({ networkIds: ['x'] }) })
    const { host, driver, calls } = world
    const unasked = '{"jsonrpc":"2.0","id":4711,"result":{}}'
    const request = '{"jsonrpc":"2.0","id":1,"method":"host/secrets","params":{}}'
    for (const body of [unasked, unasked, request])
      driver.babble(`Content-Length: ${body.length}\r\n\r\n${body}`)
    await calls.call('network/list', {}, { operationId: 'op' }).catch(() => undefined)
    await eventually(() => {
      expect(violationsOf(host)).toEqual([
        { kind: 'unasked-reply', count: 2 },
        { kind: 'request-to-host', count: 1 },
        { kind: 'bad-answer', count: 1 },
      ])
    })
    expect(host.notices.filter(({ kind }) => kind === 'violation')).toHaveLength(4)
    expect(await create(calls)).toEqual({})
    expect(host.entry('x')?.attempts).toBe(1)
  })

  it('does not fill the log with them', async () => {
    await using world = await pair({}, {})
    for (let n = 0; n < 3_000; n++) world.driver.notify('driver/event', { type: 'No Such Type' })
    await eventually(() => expect(violationsOf(world.host)).toEqual([{ kind: 'bad-notice', count: 3_000 }]))
    expect(world.host.notices.length).toBeLessThan(50)
  })
})
