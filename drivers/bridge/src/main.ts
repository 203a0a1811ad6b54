// The program of the bridge driver.
import { runDriver } from '@conet/sdk'
import { bridgeDriver } from './driver.ts'
import { holdNamespace } from './only-one.ts'

const driver = bridgeDriver()
let isHeld = false

await runDriver({
  ...driver,
  async start(host) {
    if (!isHeld) await holdNamespace()
    isHeld = true
    await driver.start(host)
  },
})
