import { ConetError, Rollback } from '@conet/sdk'
import { KernelError } from '@conet/sdk/linux'
import { describe, expect, it } from 'vitest'
import { newId, sampleEndpoint, sampleNetwork, sampleSandbox } from '../../../support/driver-client.ts'
import { eventually } from '../../../support/eventually.ts'
import { failureOf, Gate, served } from './served.ts'

const plugParams = () => ({ ...sampleEndpoint(), sandbox: sampleSandbox })

describe('what the author of a driver gets', () => {
  it('is checked: a wrong field is refused with its path before the code sees it', async () => {
    let plugs = 0
    await using sample = await served({
      async plug() {
        plugs += 1
        return { interfaces: [] }
      },
    })
    const wrong = { ...plugParams(), sandbox: { id: 's', path: 'not/absolute' } }
    expect(await failureOf(sample.client.raw('endpoint/plug', wrong))).toMatchObject({
      kind: 'invalidArgument',
      operationState: 'not-started',
      fields: [{ path: 'sandbox.path' }],
    })
    expect(plugs).toBe(0)
  })

  it('is the parameters without _meta, which becomes the call', async () => {
    const seen: unknown[] = []
    await using sample = await served({
      async createNetwork(...args) {
        seen.push(...args)
      },
      async createEndpoint(params) {
        seen.push(params)
      },
    })
    const network = sampleNetwork()
    const meta = { operationId: 'op-7', attempt: 3, timeoutMs: 1_000, extra: 1 }
    await sample.client.raw('network/create', { network, _meta: meta })
    expect(seen[0]).toEqual(network)
    expect(seen[1]).toMatchObject({ operationId: 'op-7', attempt: 3 })
    const endpoint = sampleEndpoint(network)
    await sample.client.raw('endpoint/create', { ...endpoint, _meta: meta })
    expect(seen[2]).toEqual(endpoint)
  })

  it.each([
    { _meta: { timeoutMs: 0 }, path: '_meta.timeoutMs' },
    { _meta: { timeoutMs: 2 ** 31 }, path: '_meta.timeoutMs' },
    { _meta: { attempt: 'first' }, path: '_meta.attempt' },
    { _meta: [], path: '_meta' },
  ])('is refused with a bad _meta: $path $_meta', async ({ _meta, path }) => {
    await using sample = await served()
    const error = await failureOf(sample.client.raw('network/list', { _meta }))
    expect(error).toMatchObject({ kind: 'invalidArgument', fields: [{ path }] })
  })

  it('carries the log of a call to the host and to stderr, with the ids of the call', async () => {
    await using sample = await served({
      async createEndpoint(_params, call) {
        call.log('warn', 'slow', { tookMs: 12, endpointId: 'forged' })
        call.repaired('the MTU was 1400')
      },
    })
    const endpoint = sampleEndpoint()
    await sample.client.call('endpoint/create', endpoint, { budgetMs: 1_000 })
    const fields = {
      networkId: endpoint.network.id,
      endpointId: endpoint.endpointId,
      operationId: 'op',
      tookMs: 12,
    }
    expect(sample.client.notices).toContainEqual({
      method: 'driver/log',
      params: { level: 'warn', message: 'slow', fields },
    })
    expect(sample.log).toContainEqual(
      expect.objectContaining({ level: 'warn', driver: 'sample', message: 'slow', fields }),
    )
    expect(sample.log).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('the MTU was 1400') }),
    )
  })

  it('logs nothing below the level', async () => {
    await using sample = await served(
      {
        async listNetworks(call) {
          call.log('info', 'quiet')
          call.log('error', 'loud')
          return []
        },
      },
      { logLevel: 'error' },
    )
    await sample.client.call('network/list', {})
    expect(sample.log.map(({ message }) => message)).toEqual(['loud'])
    expect(sample.client.notices.map(({ params }) => params?.message)).toEqual(['loud'])
  })
})

