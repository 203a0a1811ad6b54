// The directories of conetd, with the modes that keep others out of what is not for them.
import { accessSync, chmodSync, constants, mkdirSync, rmdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { ConetError, isErrno, type Rollback } from '@conet/sdk'
import type { Settings } from './settings.ts'

/**
 * Makes what is missing. The run directory may be crossed by everyone, since the clients' socket in it has a group of
 * its own; an existing directory keeps its mode. `undo` takes away those that are new and still empty.
 */
export function makeDirectories({ stateDir, runDir, driverDir }: Settings, undo: Rollback): void {
  makeDirectory(stateDir, 0o700, undo)
  makeDirectory(runDir, 0o755, undo)
  makeDirectory(driverDir, 0o750, undo)
}

function makeDirectory(path: string, mode: number, undo: Rollback): void {
  try {
    // The umask of conetd takes more away than `mode` means to.
    if (makeWithParents(path, mode, undo)) chmodSync(path, mode)
    if (!statSync(path).isDirectory()) throw new Error('there is something else than a directory')
    // To root too a read-only file system says so.
    accessSync(path, constants.W_OK)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    const isReadOnly = isErrno(cause, 'EROFS')
    const isFull = isErrno(cause, 'ENOSPC', 'EDQUOT')
    throw new ConetError(
      isFull ? 'storageFull' : 'failedPrecondition',
      `${isReadOnly ? 'write to' : 'make'} directory ${path}: ${why}`,
      {
        cause,
        details: { path },
        ...(isReadOnly && { help: `choose a directory on a file system that can be written to` }),
        ...(isFull && { help: `free space, or inodes, where ${path} is to be, then try again` }),
      },
    )
  }
}

/** False when something is there. Not by `recursive`, with which Node never returns where nobody can make one (/proc). */
function makeWithParents(path: string, mode: number, undo: Rollback): boolean {
  const first = tryToMake(path, mode, undo)
  if (first !== 'no parent' || dirname(path) === path) return first === 'made'
  makeWithParents(dirname(path), 0o755, undo)
  make(path, mode, undo)
  return true
}

function tryToMake(path: string, mode: number, undo: Rollback): 'made' | 'exists' | 'no parent' {
  try {
    make(path, mode, undo)
    return 'made'
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return 'exists'
    if (isErrno(error, 'ENOENT')) return 'no parent'
    throw error
  }
}

function make(path: string, mode: number, undo: Rollback): void {
  mkdirSync(path, { mode })
  undo.defer(`remove directory ${path}`, () => removeEmpty(path))
}

function removeEmpty(path: string): void {
  try {
    rmdirSync(path)
  } catch (error) {
    if (!isErrno(error, 'ENOTEMPTY', 'ENOENT', 'EBUSY')) throw error
  }
}
