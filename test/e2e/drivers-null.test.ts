import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { Supervisor } from '@conet/host/drivers/index'
import { type CreateEndpointParams, type Network, Rollback } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { startDriverHost } from '../support/driver-host.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const id = () => randomBytes(32).toString('hex')

describe('the null driver under the host', () => {
  it('[K1] [K2] [K3] [D16] is found, introduces itself, and takes a network and an endpoint through their lives', async () => {
    await using run = await temporaryDirectory()
    await using host = await startDriverHost({
      sync: async (driver) => {
        const page = { syncId: 's', more: false, networks: [], endpoints: [] }
        await driver.call('driver/sync', page, { operationId: 'sync' })
      },
    })
    const supervisor = new Supervisor({
      runDirectory: run.path,
      driverDirectory: host.driverDirectory,
      places: {
        directories: [],
        packageDirectory: fileURLToPath(new URL('../../host', import.meta.url)),
        path: '',
      },
      environment: process.env,
    })
    await using undo = new Rollback()
    undo.defer('stop the driver', () => supervisor.stopAll())
    await supervisor.start('null')
    const { protocolVersion, capabilities } = await host.until('null', 'ready')
    expect({ protocolVersion, scope: capabilities?.scope }).toEqual({
      protocolVersion: '1.0',
      scope: 'local',
    })
    const session = await host.registry.require('null')
    const network: Network = { id: id(), name: 'n', labels: {}, internal: false, subnets: [], config: {} }
    const endpoint: CreateEndpointParams = {
      network,
      endpointId: id(),
      container: { handle: 'c', labels: {} },
      interface: {
        name: 'eth0',
        macAddress: '02:42:0a:00:00:02',
        addresses: [],
        defaultRoute: false,
        routes: [],
      },
      options: {},
    }
    const ref = { networkId: network.id, endpointId: endpoint.endpointId }
    // Without waiting between them: the session sends, and the driver serves, in this order.
    const [, , plugged, endpoints] = await Promise.all([
      session.call('network/create', { network }, { operationId: '1' }),
      session.call('endpoint/create', endpoint, { operationId: '2' }),
      session.call(
        'endpoint/plug',
        { ...endpoint, sandbox: { id: 's', path: '/run/s' } },
        { operationId: '3' },
      ),
      session.call('endpoint/list', {}, { operationId: '4' }),
      session.call('endpoint/unplug', ref, { operationId: '5' }),
      session.call('endpoint/delete', ref, { operationId: '6' }),
      session.call('network/delete', { networkId: network.id }, { operationId: '7' }),
    ])
    expect(plugged.interfaces).toEqual([])
    expect(endpoints.endpoints.every(({ networkId }) => networkId === network.id)).toBe(true)
    expect(await session.call('network/list', {}, { operationId: '8' })).toEqual({ networkIds: [] })
    expect(host.changes.map(({ state }) => state)).toEqual(['initializing', 'syncing', 'ready'])
    expect(host.bugs).toEqual([])
  })
})
