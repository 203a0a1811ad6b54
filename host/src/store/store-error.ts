// Turns what lmdb throws into the errors of the catalogue. lmdb carries the errno in `code`, positive as in C.
import { statfsSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname } from 'node:path'
import { ConetError } from '@conet/sdk'

const { EIO, ENOSPC, EDQUOT } = constants.errno

function errnoOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined
}

export function storeFull(path: string, why: string, cause?: unknown): ConetError {
  return new ConetError('storageFull', `write to store ${path}: ${why}`, {
    cause,
    details: { path },
    help: `free space where ${path} lies, then try again`,
  })
}

/** The error of a write that lmdb refused; errors that are not lmdb's come back as they are. */
export function writeError(path: string, error: unknown): unknown {
  const errno = errnoOf(error)
  if (errno === undefined) return error
  if (errno === ENOSPC || errno === EDQUOT || (errno === EIO && isFull(dirname(path)))) {
    return storeFull(path, 'no space left on the device', error)
  }
  return new ConetError('internal', `write to store ${path}: error ${errno}`, {
    cause: error,
    operationState: 'not-started',
    details: { path, errno },
  })
}

/** MDB_BAD_TXN: lmdb has given the transaction up, nothing of it was done. Seen once, in a burst that made the file grow. */
const badTransaction = -30_782

/** Whether the same transaction may be tried again at once. */
export function isGivenUp(error: unknown): boolean {
  return ConetError.is(error, 'internal') && error.details?.errno === badTransaction
}

/** A write that fits only in part is EIO to lmdb, and so is a broken disk. */
export function isFull(directory: string): boolean {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize < 64 * 1024
}
