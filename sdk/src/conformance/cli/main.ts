// `conet-conformance` as a process: the only file of the kit that touches one.
import { endWithReader } from '../../closed-output.ts'
import { exitCodes } from '../report/exit-codes.ts'
import { exitCodeOfFailure } from './failure.ts'
import { buildProgram } from './program.ts'
import { Interruption, type Terminal } from './terminal.ts'

endWithReader()
const stop = new AbortController()
process.on('SIGINT', (signal) => interrupt(signal, exitCodes.interrupted))
process.on('SIGTERM', (signal) => interrupt(signal, exitCodes.terminated))

/** What comes so soon after the first is the same. */
const echoMs = 500
let interruptedAtMs = 0

const terminal: Terminal = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  signal: stop.signal,
}

// Not process.exit(): what is written to a pipe may still be on its way.
try {
  const program = buildProgram(terminal, (code) => {
    process.exitCode = code
  })
  await program.parseAsync(process.argv.slice(2), { from: 'user' })
} catch (error) {
  process.exitCode = exitCodeOfFailure(error, terminal)
}

/** The first one ends the run in order, a later one at once. A terminal, and the kit's own parent, may tell it twice. */
function interrupt(signal: NodeJS.Signals, exitCode: number): void {
  if (!stop.signal.aborted) {
    interruptedAtMs = performance.now()
    stop.abort(new Interruption(signal, exitCode))
  } else if (performance.now() - interruptedAtMs > echoMs) process.exit(exitCode)
}
