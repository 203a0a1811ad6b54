// The program of the bridge driver.
import { type HostHandle, runDriver } from '@conet/sdk'
import { bridgeDriver } from './driver.ts'
import { NamespaceGuard } from './only-one.ts'

const driver = bridgeDriver()
const guard = new NamespaceGuard()
let host: HostHandle | undefined

await runDriver({
  ...driver,
  async start(handle) {
    host = handle
    await driver.start(handle)
  },
  async activate() {
    if (host !== undefined) guard.hold(host)
    await driver.activate()
  },
})
