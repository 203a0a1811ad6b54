// The program of the bridge driver.
import { runDriver } from '@conet/sdk'
import { bridgeDriver } from './driver.ts'

await runDriver(bridgeDriver())
