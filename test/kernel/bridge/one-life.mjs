// A life of the driver, from start to deletion, in a process that a failpoint may end: `node one-life.mjs PARAMS`.
import { bridgeDriver } from '@conet/driver-bridge'

const params = JSON.parse(process.argv[2] ?? '')
const { sandbox: _, ...endpoint } = params
const call = {
  operationId: 'op',
  attempt: 1,
  signal: new AbortController().signal,
  repaired: () => undefined,
  log: () => undefined,
}
const driver = bridgeDriver()
await driver.start({ event: () => undefined, log: () => undefined, readiness: () => undefined })
await driver.activate()
await driver.createNetwork(params.network, call)
await driver.createEndpoint(endpoint, call)
await driver.plug(params, call)
await driver.deleteNetwork(params.network.id, call)
await driver.stop()
