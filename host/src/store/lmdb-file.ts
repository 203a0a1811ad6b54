// What must hold of a file before lmdb may map it: lmdb does not check, and a file of another kind ends the process.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { ConetError, isErrno } from '@conet/sdk'

// Each of the two meta pages begins with a page header of 24 bytes, then the magic number and the format version.
const magicOffset = 24
const magic = 0xbeefc0de
const formatVersion = 2
const smallestFile = 2 * 4096

/** Throws `failedPrecondition` unless the file is absent, empty, or begins as an lmdb file does. */
export function checkLmdbFile(path: string): void {
  const found = readStart(path)
  if (found === undefined || found.size === 0) return
  const { size, start } = found
  const isLmdb = start.readUInt32LE(magicOffset) === magic
  if (size >= smallestFile && isLmdb && start.readUInt32LE(magicOffset + 4) === formatVersion) return
  throw new ConetError('failedPrecondition', `open store ${path}: the file is damaged or not a store`, {
    details: { path, size },
    help: `move ${path} away, or put a backup in its place`,
  })
}

function readStart(path: string): { size: number; start: Buffer } | undefined {
  const file = openIfPresent(path)
  if (file === undefined) return undefined
  try {
    const start = Buffer.alloc(magicOffset + 8)
    if (fstatSync(file).isFile()) readSync(file, start, 0, start.length, 0)
    return { size: fstatSync(file).size, start }
  } finally {
    closeSync(file)
  }
}

function openIfPresent(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw new ConetError('internal', `open store ${path}`, { cause: error, details: { path } })
  }
}
