import type { DriverCalls } from '@conet/host/drivers/index'
import { ConetError, type Network } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { startDriverHost } from '../../../support/driver-host.ts'
import { eventually } from '../../../support/eventually.ts'
import { introduction, ScriptedDriver } from '../../../support/scripted-driver.ts'

const networkId = 'a'.repeat(64)
const network: Network = { id: networkId, name: 'n', labels: {}, internal: false, subnets: [], config: {} }
const never = () => new Promise(() => undefined)

const createNetwork = (session: DriverCalls, timeoutMs = 1_000) =>
  session.call('network/create', { network }, { operationId: 'op-1', timeoutMs })

describe('the session with a driver', () => {
  it('[K2] introduces the host and learns who the driver is', async () => {
    await using host = await startDriverHost()
    await using driver = await ScriptedDriver.listen(host.socket('x'), 'x')
    const entry = await host.until('x', 'ready')
    expect(entry).toMatchObject({
      version: '1.2.3',
      protocolVersion: '1.0',
      attempts: 1,
      lastError: undefined,
    })
    expect(driver.heard[0]).toMatchObject({
      method: 'initialize',
      params: {
        protocolVersions: ['1.0'],
        host: { name: 'conetd', instanceId: 'test-host' },
        nodeId: 'node-1',
        limits: { maxMessageBytes: 4 * 1024 * 1024, maxInFlight: 1024 },
        timeouts: {
          callMs: 30_000,
          mostCallMs: 300_000,
          pingIntervalMs: 10_000,
          pingTimeoutMs: 3_000,
          drainMs: 30_000,
        },
      },
    })
    await eventually(() => expect(driver.heard[1]?.method).toBe('initialized'))
  })

  it.each([
    ['a version that was not offered', { protocolVersion: '9.0' }, 'unsupportedProtocolVersion'],
    ['no limits', { limits: undefined }, 'protocolViolation'],
    [
      'a name with a slash',
      { driver: { name: '../x', version: '1.0.0', instanceId: 'i' } },
      'protocolViolation',
    ],
    ['half a version', { driver: { name: 'x', version: '1.2', instanceId: 'i' } }, 'protocolViolation'],
    ['a v in front', { driver: { name: 'x', version: 'v1.2.3', instanceId: 'i' } }, 'protocolViolation'],
    [
      'more than a version',
      { driver: { name: 'x', version: '1.2.3 b', instanceId: 'i' } },
      'protocolViolation',
    ],
    ['too few methods', { capabilities: { methods: ['network/list'], scope: 'local' } }, 'protocolViolation'],
    ['a schema that is none', { configSchema: { type: 'nonsense' } }, 'protocolViolation'],
    [
      'a schema that lies elsewhere',
      { configSchema: { $ref: 'http://example.org/s.json' } },
      'protocolViolation',
    ],
    ['an asynchronous schema', { policySchema: { $async: true } }, 'protocolViolation'],
    ['a huge schema', { attachmentSchema: { description: 'x'.repeat(300_000) } }, 'protocolViolation'],
  ])(
    '[K2] rejects a driver that answers with %s, tells it why, and does not retry',
    async (_what, wrong, kind) => {
      await using host = await startDriverHost()
      await using driver = await ScriptedDriver.listen(host.socket('x'), 'x', {
        initialize: () => ({ ...introduction('x'), ...wrong }),
      })
      await eventually(() => expect(driver.timesHeard('rejected')).toBe(1))
      const entry = host.registry.list()[0]
      expect(entry).toMatchObject({ state: 'rejected', lastError: { kind } })
      expect(driver.heard.at(-1)?.params).toMatchObject({ name: kind, message: entry?.lastError?.message })
      await eventually(() => expect(driver.connections).toBe(0))
      await host.discovery.rescan()
      expect(host.registry.list()[0]).toMatchObject({ state: 'rejected', attempts: 1 })
    },
  )

  it('[K2] rejects a driver that speaks no offered version by its own word', async () => {
    await using host = await startDriverHost()
    await using _driver = await ScriptedDriver.listen(host.socket('x'), 'x', {
      initialize: () => {
        throw new ConetError('unsupportedProtocolVersion', 'the host offers 1.0; this driver speaks 2.0')
      },
    })
    await eventually(() => expect(host.registry.list()[0]?.state).toBe('rejected'))
    expect(host.registry.list()[0]?.lastError?.message).toContain('speaks 2.0')
  })

  it('keeps its verdict on a driver that hangs up before it hears it', async () => {
    await using host = await startDriverHost()
    await using driver = await ScriptedDriver.listen(host.socket('x'), 'x', {
      initialize: () => {
        setImmediate(() => driver.cut())
        return {}
      },
    })
    await eventually(() => expect(host.registry.list()[0]?.state).toBe('rejected'))
    await eventually(() => expect(driver.connections).toBe(0))
    expect(host.registry.list()[0]).toMatchObject({ state: 'rejected', attempts: 1 })
    expect(host.bugs).toEqual([])
  })

  it('[K1] tries a rejected driver again when another socket stands in its place', async () => {
    await using host = await startDriverHost()
    await using _bad = await ScriptedDriver.listen(host.socket('x'), 'x', { initialize: () => ({}) })
    await eventually(() => expect(host.registry.list()[0]?.state).toBe('rejected'))
    await using _good = await ScriptedDriver.listen(host.socket('x'), 'x')
    await host.until('x', 'ready')
  })

  it('checks users’ documents against the schema of the driver, and names each wrong field', async () => {
    await using host = await startDriverHost()
    const configSchema = {
      type: 'object',
      properties: { mtu: { type: 'integer', maximum: 9000 }, 'x y': {} },
      required: ['toString'],
      additionalProperties: false,
    }
    await using _driver = await ScriptedDriver.listen(host.socket('x'), 'x', {
      initialize: () => ({ ...introduction('x'), configSchema }),
    })
    await host.until('x', 'ready')
    const session = await host.registry.require('x')
    await session.documents.check('attachment', { anything: 1 }, 'options')
    const check = session.documents.check('config', { mtu: 10_000, colour: 'red' }, 'config')
    const fields = ['config.colour', 'config.mtu', 'config.toString']
    await expect(check).rejects.toMatchObject({
      kind: 'invalidArgument',
      fields: expect.arrayContaining(fields.map((path) => expect.objectContaining({ path }))),
    })
  })

  it('[K10] stays alive while the schema of a driver takes for ever over a document, and gives that document up', async () => {
    await using host = await startDriverHost()
    const configSchema = { type: 'object', additionalProperties: { type: 'string', pattern: '^(a+)+$' } }
    await using _driver = await ScriptedDriver.listen(host.socket('x'), 'x', {
      initialize: () => ({ ...introduction('x'), configSchema }),
    })
    await host.until('x', 'ready')
    const { documents } = await host.registry.require('x')
    const hanging = documents.check('config', { name: `${'a'.repeat(60)}!` }, 'config')
    await documents.check('config', { name: 'aaa' }, 'config')
    await expect(documents.check('config', { name: 'b' }, 'config')).rejects.toMatchObject({
      kind: 'invalidArgument',
      fields: [{ path: 'config.name' }],
    })
    await expect(hanging).rejects.toMatchObject({ kind: 'deadlineExceeded', operationState: 'not-started' })
  })

  it('[K3] sends calls in the order they are made, with operation id, attempt and time', async () => {
    await using host = await startDriverHost()
    await using driver = await ScriptedDriver.listen(host.socket('x'), 'x')
    await host.until('x', 'ready')
    const session = await host.registry.require('x')
    const trace = {
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tracestate: 'a=1',
    }
    await Promise.all([
      session.call('network/create', { network }, { operationId: 'a' }),
      session.call('network/delete', { networkId }, { operationId: 'b', attempt: 2, timeoutMs: 77.5, trace }),
    ])
    expect(
      driver.heard
        .filter(({ method }) => method.startsWith('network/'))
        .map(({ method, params }) => [method, params?._meta]),
    ).toEqual([
      [
        'network/create',
        { operationId: 'a', attempt: 1, timeoutMs: 30_000, progressToken: expect.any(String) },
      ],
      [
        'network/delete',
        { operationId: 'b', attempt: 2, timeoutMs: 78, progressToken: expect.any(String), ...trace },
      ],
    ])
  })

  it('[K3] fails only the call whose deadline is missed, degrades, and is ready after the next ping', async () => {
    await using host = await startDriverHost({ timing: { pingIntervalMs: 150 } })
    await using driver = await ScriptedDriver.listen(host.socket('x'), 'x', { 'network/create': never })
    await host.until('x', 'ready')
    const session = await host.registry.require('x')
    const slow = createNetwork(session, 30)
    const other = session.call('network/delete', { networkId }, { operationId: 'op-2' })
    await expect(slow).rejects.toMatchObject({
      kind: 'deadlineExceeded',
      message: `driver "x", network ${networkId}: network/create: no answer within 30 ms`,
    })
    expect(await other).toEqual({})
    expect(host.entry('x')?.state).toBe('degraded')
    await host.until('x', 'ready')
    expect(driver.timesHeard('initialize')).toBe(1)
  })

  it('disconnects after three pings without an answer, and dials again', async () => {
    await using host = await startDriverHost({ timing: { pingIntervalMs: 20, pingTimeoutMs: 20 } })
    await using driver = await ScriptedDriver.listen(host.socket('x'), 'x', { 'driver/ping': never })
    await eventually(() => expect(driver.timesHeard('initialize')).toBeGreaterThan(1))
    const states = host.changes.map(({ state }) => state)
    expect(states.slice(0, 6)).toEqual(['initializing', 'syncing', 'ready', 'degraded', 'closed', 'dialing'])
    expect(driver.timesHeard('driver/ping')).toBeGreaterThanOrEqual(3)
  })

  it('[K3] refuses a result that breaks the contract and keeps the connection', async () => {
    await using host = await startDriverHost()
    await using driver = await ScriptedDriver.listen(host.socket('x'), 'x', {
      'network/list': () => ({ networkIds: ['not-an-id'] }),
    })
    await host.until('x', 'ready')
    const session = await host.registry.require('x')
    await expect(session.call('network/list', {}, { operationId: 'op' })).rejects.toMatchObject({
      kind: 'protocolViolation',
      operationState: 'unknown',
      message: expect.stringContaining('networkIds[0]'),
    })
    expect(await createNetwork(session)).toEqual({})
    expect(driver.timesHeard('initialize')).toBe(1)
  })

  it('passes on what the driver refused, with its kind', async () => {
    await using host = await startDriverHost()
    await using _driver = await ScriptedDriver.listen(host.socket('x'), 'x', {
      'network/create': () => {
        throw new ConetError('conflict', 'another network has that bridge')
      },
    })
    await host.until('x', 'ready')
    await expect(createNetwork(await host.registry.require('x'))).rejects.toMatchObject({
      kind: 'conflict',
      message: 'another network has that bridge',
    })
  })

  it('fails calls under way at once when the connection ends, and is ready again after a new sync', async () => {
    let syncs = 0
    await using host = await startDriverHost({
      sync: async () => {
        syncs += 1
      },
    })
    await using driver = await ScriptedDriver.listen(host.socket('x'), 'x', { 'network/create': never })
    await host.until('x', 'ready')
    const session = await host.registry.require('x')
    const call = createNetwork(session, 10_000)
    await eventually(() => expect(driver.timesHeard('network/create')).toBe(1))
    driver.cut()
    await expect(call).rejects.toMatchObject({ kind: 'driverUnavailable', operationState: 'unknown' })
    await host.until('x', 'ready')
    expect(syncs).toBe(2)
    expect(host.entry('x')?.attempts).toBe(2)
  })

  it('closes a connection on which no messages come, and tries again', async () => {
    await using host = await startDriverHost()
    await using driver = await ScriptedDriver.listen(host.socket('x'), 'x')
    await host.until('x', 'ready')
    driver.babble('HTTP/1.1 400 Bad Request\r\n\r\n')
    await eventually(() => expect(driver.timesHeard('initialize')).toBe(2))
    await host.until('x', 'ready')
    expect(host.entry('x')?.lastError?.kind).toBe('protocolViolation')
  })

  it('lets no one else’s call through before the sync is done, and ends a sync whose connection ends', async () => {
    let finish: () => void = () => undefined
    const reasons: unknown[] = []
    await using host = await startDriverHost({
      sync: async (driver, { signal }) => {
        await driver.call('network/list', {}, { operationId: 'sync' }).catch(() => undefined)
        signal.addEventListener('abort', () => reasons.push(signal.reason))
        await new Promise<void>((resolve) => {
          finish = resolve
        })
      },
    })
    await using driver = await ScriptedDriver.listen(host.socket('x'), 'x')
    await host.until('x', 'syncing')
    await eventually(() => expect(driver.timesHeard('network/list')).toBe(1))
    expect(host.registry.ready('x')).toBeUndefined()
    driver.cut()
    await eventually(() => expect(reasons).toHaveLength(1))
    await eventually(() => expect(driver.timesHeard('network/list')).toBe(2))
    await eventually(() => {
      finish()
      expect(host.registry.ready('x')?.state).toBe('ready')
    })
  })

  it('hands over events, logs and readiness, and drops what breaks the contract', async () => {
    await using host = await startDriverHost()
    await using driver = await ScriptedDriver.listen(host.socket('x'), 'x')
    await host.until('x', 'ready')
    driver.notify('driver/event', { type: 'link-down', message: 'eth9 is down' })
    driver.notify('driver/readiness', { ready: false, reason: 'no backend' })
    driver.notify('driver/event', { type: 'Bad Type' })
    await eventually(() => expect(host.notices).toHaveLength(3))
    expect(host.notices.map(({ kind }) => kind)).toEqual(['event', 'readiness', 'violation'])
    expect(host.notices[2]?.content).toMatchObject({ kind: 'bad-notice' })
    expect(host.entry('x')?.violations).toEqual([{ kind: 'bad-notice', count: 1 }])
    expect(host.entry('x')?.readiness).toEqual({ ready: false, reason: 'no backend' })
  })

  it('drops the lines of a driver that floods the log', async () => {
    await using host = await startDriverHost()
    await using driver = await ScriptedDriver.listen(host.socket('x'), 'x')
    await host.until('x', 'ready')
    for (let i = 0; i < 5_000; i++) driver.notify('driver/log', { level: 'info', message: `line ${i}` })
    driver.notify('driver/readiness', { ready: true })
    await eventually(() => expect(host.notices.at(-1)?.kind).toBe('readiness'))
    expect(host.notices.length).toBeLessThan(1_000)
  })

  it('tells only so many changes of readiness, and shows the last one all the same', async () => {
    await using host = await startDriverHost()
    await using driver = await ScriptedDriver.listen(host.socket('x'), 'x')
    await host.until('x', 'ready')
    for (let i = 0; i < 1_000; i++) driver.notify('driver/readiness', { ready: i % 2 === 0 })
    driver.notify('driver/readiness', { ready: false, reason: 'the end' })
    await eventually(() => expect(host.entry('x')?.readiness).toEqual({ ready: false, reason: 'the end' }))
    expect(host.notices.filter(({ kind }) => kind === 'readiness').length).toBeLessThan(50)
    expect(host.entry('x')?.violations).toEqual([{ kind: 'flood', count: expect.any(Number) }])
  })

  it('counts what a driver says before its time as a violation, and hears the rest', async () => {
    await using host = await startDriverHost()
    let speak = () => {}
    await using driver = await ScriptedDriver.listen(host.socket('x'), 'x', {
      initialize: () => {
        speak()
        return introduction('x')
      },
    })
    speak = () => driver.notify('driver/event', { type: 'early', message: 'too early' })
    await host.until('x', 'ready')
    driver.notify('driver/event', { type: 'late', message: 'in time' })
    await eventually(() => expect(host.notices.map(({ kind }) => kind)).toEqual(['violation', 'event']))
    expect(host.notices[0]?.content).toEqual({
      kind: 'bad-notice',
      message: 'driver/event: it came before `initialized`',
    })
  })
})
