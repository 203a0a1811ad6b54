#!/usr/bin/env node
// The program: serves the driver on its socket until it is told to stop.
import { runDriver } from '@conet/sdk'
import { myDriver } from './driver.js'

await runDriver(myDriver())
