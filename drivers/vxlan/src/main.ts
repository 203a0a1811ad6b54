// The program of the vxlan driver.
import { runDriver } from '@conet/sdk'
import { guardNamespace } from '@conet/sdk/bridge-network'
import { vxlanDriver } from './driver.ts'

void runDriver(guardNamespace(vxlanDriver()))
