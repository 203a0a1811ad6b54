// `conet` as a process: the only file of the command line that touches one.
import { outputFailure } from './output-failure.ts'
import { run } from './run.ts'
import { Interruption, type Terminal } from './terminal.ts'

const stop = new AbortController()
process.once('SIGINT', () => stop.abort(new Interruption(130)))
process.once('SIGTERM', () => stop.abort(new Interruption(143)))

let isOutputClosed = false
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (isOutputClosed) return
  isOutputClosed = true
  // `conet net list | head -1`: the reader has what it wants.
  if (error.code === 'EPIPE') return stop.abort(new Interruption(0))
  const { text, exitCode } = outputFailure(error)
  process.stderr.write(text)
  // The command may have ended already.
  process.exitCode = exitCode
  stop.abort(new Interruption(exitCode))
})
process.stderr.on('error', () => {
  // Nobody reads the errors; the exit code says it.
})

const terminal: Terminal = {
  out: (text) => {
    if (!isOutputClosed) process.stdout.write(text)
  },
  err: (text) => {
    if (!isOutputClosed) process.stderr.write(text)
  },
  env: process.env,
  columns: process.stdout.columns,
  signal: stop.signal,
}

// Not process.exit(): what is written to a pipe may still be on its way.
void run(process.argv.slice(2), terminal).then((code) => {
  // Unless its output failed in the meantime.
  process.exitCode ??= code
})
