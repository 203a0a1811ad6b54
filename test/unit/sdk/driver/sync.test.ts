import { type Call, ConetError, type DesiredEndpoint, type Network, type SyncParams } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { newId, sampleEndpoint, sampleNetwork, sampleSandbox } from '../../../support/driver-client.ts'
import { eventually } from '../../../support/eventually.ts'
import { failureOf, Gate, served } from './served.ts'

const page = (parts: Partial<SyncParams>): SyncParams => ({
  syncId: 'sync-1',
  more: false,
  networks: [],
  endpoints: [],
  ...parts,
})

const pluggedEndpoint = (network: Network): DesiredEndpoint => ({
  ...sampleEndpoint(network),
  sandbox: sampleSandbox,
})

describe('driver/sync', () => {
  it('creates networks, then endpoints, and plugs those that have a sandbox', async () => {
    const seen: string[] = []
    await using sample = await served({
      async createNetwork({ id }) {
        seen.push(`network ${id}`)
      },
      async createEndpoint(params) {
        expect(params).not.toHaveProperty('sandbox')
        seen.push(`create ${params.endpointId}`)
      },
      async plug({ endpointId, sandbox }) {
        seen.push(`plug ${endpointId} ${sandbox.path}`)
        return { interfaces: [] }
      },
    })
    const network = sampleNetwork()
    const plugged = pluggedEndpoint(network)
    const created = sampleEndpoint(network)
    const result = await sample.client.call(
      'driver/sync',
      page({ networks: [network], endpoints: [plugged, created] }),
    )
    expect(seen[0]).toBe(`network ${network.id}`)
    expect(seen.toSorted()).toEqual(
      [
        `network ${network.id}`,
        `create ${plugged.endpointId}`,
        `plug ${plugged.endpointId} ${sampleSandbox.path}`,
        `create ${created.endpointId}`,
      ].toSorted(),
    )
    const ref = { networkId: network.id, endpointId: plugged.endpointId }
    expect(result).toEqual({
      repaired: [],
      failed: [],
      plugged: [{ ...ref, result: { interfaces: [] } }],
      unknown: { networkIds: [], endpoints: [] },
    })
  })

  it('begins nothing more of a page that was given up', async () => {
    const gate = new Gate()
    const created: string[] = []
    await using sample = await served({
      async createNetwork({ id }) {
        created.push(id)
        await gate.pass()
      },
    })
    const networks = Array.from({ length: 20 }, () => sampleNetwork())
    const giveUp = new AbortController()
    const { client } = sample
    const synced = failureOf(client.call('driver/sync', page({ networks }), { signal: giveUp.signal }))
    await eventually(() => expect(gate.arrivals).toBeGreaterThan(0))
    const begun = [...created]
    expect(begun.length).toBeLessThan(networks.length)
    giveUp.abort()
    expect((await synced).kind).toBe('cancelled')
    // The driver has heard of it too.
    await client.call('driver/ping', {})
    gate.open()
    // In its turn behind the one that was given up.
    for (const network of networks.slice(-1)) await client.call('network/create', { network })
    expect(created).toEqual([...begun, networks.at(-1)?.id])
  })

  it('names on the last page what no page of this sync has named', async () => {
    const [kept, other, stray] = [sampleNetwork(), sampleNetwork(), newId()]
    const known = sampleEndpoint(kept)
    const unknown = { networkId: kept.id, endpointId: newId() }
    let lists = 0
    await using sample = await served({
      async listNetworks() {
        lists += 1
        return [kept.id, other.id, stray]
      },
      async listEndpoints() {
        return [{ networkId: kept.id, endpointId: known.endpointId }, unknown]
      },
    })
    const { client } = sample
    const first = await client.call('driver/sync', page({ more: true, networks: [kept], endpoints: [known] }))
    expect(first.unknown).toEqual({ networkIds: [], endpoints: [] })
    expect(lists).toBe(0)
    const last = await client.call('driver/sync', page({ networks: [other] }))
    expect(last.unknown).toEqual({ networkIds: [stray], endpoints: [unknown] })

    await client.call('driver/sync', page({ syncId: 'sync-2', more: true, networks: [kept] }))
    const anew = await client.call('driver/sync', page({ syncId: 'sync-3', networks: [other] }))
    expect(anew.unknown.networkIds).toEqual([kept.id, stray])
  })

  it('does not call unknown what the host has created since the first page', async () => {
    const [network, endpoint] = [sampleNetwork(), sampleEndpoint()]
    await using sample = await served({
      async listNetworks() {
        return [network.id, endpoint.network.id]
      },
      async listEndpoints() {
        return [{ networkId: endpoint.network.id, endpointId: endpoint.endpointId }]
      },
    })
    await sample.client.call('driver/sync', page({ more: true }))
    await sample.client.call('network/create', { network })
    await sample.client.call('endpoint/create', endpoint)
    const { unknown } = await sample.client.call('driver/sync', page({}))
    expect(unknown).toEqual({ networkIds: [], endpoints: [] })
  })

  it('collects failures per object, and does not try the endpoints of a network that failed', async () => {
    const [bad, good] = [sampleNetwork(), sampleNetwork()]
    const [orphan, broken, fine] = [pluggedEndpoint(bad), pluggedEndpoint(good), pluggedEndpoint(good)]
    const created: string[] = []
    await using sample = await served({
      async createNetwork({ id }) {
        if (id === bad.id) throw new ConetError('conflict', 'another bridge has the name')
      },
      async createEndpoint({ endpointId }) {
        created.push(endpointId)
      },
      async plug({ endpointId }) {
        if (endpointId === broken.endpointId) throw new Error('secret bug')
        return { interfaces: [] }
      },
    })
    const result = await sample.client.call(
      'driver/sync',
      page({ networks: [bad, good], endpoints: [orphan, broken, fine] }),
    )
    const failed = new Map(result.failed.map((each) => [each.endpointId ?? each.networkId, each.error]))
    expect(failed.get(bad.id)).toEqual({ name: 'conflict', message: 'another bridge has the name' })
    expect(failed.get(orphan.endpointId)?.name).toBe('failedPrecondition')
    expect(failed.get(broken.endpointId)?.name).toBe('internal')
    expect(failed.size).toBe(3)
    expect(JSON.stringify(result)).not.toContain('secret')
    expect(result.plugged.map(({ endpointId }) => endpointId)).toEqual([fine.endpointId])
    expect(created).not.toContain(orphan.endpointId)
    expect(sample.log).toContainEqual(
      expect.objectContaining({ level: 'error', message: expect.stringContaining('secret bug') }),
    )
  })

  it('reports a plug result that breaks the contract as a failure of that endpoint', async () => {
    await using sample = await served({
      // @ts-expect-error a driver in plain JavaScript may answer nothing
      async plug() {},
    })
    const network = sampleNetwork()
    const result = await sample.client.call(
      'driver/sync',
      page({ networks: [network], endpoints: [pluggedEndpoint(network)] }),
    )
    expect(result.plugged).toEqual([])
    expect(result.failed).toEqual([
      expect.objectContaining({ error: expect.objectContaining({ name: 'internal' }) }),
    ])
  })

  it('tells what was mended, in the words of the driver', async () => {
    await using sample = await served({
      async createNetwork(_network, call) {
        call.repaired('bridge cb1: set MTU 1500, it was 1400')
      },
    })
    const { repaired } = await sample.client.call('driver/sync', page({ networks: [sampleNetwork()] }))
    expect(repaired).toEqual(['bridge cb1: set MTU 1500, it was 1400'])
  })

  it('runs eight objects at once and no more', async () => {
    const gate = new Gate()
    let running = 0
    let most = 0
    await using sample = await served({
      async createNetwork() {
        running += 1
        most = Math.max(most, running)
        await gate.pass()
        running -= 1
      },
    })
    const networks = Array.from({ length: 20 }, () => sampleNetwork())
    const synced = sample.client.call('driver/sync', page({ networks }))
    await eventually(() => expect(gate.arrivals).toBe(8))
    await sample.client.call('driver/ping', {})
    expect(gate.arrivals).toBe(8)
    gate.open()
    await synced
    expect({ most, arrivals: gate.arrivals }).toEqual({ most: 8, arrivals: 20 })
  })

  it('keeps its place before calls on the same objects that came later, even when it waits for a slot', async () => {
    const gate = new Gate()
    const seen: string[] = []
    await using sample = await served({
      async createNetwork() {
        await gate.pass()
      },
      async createEndpoint({ endpointId }) {
        seen.push(`create ${endpointId}`)
      },
      async deleteEndpoint({ endpointId }) {
        seen.push(`delete ${endpointId}`)
      },
    })
    const networks = Array.from({ length: 9 }, () => sampleNetwork())
    const endpoint = sampleEndpoint(networks[8])
    const synced = sample.client.call('driver/sync', page({ networks, endpoints: [endpoint] }))
    const ref = { networkId: endpoint.network.id, endpointId: endpoint.endpointId }
    const deleted = sample.client.call('endpoint/delete', ref)
    await eventually(() => expect(gate.arrivals).toBe(8))
    gate.open()
    await Promise.all([synced, deleted])
    expect(seen).toEqual([`create ${endpoint.endpointId}`, `delete ${endpoint.endpointId}`])
  })

  it('fails as a whole when the driver cannot list, and when its time is over', async () => {
    let hangs = false
    await using sample = await served({
      async listNetworks() {
        if (hangs) await new Promise(() => undefined)
        throw new ConetError('backendUnavailable', 'the kernel is away')
      },
    })
    const error = await failureOf(sample.client.call('driver/sync', page({})))
    expect(error.kind).toBe('backendUnavailable')
    hangs = true
    const late = await failureOf(sample.client.call('driver/sync', page({}), { budgetMs: 30 }))
    expect(late.kind).toBe('deadlineExceeded')
  })
})

