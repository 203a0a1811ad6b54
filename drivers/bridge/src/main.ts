// The program of the bridge driver.
import { runDriver } from '@conet/sdk'
import { guardNamespace } from '@conet/sdk/bridge-network'
import { bridgeDriver } from './driver.ts'

void runDriver(guardNamespace(bridgeDriver()))
