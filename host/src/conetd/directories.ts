// The directories of conetd, with the modes that keep others out of what is not for them.
import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { ConetError } from '@conet/sdk'
import type { Settings } from './settings.ts'

/**
 * Makes what is missing. The run directory may be crossed by everyone, since the clients' socket in it has a group of
 * its own; an existing directory keeps its mode.
 */
export function makeDirectories({ stateDir, runDir, driverDir }: Settings): void {
  makeDirectory(stateDir, 0o700)
  makeDirectory(runDir, 0o755)
  makeDirectory(driverDir, 0o750)
}

function makeDirectory(path: string, mode: number): void {
  try {
    // The umask of conetd takes more away than `mode` means to.
    if (mkdirSync(path, { recursive: true, mode }) !== undefined) chmodSync(path, mode)
    if (statSync(path).isDirectory()) return
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ConetError('failedPrecondition', `make directory ${path}: ${why}`, { cause })
  }
}
