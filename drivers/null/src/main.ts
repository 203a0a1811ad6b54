// The program of the null driver.
import { runDriver } from '@conet/sdk'
import { nullDriver } from './driver.ts'

void runDriver(nullDriver())
