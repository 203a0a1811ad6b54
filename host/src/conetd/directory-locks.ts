// One conetd for each of its directories. A second one with the sockets of the first one's drivers would tell them that nobody
// wants what they have, and they would delete it.
import { statSync } from 'node:fs'
import { ConetError, type Rollback } from '@conet/sdk'
import { DirectoryLock, KernelError } from '@conet/sdk/linux'
import type { OwnPlace } from './neighbours.ts'

/** Throws `failedPrecondition` that names the directory and the process which has it. Changes nothing. */
export function lockDirectories(directories: readonly OwnPlace[], parts: Rollback): void {
  const locked = new Set<string>()
  for (const directory of directories) {
    // Two of them may be one.
    const { dev, ino } = statSync(directory.path, { bigint: true })
    if (locked.has(`${dev}:${ino}`)) continue
    const lock = lockDirectory(directory)
    parts.defer(`release the ${directory.what}`, () => lock.release())
    locked.add(`${dev}:${ino}`)
  }
}

function lockDirectory({ path, what, flag }: OwnPlace): DirectoryLock {
  const result = acquire(path, what)
  if (result.ok) return result.lock
  const { holderPid: pid } = result
  const holder = pid === undefined ? 'another conetd' : `the conetd with pid ${pid}`
  throw new ConetError('failedPrecondition', `use ${what} ${path}: ${holder} does already`, {
    details: { path, ...(pid === undefined ? {} : { pid }) },
    help: `stop that one first, or choose another directory with ${flag}`,
  })
}

function acquire(path: string, what: string): ReturnType<typeof DirectoryLock.acquire> {
  try {
    return DirectoryLock.acquire(path)
  } catch (cause) {
    if (!KernelError.is(cause)) throw cause
    throw new ConetError('failedPrecondition', `use ${what} ${path}: ${cause.message}`, { cause })
  }
}
