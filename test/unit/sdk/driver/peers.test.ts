import { ConetError, type Driver, type HostHandle, type Params, type PeersBatch } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import {
  DriverClient,
  newId,
  sampleEndpoint,
  sampleNetwork,
  sampleSandbox,
} from '../../../support/driver-client.ts'
import { eventually } from '../../../support/eventually.ts'
import { failureOf, Gate, served } from './served.ts'

const networkId = newId()

function batch(changes: Partial<Params<'network/peers'>> = {}): Params<'network/peers'> {
  return { networkId, base: null, version: '1', more: false, remove: [], set: [], ...changes }
}

function peer(address: string) {
  const part = Number(address.split('.').at(-1)).toString(16).padStart(2, '0')
  return {
    endpointId: newId(),
    macAddress: `02:42:0a:00:00:${part}`,
    addresses: [address],
    tunnelAddress: '192.0.2.2',
  }
}

/** A driver that keeps what it is handed. */
function keeping(overrides: Partial<Driver> = {}) {
  const handed: PeersBatch[] = []
  const driver: Partial<Driver> = {
    async peers(one) {
      handed.push(one)
    },
    ...overrides,
  }
  return { handed, driver }
}

describe('network/peers', () => {
  it('is offered by a driver with peers, and by no other', async () => {
    const methodsOf = async (driver: Partial<Driver>) => {
      await using sample = await served(driver)
      await using client = await sample.connect()
      return await client
        .raw('network/peers', batch())
        .then(() => 'served')
        .catch((error: unknown) => String(error))
    }
    expect(await methodsOf(keeping().driver)).toBe('served')
    expect(await methodsOf({})).toContain('no such method')
  })

  it('hands on each batch as a change, a snapshot, or a part of one', async () => {
    const { handed, driver } = keeping()
    await using sample = await served(driver)
    const [one, two, three] = [peer('10.0.0.2'), peer('10.0.0.3'), peer('10.0.0.4')]
    const call = (changes: Partial<Params<'network/peers'>>) =>
      sample.client.call('network/peers', batch(changes))
    await call({ version: '5/1', more: true, set: [one] })
    await call({ base: '5/1', version: '5/2', more: true, set: [two] })
    await call({ base: '5/2', version: '5', set: [] })
    expect(await call({ base: '5', version: '6', remove: [one.endpointId], set: [three] })).toEqual({
      version: '6',
    })
    await call({ version: '7', set: [two] })
    const flags = handed.map(({ beginsSnapshot, endsSnapshot }) => [beginsSnapshot, endsSnapshot])
    expect(flags).toEqual([
      [true, false],
      [false, false],
      [false, true],
      [false, false],
      [true, true],
    ])
    expect(handed[3]).toMatchObject({ networkId, remove: [one.endpointId], set: [three] })
  })

  it('refuses what builds on another version than it holds, and says which it holds', async () => {
    const { handed, driver } = keeping()
    await using sample = await served(driver)
    const change = () => failureOf(sample.client.call('network/peers', batch({ base: '3', version: '4' })))
    expect(await change()).toMatchObject({ kind: 'peersGap', details: { held: null } })
    await sample.client.call('network/peers', batch({ version: '2' }))
    expect(await change()).toMatchObject({
      kind: 'peersGap',
      details: { held: '2' },
      operationState: 'not-started',
    })
    expect(handed.length).toBe(1)
  })

  it('does a change once, however often it comes, and a snapshot each time', async () => {
    const { handed, driver } = keeping()
    await using sample = await served(driver)
    const call = (changes: Partial<Params<'network/peers'>>) =>
      sample.client.call('network/peers', batch(changes))
    await call({ version: '1' })
    await call({ base: '1', version: '2' })
    expect(await call({ base: '1', version: '2' })).toEqual({ version: '2' })
    await call({ version: '2' })
    expect(handed.length).toBe(3)
  })

  it('asks for a snapshot after a failure that may have done something, and only then', async () => {
    const failures = [
      new ConetError('conflict', 'two peers have 10.0.0.2'),
      new ConetError('kernelRefused', 'no room'),
    ]
    await using sample = await served({
      async peers({ beginsSnapshot }) {
        const failure = beginsSnapshot ? undefined : failures.shift()
        if (failure !== undefined) throw failure
      },
    })
    const change = () => sample.client.call('network/peers', batch({ base: '1', version: '2' }))
    await sample.client.call('network/peers', batch({ version: '1' }))
    expect(await failureOf(change())).toMatchObject({ kind: 'conflict' })
    expect(await failureOf(change())).toMatchObject({ kind: 'kernelRefused' })
    expect(await failureOf(change())).toMatchObject({ kind: 'peersGap', details: { held: null } })
  })

  it('holds nothing of a network after its delete, nor after a sync, which others may have come before', async () => {
    const { driver } = keeping()
    await using sample = await served(driver)
    const network = { ...sampleNetwork(), id: networkId }
    const page = { syncId: 's', more: false, networks: [network], endpoints: [] }
    const endings = [
      () => sample.client.call('network/delete', { networkId }),
      () => sample.client.call('driver/sync', page),
      () => sample.client.call('driver/sync', { ...page, networks: [] }),
    ]
    for (const end of endings) {
      await sample.client.call('network/peers', batch({ version: '1' }))
      await end()
      const change = sample.client.call('network/peers', batch({ base: '1', version: '2' }))
      expect(await failureOf(change)).toMatchObject({ kind: 'peersGap' })
    }
  })

  it('waits for its network and for the batch before, and for no endpoint', async () => {
    const gates = { network: new Gate(), plug: new Gate(), first: new Gate() }
    const seen: string[] = []
    await using sample = await served({
      async createNetwork() {
        await gates.network.pass()
        seen.push('network')
      },
      async plug() {
        await gates.plug.pass()
        return { interfaces: [] }
      },
      async peers({ beginsSnapshot }) {
        if (beginsSnapshot) await gates.first.pass()
        seen.push(beginsSnapshot ? 'snapshot' : 'change')
      },
    })
    const network = { ...sampleNetwork(), id: networkId }
    const all = [
      sample.client.call('network/create', { network }),
      sample.client.call('endpoint/plug', { ...sampleEndpoint(network), sandbox: sampleSandbox }),
      sample.client.call('network/peers', batch({ version: '1' })),
      sample.client.call('network/peers', batch({ base: '1', version: '2' })),
    ]
    await eventually(() => expect(gates.network.arrivals).toBe(1))
    await sample.client.call('driver/ping', {})
    expect(gates.first.arrivals).toBe(0)
    gates.network.open()
    await eventually(() => expect([gates.first.arrivals, gates.plug.arrivals]).toEqual([1, 1]))
    gates.first.open()
    await eventually(() => expect(seen).toEqual(['network', 'snapshot', 'change']))
    gates.plug.open()
    await Promise.all(all)
  })

  it('is refused by a driver that drains', async () => {
    const { driver } = keeping()
    await using sample = await served({ ...driver, hotUpgrade: true })
    await sample.client.call('driver/drain', {})
    const late = sample.client.call('network/peers', batch())
    expect(await failureOf(late)).toMatchObject({ kind: 'draining' })
  })
})

describe('a driver whose networks span hosts', () => {
  it('says from which numbers its networks get theirs, and hears its host’s underlay address', async () => {
    const segments = { minimum: 1, maximum: 0xffffff, configMember: 'vni' }
    let handle: HostHandle | undefined
    await using sample = await served({
      scope: 'global',
      segments,
      async start(host) {
        handle = host
      },
    })
    await using client = await DriverClient.connect(sample.socketPath)
    const introduction = await client.raw('initialize', {
      protocolVersions: ['1.0'],
      host: { name: 'conetd', version: '1.0.0', instanceId: 'one' },
      nodeId: 'worker-1',
      underlayAddress: '192.0.2.1',
      limits: { maxMessageBytes: 65536 },
    })
    expect(introduction).toMatchObject({ capabilities: { scope: 'global', segments } })
    client.peer.notify('initialized', {})
    await client.raw('network/list', {})
    expect(handle?.identity).toMatchObject({ nodeId: 'worker-1', underlayAddress: '192.0.2.1' })
  })
})
