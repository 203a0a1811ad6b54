// Leaves word for conetd that a container is to be taken down, where a crash of anybody does not lose it.
import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { spoolDirectoryOf } from './spool-path.ts'

/** On the disk when this returns. May be repeated. Throws the system's error. */
export function queueDown(runtimeSocket: string, handle: string): void {
  const directory = spoolDirectoryOf(runtimeSocket)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, `${createHash('sha256').update(handle).digest('hex').slice(0, 32)}.down`)
  const half = `${path}.${process.pid}`
  writeDurably(half, JSON.stringify({ handle, at: new Date().toISOString() }))
  renameSync(half, path)
  syncDirectory(dirname(path))
}

function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'w', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
