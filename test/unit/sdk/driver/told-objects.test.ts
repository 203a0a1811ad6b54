import { ConetError, type Driver } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { sampleEndpoint, sampleNetwork, sampleSandbox } from '../../../support/driver-client.ts'
import { failureOf, served } from './served.ts'

const elsewhere = { id: 'other', path: '/run/conet/netns/other' }

/** Counts what reaches the author's code. */
function counting(overrides: Partial<Driver> = {}) {
  const seen: string[] = []
  const driver: Partial<Driver> = {
    async createNetwork() {
      seen.push('network')
    },
    async createEndpoint() {
      seen.push('create')
    },
    async plug({ sandbox }) {
      seen.push(`plug ${sandbox.id}`)
      return { interfaces: [] }
    },
    async unplug() {
      seen.push('unplug')
    },
    ...overrides,
  }
  return { seen, driver }
}

describe('what a driver was told', () => {
  it('[K7] refuses a network that comes again with other content, before the author sees it', async () => {
    const { seen, driver } = counting()
    await using sample = await served(driver)
    const network = sampleNetwork()
    const create = (changes: Partial<typeof network>) =>
      sample.client.call('network/create', { network: { ...network, ...changes } })
    await create({})
    await create({ labels: { tier: 'web' }, name: 'other', defaultPolicy: { allow: [] } })
    expect(await failureOf(create({ config: { mtu: 1400 } }))).toMatchObject({
      kind: 'conflict',
      details: { differences: ['config'] },
      operationState: 'not-started',
    })
    await sample.client.call('network/delete', { networkId: network.id })
    await create({ config: { mtu: 1400 } })
    expect(seen).toEqual(['network', 'network', 'network'])
  })

  it('[K7] keeps to the matrix of plug: same, other content, other sandbox', async () => {
    const { seen, driver } = counting()
    await using sample = await served(driver)
    const endpoint = sampleEndpoint()
    const { networkId, endpointId } = { networkId: endpoint.network.id, endpointId: endpoint.endpointId }
    const plug = (changes: object, sandbox = sampleSandbox) =>
      sample.client.call('endpoint/plug', { ...endpoint, ...changes, sandbox })
    await sample.client.call('endpoint/create', endpoint)
    expect(await failureOf(plug({ options: { rate: 1 } }))).toMatchObject({ kind: 'conflict' })
    await plug({})
    await plug({ container: { handle: 'box', labels: { tier: 'web' } } })
    const renamed = { interface: { ...endpoint.interface, name: 'eth1', addresses: ['10.0.0.9/16'] } }
    expect(await failureOf(plug(renamed))).toMatchObject({ details: { differences: ['name', 'addresses'] } })
    expect(await failureOf(plug({}, elsewhere))).toMatchObject({ kind: 'inUse' })
    await sample.client.call('endpoint/unplug', { networkId, endpointId })
    await plug({}, elsewhere)
    expect(seen).toEqual(['create', 'plug sandbox', 'plug sandbox', 'unplug', 'plug other'])
  })

  it('refuses to delete a network while it has endpoints', async () => {
    await using sample = await served()
    const endpoint = sampleEndpoint()
    const { networkId, endpointId } = { networkId: endpoint.network.id, endpointId: endpoint.endpointId }
    await sample.client.call('network/create', { network: endpoint.network })
    await sample.client.call('endpoint/create', endpoint)
    const remove = () => sample.client.call('network/delete', { networkId })
    expect(await failureOf(remove())).toMatchObject({ kind: 'inUse' })
    await sample.client.call('endpoint/delete', { networkId, endpointId })
    await remove()
  })

  it('does not remember what failed', async () => {
    let failures = 1
    await using sample = await served({
      async createEndpoint() {
        if (failures-- > 0) throw new ConetError('backendUnavailable', 'no')
      },
    })
    const endpoint = sampleEndpoint()
    await failureOf(sample.client.call('endpoint/create', endpoint))
    await sample.client.call('endpoint/create', { ...endpoint, options: { rate: 1 } })
  })

  it('takes no addresses for those that a driver with its own chose, and no others', async () => {
    await using sample = await served({
      ipam: 'driver',
      async createEndpoint() {
        return { addresses: ['10.0.0.7/16'] }
      },
    })
    const endpoint = sampleEndpoint()
    const create = (addresses: string[]) =>
      sample.client.call('endpoint/create', {
        ...endpoint,
        interface: { ...endpoint.interface, addresses },
      })
    expect(await create([])).toEqual({ addresses: ['10.0.0.7/16'] })
    await create([])
    await create(['10.0.0.7/16'])
    expect(await failureOf(create(['10.0.0.8/16']))).toMatchObject({ kind: 'conflict' })
  })
})

describe('a sync', () => {
  const page = { syncId: 's', more: false, networks: [], endpoints: [] }

  it('has the last word on content, and is what counts from then on', async () => {
    await using sample = await served()
    const { client } = sample
    const network = sampleNetwork()
    const changed = { ...network, internal: true }
    await client.call('network/create', { network })
    expect((await client.call('driver/sync', { ...page, networks: [changed] })).failed).toEqual([])
    await client.call('network/create', { network: changed })
    expect(await failureOf(client.call('network/create', { network }))).toMatchObject({ kind: 'conflict' })
  })

  it('forgets what it does not name: another instance may have ended it', async () => {
    await using sample = await served()
    const endpoint = sampleEndpoint()
    await sample.client.call('endpoint/create', endpoint)
    await sample.client.call('driver/sync', { ...page, networks: [endpoint.network] })
    await sample.client.call('network/delete', { networkId: endpoint.network.id })
  })

  it('takes an endpoint out of a sandbox that it should not be in, and says so', async () => {
    const { seen, driver } = counting()
    await using sample = await served(driver)
    const endpoint = sampleEndpoint()
    const networks = [endpoint.network]
    await sample.client.call('endpoint/plug', { ...endpoint, sandbox: sampleSandbox })
    seen.length = 0
    const first = await sample.client.call('driver/sync', { ...page, networks, endpoints: [endpoint] })
    expect(seen).toEqual(['network', 'create', 'unplug'])
    expect(first.repaired).toEqual([expect.stringContaining(sampleSandbox.path)])
    const second = await sample.client.call('driver/sync', { ...page, networks, endpoints: [endpoint] })
    expect(second).toMatchObject({ repaired: [], failed: [], plugged: [] })
  })

  it('moves an endpoint that the author finds in another sandbox', async () => {
    let isElsewhere = true
    const { driver } = counting({
      async plug() {
        if (isElsewhere) throw new ConetError('inUse', 'plugged into another sandbox')
        return { interfaces: [] }
      },
      async unplug() {
        isElsewhere = false
      },
    })
    await using sample = await served(driver)
    const endpoint = { ...sampleEndpoint(), sandbox: elsewhere }
    const result = await sample.client.call('driver/sync', {
      ...page,
      networks: [endpoint.network],
      endpoints: [endpoint],
    })
    expect(result.failed).toEqual([])
    expect(result.repaired).toHaveLength(1)
    expect(result.plugged).toHaveLength(1)
  })
})
