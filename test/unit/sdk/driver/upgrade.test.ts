import { ConetError, type Driver } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import {
  DriverClient,
  initializeParams,
  newId,
  sampleEndpoint,
  sampleNetwork,
  sampleSandbox,
} from '../../../support/driver-client.ts'
import { eventually } from '../../../support/eventually.ts'
import { startDriverProgram } from '../../../support/fake-driver.ts'
import { temporaryDirectory } from '../../../support/temporary-directory.ts'
import { failureOf, Gate, nullProgram, served } from './served.ts'

const sync = (syncId: string) => ({ syncId, more: false, networks: [], endpoints: [] })
const plugParams = () => ({ ...sampleEndpoint(), sandbox: sampleSandbox })

/** A driver that notes the moments of its life. */
function recorder(overrides: Partial<Driver> = {}) {
  const seen: string[] = []
  const driver: Partial<Driver> = {
    hotUpgrade: true,
    async start(host) {
      seen.push(`start as ${host.role}`)
    },
    async activate() {
      seen.push('activate')
    },
    async drain() {
      seen.push('drain')
    },
    async stop() {
      seen.push('stop')
    },
    ...overrides,
  }
  return { seen, driver }
}

describe('the role of a driver', () => {
  it('is active from the start, unless the host says standby', async () => {
    const { seen, driver } = recorder()
    await using sample = await served(driver)
    await sample.client.call('network/list', {})
    expect(seen).toEqual(['start as active', 'activate'])
  })

  it('[K2] is told when it changes: a standby is synced first, and activated when the host says so', async () => {
    const { seen, driver } = recorder()
    await using sample = await served(driver, {}, { role: 'standby' })
    await sample.client.call('driver/sync', sync('one'))
    expect(seen).toEqual(['start as standby'])
    sample.client.peer.notify('initialized', { role: 'active' })
    await eventually(() => expect(seen).toEqual(['start as standby', 'activate']))
    sample.client.peer.notify('initialized', { role: 'active' })
    await sample.client.call('network/list', {})
    expect(seen).toEqual(['start as standby', 'activate'])
  })

  it('fails the calls with notReady while activate fails, and tries it again', async () => {
    let attempts = 0
    await using sample = await served({
      async activate() {
        attempts += 1
        if (attempts <= 2) throw new Error('secret')
      },
    })
    await eventually(() => expect(attempts).toBe(1))
    expect((await failureOf(sample.client.call('network/list', {}))).kind).toBe('notReady')
    await expect(sample.client.call('network/list', {})).resolves.toEqual({ networkIds: [] })
  })
})

describe('a driver that takes over between a create and its plug', () => {
  it('creates the endpoint before it plugs it', async () => {
    const seen: string[] = []
    await using sample = await served({
      hotUpgrade: true,
      async createEndpoint(params) {
        expect(params).not.toHaveProperty('sandbox')
        seen.push(`create ${params.endpointId}`)
      },
      async plug({ endpointId }) {
        seen.push(`plug ${endpointId}`)
        return { interfaces: [] }
      },
    })
    const { client } = sample
    const plug = plugParams()
    await client.call('driver/sync', sync('without it'))
    await client.call('endpoint/plug', plug)
    await client.call('endpoint/plug', plug)
    const { endpointId } = plug
    expect(seen).toEqual([`create ${endpointId}`, `plug ${endpointId}`, `plug ${endpointId}`])
  })

  it('does not plug what it cannot create', async () => {
    let plugs = 0
    await using sample = await served({
      createEndpoint: async () => {
        throw new ConetError('conflict', 'taken')
      },
      async plug() {
        plugs += 1
        return { interfaces: [] }
      },
    })
    expect((await failureOf(sample.client.call('endpoint/plug', plugParams()))).kind).toBe('conflict')
    expect(plugs).toBe(0)
  })
})

