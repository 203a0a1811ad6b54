// The directories of conetd, with the modes that keep others out of what is not for them.
import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
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
    if (makeWithParents(path, mode)) chmodSync(path, mode)
    if (!statSync(path).isDirectory()) throw new Error('there is something else than a directory')
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ConetError('failedPrecondition', `make directory ${path}: ${why}`, { cause })
  }
}

/** False when something is there. Not by `recursive`, with which Node never returns where nobody can make one (/proc). */
function makeWithParents(path: string, mode: number): boolean {
  const first = tryToMake(path, mode)
  if (first !== 'no parent' || dirname(path) === path) return first === 'made'
  makeWithParents(dirname(path), 0o755)
  mkdirSync(path, { mode })
  return true
}

function tryToMake(path: string, mode: number): 'made' | 'exists' | 'no parent' {
  try {
    mkdirSync(path, { mode })
    return 'made'
  } catch (error) {
    if (isCode(error, 'EEXIST')) return 'exists'
    if (isCode(error, 'ENOENT')) return 'no parent'
    throw error
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
