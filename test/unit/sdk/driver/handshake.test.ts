import { ConetError, requests } from '@conet/sdk'
import { KernelError } from '@conet/sdk/linux'
import { describe, expect, it, vi } from 'vitest'
import { DriverClient, initializeParams, sampleNetwork } from '../../../support/driver-client.ts'
import { eventually } from '../../../support/eventually.ts'
import { failureOf, Gate, served } from './served.ts'

async function unintroduced(socketPath: string): Promise<DriverClient> {
  return DriverClient.connect(socketPath)
}

describe('the handshake of a driver', () => {
  it('answers with the one version chosen, who it is, and the methods it has', async () => {
    await using sample = await served({
      vendor: 'tests',
      scope: 'global',
      configSchema: { type: 'object' },
    })
    await using client = await unintroduced(sample.socketPath)
    const result = await client.call('initialize', {
      ...initializeParams,
      protocolVersions: ['99.0', '1.0'],
    })
    expect(result).toMatchObject({
      protocolVersion: '1.0',
      driver: { name: 'sample', vendor: 'tests', version: '1.2.3' },
      capabilities: { scope: 'global' },
      configSchema: { type: 'object' },
      limits: { maxMessageBytes: 4 * 1024 * 1024 },
    })
    expect(result.capabilities.methods).toEqual(
      expect.arrayContaining(['driver/sync', 'driver/ping', 'network/create', 'endpoint/plug']),
    )
    expect(result).not.toHaveProperty('attachmentSchema')
  })

  it('refuses a host of other versions, naming both lists, and lets it try again', async () => {
    await using sample = await served()
    await using client = await unintroduced(sample.socketPath)
    const params = { ...initializeParams, protocolVersions: ['99.0'] }
    const refusal = await failureOf(client.raw('initialize', params))
    expect(refusal.kind).toBe('unsupportedProtocolVersion')
    expect(refusal.details).toMatchObject({ offered: ['99.0'], spoken: ['1.0'] })
    await expect(client.raw('initialize', initializeParams)).resolves.toBeDefined()
  })

  it('comes before any call, and once', async () => {
    await using sample = await served()
    await using client = await unintroduced(sample.socketPath)
    for (const method of ['driver/ping', 'network/list', 'no/such']) {
      expect((await failureOf(client.raw(method, {}))).kind).toBe('notInitialized')
    }
    await client.raw('initialize', initializeParams)
    expect((await failureOf(client.raw('initialize', initializeParams))).kind).toBe('alreadyInitialized')
    await expect(client.call('driver/ping', {})).resolves.toEqual({})
  })

  it('names the wrong field of a bad initialize', async () => {
    await using sample = await served()
    await using client = await unintroduced(sample.socketPath)
    const error = await failureOf(client.raw('initialize', { ...initializeParams, nodeId: 7 }))
    expect(error).toMatchObject({ kind: 'invalidArgument', fields: [{ path: 'nodeId' }] })
  })

  it('logs a rejection at error level with its reason', async () => {
    await using sample = await served()
    await using client = await unintroduced(sample.socketPath)
    await client.raw('initialize', initializeParams)
    const message = 'another driver is called sample: /run/conet/drivers/other.sock'
    client.peer.notify('rejected', { code: 1310, name: 'duplicateName', message })
    await eventually(() =>
      expect(sample.log).toContainEqual(
        expect.objectContaining({
          level: 'error',
          message: expect.stringContaining(message),
          fields: { reason: 'duplicateName' },
        }),
      ),
    )
  })

  it('is not preceded by a rejection: one that comes before initialize is dropped', async () => {
    await using sample = await served()
    await using client = await unintroduced(sample.socketPath)
    client.peer.notify('rejected', { code: 1311, name: 'replaced', message: 'by nobody' })
    await client.raw('initialize', initializeParams)
    await expect(sample.client.call('network/list', {})).resolves.toEqual({ networkIds: [] })
    expect(sample.log.filter(({ message }) => message.includes('by nobody'))).toEqual([])
  })

  it('is taken again from a host that comes back, while the old connection still stands', async () => {
    await using sample = await served()
    await using second = await sample.connect()
    await expect(second.call('network/list', {})).resolves.toEqual({ networkIds: [] })
    await expect(sample.client.call('network/list', {})).resolves.toEqual({ networkIds: [] })
  })

  it('must begin within its time: a connection that stays silent is closed', async () => {
    await using sample = await served()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      await using silent = await unintroduced(sample.socketPath)
      // The server has accepted it by the time it answers another that came later.
      await using later = await unintroduced(sample.socketPath)
      await later.raw('initialize', initializeParams)
      vi.advanceTimersByTime(requests.initialize.timeoutMs + 1)
      vi.useRealTimers()
      await eventually(() => silent.isClosed)
      await expect(later.call('driver/ping', {})).resolves.toEqual({})
    } finally {
      vi.useRealTimers()
    }
  })

  it('answers an unknown method with -32601', async () => {
    await using sample = await served()
    const error = await failureOf(sample.client.raw('endpoint/teleport', {}))
    expect(error).toMatchObject({ kind: 'unsupported', details: { wireCode: -32601 } })
  })

  it('takes calls of a host that sends no verdict and no _meta', async () => {
    await using sample = await served()
    await using client = await unintroduced(sample.socketPath)
    await client.raw('initialize', initializeParams)
    await expect(client.call('network/create', { network: sampleNetwork() })).resolves.toEqual({})
  })
})

