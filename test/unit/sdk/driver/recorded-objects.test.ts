import type { Driver, UnplugParams } from '@conet/sdk'
import { defineDriver, serveDriver } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { DriverClient, sampleEndpoint, sampleNetwork, sampleSandbox } from '../../../support/driver-client.ts'
import { temporaryDirectory } from '../../../support/temporary-directory.ts'

const empty = { networks: [], endpoints: [] }

/** Serves a driver that leaves to the SDK what may be left to it. */
async function servedAlone(parts: Partial<Driver> = {}) {
  const unplugs: UnplugParams[] = []
  const driver = defineDriver({
    name: 'short',
    version: '1.0.0',
    plug: async () => ({ interfaces: [] }),
    unplug: async (params) => void unplugs.push(params),
    ...parts,
  })
  const directory = await temporaryDirectory()
  const server = await serveDriver(driver, {
    socketPath: `${directory.path}/s.sock`,
    writeLog: () => undefined,
  })
  const client = await DriverClient.initialized(server.socketPath)
  return {
    client,
    unplugs,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await server.close()
      await directory[Symbol.asyncDispose]()
    },
  }
}

describe('a driver that has plug and unplug alone', () => {
  it('has an endpoint that a sync names while it is being deleted', async () => {
    let finish: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      finish = resolve
    })
    await using served = await servedAlone({ unplug: () => held })
    const { client } = served
    const endpoint = sampleEndpoint()
    const ref = { networkId: endpoint.network.id, endpointId: endpoint.endpointId }
    await client.call('endpoint/create', endpoint)
    const gone = client.call('endpoint/delete', ref)
    const page = { syncId: 's', more: false, networks: [], endpoints: [endpoint] }
    const synced = client.call('driver/sync', page)
    finish()
    await gone
    expect((await synced).unknown.endpoints).toEqual([])
    expect((await client.call('endpoint/list', {})).endpoints).toEqual([ref])
  })

  it('offers all that a host needs, and names what it was told of', async () => {
    await using served = await servedAlone()
    const { client } = served
    const network = sampleNetwork()
    const endpoint = sampleEndpoint(network)
    const ids = { networkId: network.id, endpointId: endpoint.endpointId }
    await client.call('network/create', { network })
    await client.call('endpoint/create', endpoint)
    expect(await client.call('network/list', {})).toEqual({ networkIds: [network.id] })
    expect(await client.call('endpoint/list', {})).toEqual({ endpoints: [ids] })
    await client.call('endpoint/delete', ids)
    await client.call('network/delete', { networkId: network.id })
    expect(await client.call('network/list', {})).toEqual({ networkIds: [] })
    expect(await client.call('endpoint/list', {})).toEqual({ endpoints: [] })
  })

  it('is told by a sync, and says what the host does not know', async () => {
    await using served = await servedAlone()
    const { client } = served
    const [known, unknown] = [sampleNetwork(), sampleNetwork()]
    for (const network of [known, unknown]) await client.call('network/create', { network })
    const page = { ...empty, syncId: 's', more: false, networks: [known] }
    const result = await client.call('driver/sync', page)
    expect(result.unknown).toEqual({ networkIds: [unknown.id], endpoints: [] })
    // The SDK deletes nothing either: the host does.
    expect((await client.call('network/list', {})).networkIds).toContain(unknown.id)
  })

  it('is asked to unplug what is deleted, from the sandbox that nobody named', async () => {
    await using served = await servedAlone()
    const { client, unplugs } = served
    const network = sampleNetwork()
    const endpoint = sampleEndpoint(network)
    const ids = { networkId: network.id, endpointId: endpoint.endpointId }
    const sandbox = sampleSandbox
    await client.call('endpoint/plug', { ...endpoint, sandbox })
    await client.call('endpoint/unplug', ids)
    await client.call('endpoint/plug', { ...endpoint, sandbox })
    await client.call('endpoint/delete', ids)
    await client.call('endpoint/delete', ids)
    expect(unplugs).toEqual([{ ...ids, sandbox }, { ...ids, sandbox }, ids])
  })

  it('adds what it finds to what it was told of', async () => {
    const left = { networkId: sampleNetwork().id, endpointId: sampleNetwork().id }
    await using served = await servedAlone({
      listNetworks: async () => [left.networkId],
      listEndpoints: async () => [left],
    })
    const { client } = served
    const network = sampleNetwork()
    const endpoint = sampleEndpoint(network)
    await client.call('network/create', { network })
    await client.call('endpoint/create', endpoint)
    const ids = { networkId: network.id, endpointId: endpoint.endpointId }
    expect(await client.call('network/list', {})).toEqual({ networkIds: [left.networkId, network.id] })
    expect(await client.call('endpoint/list', {})).toEqual({ endpoints: [left, ids] })
  })
})

describe('a driver that makes something', () => {
  it('has the word on what there is of it', async () => {
    await using served = await servedAlone({
      createNetwork: async () => undefined,
      deleteNetwork: async () => undefined,
      listNetworks: async () => [],
      createEndpoint: async () => undefined,
      deleteEndpoint: async () => undefined,
      listEndpoints: async () => [],
    })
    const { client } = served
    const network = sampleNetwork()
    await client.call('network/create', { network })
    await client.call('endpoint/create', sampleEndpoint(network))
    expect(await client.call('network/list', {})).toEqual({ networkIds: [] })
    expect(await client.call('endpoint/list', {})).toEqual({ endpoints: [] })
  })
})
