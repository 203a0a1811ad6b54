// `conet-conformance` as a process: the only file of the kit that touches one.
import { CommanderError } from 'commander'
import { exitCodes } from '../report/exit-codes.ts'
import { UsageError } from '../runner/usage-error.ts'
import { buildProgram } from './program.ts'
import { Interruption, type Terminal } from './terminal.ts'

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
  process.exitCode = exitCodeOfFailure(error)
}

/** The first one ends the run in order, a later one at once. A terminal, and the kit's own parent, may tell it twice. */
function interrupt(signal: NodeJS.Signals, exitCode: number): void {
  if (!stop.signal.aborted) {
    interruptedAtMs = performance.now()
    stop.abort(new Interruption(signal, exitCode))
  } else if (performance.now() - interruptedAtMs > echoMs) process.exit(exitCode)
}

function exitCodeOfFailure(error: unknown): number {
  // Commander has said itself what is wrong.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  if (error instanceof Interruption) return error.exitCode
  if (error instanceof UsageError) {
    terminal.err(`conet-conformance: ${error.message}\n`)
    return exitCodes.usage
  }
  terminal.err(`${error instanceof Error ? error.stack : String(error)}\n`)
  return exitCodes.engine
}