describe('how a call fails', () => {
  it('with the ConetError that the author threw, whole', async () => {
    await using sample = await served({
      async createNetwork() {
        throw new ConetError('subnetOverlap', '10.0.0.0/16 overlaps docker0', {
          fields: [{ path: 'network.subnets[0]', message: 'overlaps' }],
          details: { link: 'docker0' },
          help: 'Choose another subnet.',
        })
      },
    })
    const error = await failureOf(sample.client.call('network/create', { network: sampleNetwork() }))
    expect(error).toMatchObject({
      kind: 'subnetOverlap',
      message: '10.0.0.0/16 overlaps docker0',
      fields: [{ path: 'network.subnets[0]', message: 'overlaps' }],
      details: { link: 'docker0' },
      help: 'Choose another subnet.',
    })
  })

  it('as kernelRefused, with errno, code and the kernel’s message, for a KernelError', async () => {
    await using sample = await served({
      async plug() {
        throw new KernelError({ errno: 17, operation: 'create link cv1', kernelMessage: 'name taken' })
      },
    })
    const error = await failureOf(sample.client.call('endpoint/plug', plugParams()))
    expect(error).toMatchObject({
      kind: 'kernelRefused',
      details: { errno: 17, code: 'EEXIST', kernelMessage: 'name taken', operation: 'create link cv1' },
    })
  })

  it('as internal for a bug, whose text and stack are in the log and not on the wire', async () => {
    await using sample = await served({
      async deleteNetwork() {
        throw new Error('password is hunter2', { cause: new Error('deep') })
      },
    })
    const networkId = newId()
    const error = await failureOf(sample.client.call('network/delete', { networkId }))
    expect(error.kind).toBe('internal')
    expect(JSON.stringify([error.message, error.details])).not.toContain('hunter2')
    const line = sample.log.find(({ level }) => level === 'error')
    expect(line).toMatchObject({ fields: { networkId, stack: expect.stringContaining('calls.test') } })
    expect(JSON.stringify(line)).toContain('deep')
  })

  it('as internal, with a log line that names the field, when the result breaks the contract', async () => {
    await using sample = await served({
      async listEndpoints() {
        return [{ networkId: 'short', endpointId: newId() }]
      },
    })
    const error = await failureOf(sample.client.call('endpoint/list', {}))
    expect(error.kind).toBe('internal')
    expect(sample.log).toContainEqual(
      expect.objectContaining({
        level: 'error',
        message: expect.stringContaining('endpoints[0].networkId'),
      }),
    )
  })

  it('as the first failure, in state partial, when its undo failed too; the log has the second', async () => {
    await using sample = await served({
      async plug() {
        await using undo = new Rollback()
        undo.defer('delete the link', () => {
          throw new Error('busy')
        })
        throw new ConetError('invalidSandbox', 'the sandbox is gone')
      },
    })
    const error = await failureOf(sample.client.call('endpoint/plug', plugParams()))
    expect(error).toMatchObject({ kind: 'invalidSandbox', operationState: 'partial' })
    expect(sample.log).toContainEqual(expect.objectContaining({ level: 'error' }))
  })
})

describe('a call whose time is over', () => {
  it('aborts the signal and is answered at once; a late result is dropped and logged', async () => {
    const gate = new Gate()
    const reasons: unknown[] = []
    await using sample = await served({
      async plug(_params, { signal }) {
        signal.addEventListener('abort', () => reasons.push(signal.reason))
        await gate.pass()
        return { interfaces: [] }
      },
    })
    const error = await failureOf(sample.client.call('endpoint/plug', plugParams(), { budgetMs: 30 }))
    expect(error).toMatchObject({ kind: 'deadlineExceeded', operationState: 'unknown' })
    expect(reasons).toEqual([expect.objectContaining({ kind: 'deadlineExceeded' })])
    gate.open()
    await eventually(() =>
      expect(sample.log).toContainEqual(
        expect.objectContaining({ level: 'warn', message: expect.stringContaining('is dropped') }),
      ),
    )
  })

  it('does not hold up a driver’s other calls, nor the ping', async () => {
    await using sample = await served({ plug: () => new Promise(() => undefined) })
    const hanging = failureOf(sample.client.call('endpoint/plug', plugParams(), { budgetMs: 300 }))
    await sample.client.call('driver/ping', {})
    await sample.client.call('endpoint/create', sampleEndpoint())
    expect((await hanging).kind).toBe('deadlineExceeded')
  })
})

describe('a call that the host gives up', () => {
  it('aborts the signal on $/cancelRequest, and its late end is logged', async () => {
    const gate = new Gate()
    const aborted = new Gate()
    await using sample = await served({
      async plug(_params, { signal }) {
        signal.addEventListener('abort', () => aborted.open())
        await gate.pass()
        throw new Error('too late')
      },
    })
    const controller = new AbortController()
    const call = sample.client.call('endpoint/plug', plugParams(), { signal: controller.signal })
    await eventually(() => expect(gate.arrivals).toBe(1))
    controller.abort()
    expect((await failureOf(call)).kind).toBe('cancelled')
    await aborted.pass()
    gate.open()
    await eventually(() =>
      expect(sample.log).toContainEqual(
        expect.objectContaining({ message: expect.stringContaining('its failure is dropped') }),
      ),
    )
  })

  it('aborts the signal when the connection ends', async () => {
    const aborted = new Gate()
    const began = new Gate()
    await using sample = await served({
      plug(_params, { signal }) {
        began.open()
        signal.addEventListener('abort', () => aborted.open())
        return new Promise(() => undefined)
      },
    })
    const call = failureOf(sample.client.call('endpoint/plug', plugParams()))
    await began.pass()
    sample.client.peer.abort(undefined)
    await aborted.pass()
    await call
    await using second = await sample.connect()
    await expect(second.call('driver/ping', {})).resolves.toEqual({})
  })
})
