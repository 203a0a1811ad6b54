// The results cannot be written: a full disk, a terminal that is gone.
import { exitCodes } from './exit-code.ts'

/** A line for a person and the exit code. Not for EPIPE: there the reader has what it wants. */
export function outputFailure({ code, message }: NodeJS.ErrnoException): { text: string; exitCode: number } {
  const isFull = code === 'ENOSPC' || code === 'EDQUOT'
  return {
    text: `conet: write the results: ${message}\n`,
    exitCode: isFull ? exitCodes.exhausted : exitCodes.failed,
  }
}
