import { describe, expect, it } from 'vitest'
import { DriverClient, sampleEndpoint, sampleNetwork } from '../../../support/driver-client.ts'
import { eventually } from '../../../support/eventually.ts'
import { failureOf, Gate, type Served, served } from './served.ts'

const network = () => ({ network: sampleNetwork() })
const timeouts = {
  callMs: 400,
  mostCallMs: 1_000,
  pingIntervalMs: 1_000,
  pingTimeoutMs: 1_000,
  drainMs: 1_000,
}

function progressOf({ notices }: DriverClient) {
  return notices.filter(({ method }) => method === '$/progress').map(({ params }) => params)
}

async function patient(sample: Served): Promise<DriverClient> {
  return DriverClient.initialized(sample.socketPath, { timeouts })
}

describe('the progress of a call', () => {
  it('reaches a host that gave a token, with a percentage that never falls', async () => {
    await using sample = await served({
      async createNetwork(_network, call) {
        call.progress('half', 50)
        call.progress('less', 30)
        call.progress('done', 130)
      },
    })
    await sample.client.call('network/create', network(), { progressToken: 't1' })
    expect(progressOf(sample.client)).toEqual([
      { token: 't1', message: 'half', percentage: 50 },
      { token: 't1', message: 'done', percentage: 100 },
    ])
  })

  it('says nothing without a token, nothing too long, and nothing after the answer', async () => {
    const gate = new Gate()
    let late: Promise<void> | undefined
    await using sample = await served({
      async createNetwork(_network, call) {
        call.progress('x'.repeat(5_000))
        late = gate.pass().then(() => call.progress('late'))
      },
    })
    await sample.client.call('network/create', network())
    expect(progressOf(sample.client)).toEqual([])
    await sample.client.call('network/create', network(), { progressToken: 't' })
    gate.open()
    await late
    await sample.client.call('driver/ping', {})
    expect(progressOf(sample.client)).toEqual([{ token: 't', message: 'x'.repeat(4_096) }])
  })

  it('is sent at most four times a second, the last word always', async () => {
    await using sample = await served({
      async createNetwork(_network, call) {
        for (const start = performance.now(); performance.now() - start < 900; ) {
          call.progress('a step')
          await new Promise((resolve) => setTimeout(resolve, 1))
        }
        call.progress('the last step')
      },
    })
    const since = performance.now()
    await sample.client.call('network/create', network(), { progressToken: 't' })
    const seconds = (performance.now() - since) / 1_000
    const sent = progressOf(sample.client)
    expect(sent.length).toBeGreaterThan(2)
    expect(sent.length).toBeLessThanOrEqual(3 * seconds + 2)
    expect(sent.at(-1)).toMatchObject({ message: 'the last step' })
  })

  it('gives the call its time anew, up to the most that the host allows', async () => {
    const since = performance.now()
    let aborted = 0
    await using sample = await served({
      async createNetwork(_network, call) {
        call.signal.addEventListener('abort', () => {
          aborted = performance.now() - since
        })
        while (!call.signal.aborted) {
          call.progress('working')
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
        throw call.signal.reason
      },
    })
    await using client = await patient(sample)
    const failure = await failureOf(
      client.call('network/create', network(), { progressToken: 't', budgetMs: 400 }),
    )
    expect(failure.kind).toBe('deadlineExceeded')
    expect(aborted).toBeGreaterThanOrEqual(990)
    expect(aborted).toBeLessThan(1_900)
  })

  it('does not give time to a call that makes none', async () => {
    await using sample = await served({ createNetwork: () => new Gate().pass() })
    await using client = await patient(sample)
    const since = performance.now()
    await failureOf(client.call('network/create', network(), { progressToken: 't', budgetMs: 100 }))
    expect(performance.now() - since).toBeLessThan(600)
  })

  it('of a sync counts its objects', async () => {
    await using sample = await served({
      async createEndpoint(_params, call) {
        call.progress('one moment', 99)
      },
    })
    const { network } = sampleEndpoint()
    const endpoints = [sampleEndpoint(network), sampleEndpoint(network)]
    const page = { syncId: 's', more: false, networks: [network], endpoints }
    await sample.client.call('driver/sync', page, { progressToken: 't' })
    expect(progressOf(sample.client).at(-1)).toEqual({
      token: 't',
      message: '3 of 3 objects',
      percentage: 100,
    })
  })
})

describe('what a call knows of its caller', () => {
  it('is the trace context, when there is one', async () => {
    const seen: unknown[] = []
    await using sample = await served({
      async createNetwork(_network, { traceparent, tracestate }) {
        seen.push({ traceparent, tracestate })
      },
    })
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const _meta = { operationId: 'op', attempt: 1, timeoutMs: 1_000, traceparent, tracestate: 'a=b' }
    await sample.client.raw('network/create', { ...network(), _meta })
    await sample.client.call('network/create', network())
    expect(seen).toEqual([
      { traceparent, tracestate: 'a=b' },
      { traceparent: undefined, tracestate: undefined },
    ])
  })

  it('is who the host is and how patient it is', async () => {
    const seen: unknown[] = []
    await using sample = await served({
      async start(host) {
        seen.push(host.identity, host.timeouts)
      },
    })
    await sample.client.call('network/list', {})
    expect(seen).toEqual([
      { name: 'test', version: '0.0.0', instanceId: 'test-host', nodeId: 'test-node' },
      undefined,
    ])
    await using _client = await patient(sample)
    await eventually(() => expect(seen).toHaveLength(2))
  })
})
