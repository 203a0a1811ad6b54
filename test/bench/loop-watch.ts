// Loaded into conetd with `--import`: on SIGUSR2 it writes how long the event loop has stood still at most since the last
// time, in milliseconds, into the file that BENCH_LOOP_FILE names.
import { renameSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

const resolutionMs = 1
const file = process.env.BENCH_LOOP_FILE
if (file !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  process.on('SIGUSR2', () => {
    // What it keeps is the time between two ticks of its clock.
    const stoodMs = Math.max(0, delay.max / 1e6 - resolutionMs)
    delay.reset()
    writeFileSync(`${file}.new`, String(stoodMs))
    renameSync(`${file}.new`, file)
  })
}
