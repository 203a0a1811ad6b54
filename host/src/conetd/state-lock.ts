// One conetd per state directory.
import { join } from 'node:path'
import { ConetError } from '@conet/sdk'
import { FileLock, KernelError } from '@conet/sdk/linux'

/** Throws `failedPrecondition` that names the process which has the directory. */
export function lockStateDirectory(stateDir: string): FileLock {
  const result = acquire(stateDir)
  if (result.ok) return result.lock
  const holder = result.holderPid === undefined ? 'another conetd' : `the conetd with pid ${result.holderPid}`
  throw new ConetError('failedPrecondition', `use state directory ${stateDir}: ${holder} does already`, {
    details: { stateDir, ...(result.holderPid === undefined ? {} : { pid: result.holderPid }) },
    help: 'stop that one first, or choose another directory with --state-dir',
  })
}

function acquire(stateDir: string): ReturnType<typeof FileLock.acquire> {
  try {
    return FileLock.acquire(join(stateDir, 'conetd.lock'))
  } catch (cause) {
    if (!KernelError.is(cause)) throw cause
    throw new ConetError('failedPrecondition', `use state directory ${stateDir}: ${cause.message}`, { cause })
  }
}
