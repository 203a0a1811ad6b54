// A command that did not come to its end: what is said of it, and its exit code.
import { CommanderError } from 'commander'
import { exitCodes } from '../report/exit-codes.ts'
import { UsageError } from '../runner/usage-error.ts'
import { Interruption, type Terminal } from './terminal.ts'

export function exitCodeOfFailure(error: unknown, terminal: Terminal): number {
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