describe('the start of a driver', () => {
  it('runs once, when a host has accepted, and before the first call', async () => {
    const seen: string[] = []
    const gate = new Gate()
    await using sample = await served({
      async start() {
        seen.push('start')
        await gate.pass()
        seen.push('started')
      },
      async createNetwork() {
        seen.push('create')
      },
    })
    const created = sample.client.call('network/create', { network: sampleNetwork() })
    await using second = await sample.connect()
    await expect(second.call('driver/ping', {})).resolves.toEqual({})
    expect(seen).toEqual(['start'])
    gate.open()
    await created
    await second.call('network/create', { network: sampleNetwork() })
    expect(seen).toEqual(['start', 'started', 'create', 'create'])
  })

  it('fails the calls with notReady when it fails, and is tried again with the next', async () => {
    let attempts = 0
    await using sample = await served({
      async start() {
        attempts += 1
        if (attempts <= 2) throw new Error('secret path')
      },
    })
    await eventually(() => expect(attempts).toBe(1))
    const error = await failureOf(sample.client.call('network/list', {}))
    expect(error).toMatchObject({ kind: 'notReady', operationState: 'not-started' })
    expect(error.message).not.toContain('secret')
    expect(JSON.stringify(sample.log)).toContain('secret path')
    await expect(sample.client.call('network/list', {})).resolves.toEqual({ networkIds: [] })
  })

  it('that fails time and again for an expected reason is told once, without a stack', async () => {
    await using sample = await served({
      async start() {
        throw new ConetError('failedPrecondition', 'another one works', {
          cause: new KernelError({ errno: 16, operation: 'lock it' }),
        })
      },
    })
    for (let n = 0; n < 3; n++)
      expect((await failureOf(sample.client.call('network/list', {}))).kind).toBe('notReady')
    const told = sample.log.filter(({ message }) => message.includes('could not start'))
    expect(told).toMatchObject([{ level: 'error', fields: { kind: 'notReady' } }])
    expect(JSON.stringify(told)).toContain('another one works')
    expect(JSON.stringify(told)).toContain('EBUSY')
    expect(JSON.stringify(told)).not.toContain('stack')
  })

  it('gets a handle that sends events, logs and readiness to every host; bad notices are logged', async () => {
    await using sample = await served({
      async start(host) {
        host.event({ type: 'link-down', message: 'eth1 is down' })
        host.event({ type: 'Not Kebab', message: 'bad' })
        host.log({ level: 'warn', message: 'look' })
        host.readiness(false, 'backend is away')
      },
    })
    await sample.client.call('network/list', {})
    expect(sample.client.notices).toEqual(
      expect.arrayContaining([
        { method: 'driver/event', params: { type: 'link-down', message: 'eth1 is down' } },
        { method: 'driver/log', params: { level: 'warn', message: 'look' } },
        { method: 'driver/readiness', params: { ready: false, reason: 'backend is away' } },
      ]),
    )
    expect(sample.client.notices.filter(({ method }) => method === 'driver/event')).toHaveLength(1)
    expect(sample.log).toContainEqual(expect.objectContaining({ message: 'the driver sent a bad notice' }))
    await using later = await sample.connect()
    await later.call('network/list', {})
    expect(later.notices).toContainEqual(expect.objectContaining({ method: 'driver/readiness' }))
  })
})
