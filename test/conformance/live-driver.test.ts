// A driver that others use, too: the kit is one more host, and leaves alone what it did not make.
import { join } from 'node:path'
import { serveDriver } from '@conet/sdk'
import { runConformance } from '@conet/sdk/conformance'
import { expect, it } from 'vitest'
import { nullDriver } from '../../drivers/null/dist/driver.js'
import { DriverClient, sampleEndpoint, sampleNetwork } from '../support/driver-client.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** They wait for times that the protocol fixes, or make many calls. */
const slow = ['framing.slow-header', 'handshake.silence', 'model']

it('[K7] checks a live driver at every level, and leaves it as it was to its other hosts', async () => {
  await using directory = await temporaryDirectory()
  const socketPath = join(directory.path, 'null.sock')
  await using _driver = await serveDriver(nullDriver(), { socketPath, writeLog: () => undefined })
  await using owner = await DriverClient.initialized(socketPath)
  const own = sampleNetwork()
  const endpoint = sampleEndpoint(own)
  await owner.call('network/create', { network: own })
  await owner.call('endpoint/create', endpoint)

  const { counts } = await runConformance({ socketPath, level: 'upgradable', skip: slow, seed: 1 })
  expect(counts).toMatchObject({ fail: 0, warn: 0, error: 0 })

  expect(await owner.call('network/list', {})).toEqual({ networkIds: [own.id] })
  expect(await owner.call('endpoint/list', {})).toEqual({
    endpoints: [{ networkId: own.id, endpointId: endpoint.endpointId }],
  })
  // It is not left draining.
  await owner.call('network/create', { network: sampleNetwork() })
})
