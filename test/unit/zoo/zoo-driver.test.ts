// The good driver of the zoo, which every broken one is measured by.
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { DriverClient, sampleEndpoint, sampleNetwork, sampleSandbox } from '../../support/driver-client.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory.ts'
import { ZooDriver } from '../../zoo/zoo-driver.ts'

let directory: TemporaryDirectory
let driver: ZooDriver
let client: DriverClient

beforeEach(async () => {
  directory = await temporaryDirectory()
  driver = await ZooDriver.listen({ path: join(directory.path, 'zoo.sock') })
  client = await DriverClient.initialized(driver.path)
})

afterEach(async () => {
  await client[Symbol.asyncDispose]()
  await driver.close()
  await directory[Symbol.asyncDispose]()
})

it('takes a network and an endpoint through their lives', async () => {
  const network = sampleNetwork()
  const endpoint = sampleEndpoint(network)
  const ids = { networkId: network.id, endpointId: endpoint.endpointId }
  await client.call('network/create', { network })
  await client.call('endpoint/create', endpoint)
  expect(await client.call('endpoint/plug', { ...endpoint, sandbox: sampleSandbox })).toEqual({
    interfaces: [],
  })
  expect(await client.call('endpoint/list', {})).toEqual({ endpoints: [ids] })
  await expect(client.call('network/delete', ids)).rejects.toMatchObject({ kind: 'inUse' })
  await client.call('endpoint/unplug', ids)
  await client.call('endpoint/delete', ids)
  await client.call('network/delete', ids)
  expect(await client.call('network/list', {})).toEqual({ networkIds: [] })
})

it('makes what a sync says so, once', async () => {
  const network = sampleNetwork()
  const endpoint = { ...sampleEndpoint(network), sandbox: sampleSandbox }
  const page = (syncId: string) => ({ syncId, more: false, networks: [network], endpoints: [endpoint] })
  const first = await client.call('driver/sync', page('1'))
  expect(first.repaired).toHaveLength(2)
  expect(first.plugged).toHaveLength(1)
  const second = await client.call('driver/sync', page('2'))
  expect(second).toMatchObject({ repaired: [], failed: [], unknown: { networkIds: [], endpoints: [] } })
})

it('answers a cancelled call with 1202, and has done nothing', async () => {
  const giveUp = new AbortController()
  const created = client.raw('network/create', { network: sampleNetwork() }, { signal: giveUp.signal })
  giveUp.abort()
  await expect(created).rejects.toMatchObject({ kind: 'cancelled' })
  expect(await client.call('network/list', {})).toEqual({ networkIds: [] })
})