describe('a plug', () => {
  const author = () => {
    const repairs: (boolean | undefined)[] = []
    const state = { networkFails: false, plugFails: false }
    const driver = {
      async createNetwork() {
        if (state.networkFails) throw new ConetError('backendUnavailable', 'no controller')
      },
      async plug(_params: unknown, call: Call) {
        repairs.push(call.isRepair)
        if (state.plugFails) throw new ConetError('conflict', 'the name is taken')
        return { interfaces: [] }
      },
    }
    return { repairs, state, driver }
  }

  it.each(['plugFails', 'networkFails'] as const)(
    'is a repair in a sync, and when the host repeats what could not be done there (%s), until it is unplugged',
    async (fails) => {
      const { repairs, state, driver } = author()
      await using sample = await served(driver)
      const network = sampleNetwork()
      const endpoint = { ...sampleEndpoint(network), sandbox: sampleSandbox }
      state[fails] = true
      await sample.client.call('driver/sync', page({ networks: [network], endpoints: [endpoint] }))
      expect(repairs).toEqual(fails === 'plugFails' ? [true] : [])
      state[fails] = false
      repairs.length = 0
      await sample.client.call('endpoint/plug', endpoint)
      await sample.client.call('endpoint/plug', endpoint)
      const ref = { networkId: network.id, endpointId: endpoint.endpointId }
      await sample.client.call('endpoint/unplug', ref)
      await sample.client.call('endpoint/plug', endpoint)
      expect(repairs).toEqual([true, true, false])
    },
  )

  it('is none the first time, in another sandbox, and where a sync wants the endpoint in no sandbox', async () => {
    const { repairs, state, driver } = author()
    await using sample = await served(driver)
    const network = sampleNetwork()
    const endpoint = { ...sampleEndpoint(network), sandbox: sampleSandbox }
    await sample.client.call('network/create', { network })
    state.plugFails = true
    await failureOf(sample.client.call('endpoint/plug', endpoint))
    await failureOf(sample.client.call('endpoint/plug', endpoint))
    const { sandbox: _, ...created } = endpoint
    await sample.client.call('driver/sync', page({ networks: [network], endpoints: [endpoint] }))
    const elsewhere = { ...endpoint, sandbox: { id: 'b', path: '/run/elsewhere' } }
    await failureOf(sample.client.call('endpoint/plug', elsewhere))
    await sample.client.call('driver/sync', page({ syncId: '2', networks: [network], endpoints: [created] }))
    await failureOf(sample.client.call('endpoint/plug', endpoint))
    expect(repairs).toEqual([false, false, true, false, false])
  })
})