describe('a driver that drains', () => {
  it('waits for calls under way, rests, and takes no new work but what ends things', async () => {
    const gate = new Gate()
    const { seen, driver } = recorder({
      async plug() {
        await gate.pass()
        seen.push('plugged')
        return { interfaces: [] }
      },
    })
    await using sample = await served(driver)
    const { client } = sample
    const plug = client.call('endpoint/plug', plugParams())
    await eventually(() => expect(gate.arrivals).toBe(1))
    const drained = client.call('driver/drain', {})
    for (const refused of [
      client.call('network/create', { network: sampleNetwork() }),
      client.call('endpoint/create', sampleEndpoint()),
      client.call('endpoint/plug', plugParams()),
    ]) {
      expect(await failureOf(refused)).toMatchObject({ kind: 'draining', operationState: 'not-started' })
    }
    const ids = { networkId: newId(), endpointId: newId() }
    await client.call('endpoint/unplug', ids)
    await client.call('endpoint/delete', ids)
    await client.call('network/delete', { networkId: ids.networkId })
    await client.call('network/list', {})
    await client.call('endpoint/list', {})
    await client.call('driver/ping', {})
    expect(seen).not.toContain('drain')
    gate.open()
    await expect(plug).resolves.toEqual({ interfaces: [] })
    await expect(drained).resolves.toEqual({})
    expect(seen).toEqual(['start as active', 'activate', 'plugged', 'drain'])
    await client.call('driver/drain', {})
  })

  it('is taken back by a sync, and works as before', async () => {
    const { seen, driver } = recorder()
    await using sample = await served(driver)
    const { client } = sample
    await client.call('network/list', {})
    await client.call('driver/drain', {})
    const refused = plugParams()
    await failureOf(client.call('endpoint/create', refused))
    await client.call('driver/sync', sync('back'))
    expect(seen).toEqual(['start as active', 'activate', 'drain', 'activate'])
    await expect(client.call('endpoint/plug', refused)).resolves.toEqual({ interfaces: [] })
  })

  it('that is taken back while it drains is activated after that', async () => {
    const gate = new Gate()
    const { seen, driver } = recorder({
      async drain() {
        await gate.pass()
        seen.push('drained')
      },
    })
    await using sample = await served(driver)
    const { client } = sample
    await client.call('network/list', {})
    const drained = client.call('driver/drain', {})
    await eventually(() => expect(gate.arrivals).toBe(1))
    const synced = client.call('driver/sync', sync('back'))
    await client.call('driver/ping', {})
    gate.open()
    await Promise.all([drained, synced])
    expect(seen).toEqual(['start as active', 'activate', 'drained', 'activate'])
  })

  it('that is taken back before it has begun to rest does not', async () => {
    const gate = new Gate()
    const { seen, driver } = recorder({
      async activate() {
        await gate.pass()
        seen.push('activated')
      },
    })
    await using sample = await served(driver)
    const { client } = sample
    await eventually(() => expect(gate.arrivals).toBe(1))
    const drained = failureOf(client.call('driver/drain', {}))
    const synced = client.call('driver/sync', sync('back'))
    await client.call('driver/ping', {})
    gate.open()
    expect((await drained).kind).toBe('cancelled')
    await synced
    await client.call('network/list', {})
    expect(seen).toEqual(['start as active', 'activated'])
  })

  it('answers in its time when a call under way does not end, and may be asked again', async () => {
    const gate = new Gate()
    const { driver } = recorder({
      async createNetwork() {
        await gate.pass()
      },
    })
    await using sample = await served(driver)
    const created = sample.client.call('network/create', { network: sampleNetwork() })
    await eventually(() => expect(gate.arrivals).toBe(1))
    const failure = await failureOf(sample.client.call('driver/drain', {}, { budgetMs: 50 }))
    expect(failure.kind).toBe('deadlineExceeded')
    gate.open()
    await created
    await expect(sample.client.call('driver/drain', {})).resolves.toEqual({})
  })

  it('has no such method unless it can be upgraded while it works', async () => {
    await using sample = await served()
    expect((await failureOf(sample.client.raw('driver/drain', {}))).details).toMatchObject({
      wireCode: -32601,
    })
  })
})

describe('a driver that was replaced', () => {
  it('ends its program with exit code 0', async () => {
    await using directory = await temporaryDirectory()
    const socketPath = `${directory.path}/null.sock`
    await using program = await startDriverProgram({
      program: nullProgram,
      args: ['--socket', socketPath],
      socketPath,
    })
    await using client = await DriverClient.initialized(socketPath)
    client.peer.notify('rejected', { code: 1311, name: 'replaced', message: 'by 1.1.0' })
    expect(await program.exited).toBe(0)
    expect(program.log.map(({ level, message }) => `${level} ${message}`)).toContainEqual(
      'info the host uses another instance of driver "null" from now on: by 1.1.0',
    )
  })

  it('goes on after any other rejection, and is used when the host comes back', async () => {
    await using sample = await served()
    const rejection = { code: 1310, name: 'duplicateName', message: 'it is taken' }
    sample.client.peer.notify('rejected', rejection)
    await sample.client.call('driver/ping', {})
    await using again = await sample.connect()
    await expect(again.call('network/list', {})).resolves.toEqual({ networkIds: [] })
  })
})

describe('a driver with all it can take under way', () => {
  it('refuses one more call with overloaded, at once; pings and cancellations pass', async () => {
    const gate = new Gate()
    await using sample = await served({ maxInFlight: 2, createNetwork: () => gate.pass() })
    const { client } = sample
    const giveUp = new AbortController()
    const create = (signal?: AbortSignal) =>
      client.call('network/create', { network: sampleNetwork() }, signal && { signal })
    const [first, second] = [create(), failureOf(create(giveUp.signal))]
    await eventually(() => expect(gate.arrivals).toBe(2))
    expect(await failureOf(create())).toMatchObject({ kind: 'overloaded', operationState: 'not-started' })
    await expect(client.call('driver/ping', {})).resolves.toEqual({})
    giveUp.abort()
    expect((await second).kind).toBe('cancelled')
    await eventually(() => client.call('network/list', {}))
    gate.open()
    await first
  })

  it('[K2] says how much it takes', async () => {
    await using sample = await served({ maxInFlight: 2 })
    await using client = await DriverClient.connect(sample.socketPath)
    const { limits } = await client.call('initialize', initializeParams)
    expect(limits.maxInFlight).toBe(2)
  })
})
