// Another conetd on this machine, whose directories must not lie in ours, nor ours in its. They are known by their locks.
import {
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  type StatSyncOptions,
  statSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { ConetError, isErrno } from '@conet/sdk'
import { type HeldLock, heldLocks } from '@conet/sdk/linux'

/** A directory of ours, or a socket. */
export type OwnPlace = {
  readonly path: string
  /** For messages: `state directory`. */
  readonly what: string
  /** By which another one is chosen. */
  readonly flag: string
}

export type Own = {
  readonly directories: readonly OwnPlace[]
  readonly sockets: readonly OwnPlace[]
  readonly pid: number
}

/** The title of the process, which main.ts sets. Programs of others lock directories too, for other reasons. */
const title = 'conetd'

/**
 * To be called with the own ones locked: of two that begin at once one sees the other at least. Throws
 * `failedPrecondition` that names both places and the process. Of one in another pid namespace the kernel tells nothing.
 */
export function assertApart({ directories, sockets, pid: ownPid }: Own): void {
  const theirs = heldLocks().filter(({ pid }) => pid !== ownPid && titleOf(pid) === title)
  const held = new Map(theirs.map((lock) => [keyOf(lock), lock]))
  for (const place of [...directories, ...sockets]) {
    for (const [key, path] of parentsOf(place.path)) {
      const lock = held.get(key)
      if (lock !== undefined) throw refusal(place, `it lies in ${path}`, lock.pid)
    }
  }
  const ours = new Map(directories.map((directory) => [idOf(directory.path), directory] as const))
  for (const lock of theirs) {
    const path = pathOf(lock)
    for (const [key] of path === undefined ? [] : parentsOf(path)) {
      const directory = ours.get(key)
      if (directory !== undefined) throw refusal(directory, `in it lies ${path}`, lock.pid)
    }
  }
}

function refusal({ path, what, flag }: OwnPlace, how: string, pid: number): ConetError {
  const message = `use ${what} ${path}: ${how}, which the conetd with pid ${pid} uses`
  return new ConetError('failedPrecondition', message, {
    details: { path, pid },
    help: `choose another place with ${flag}`,
  })
}

/** All directories above one, by their identities: a link or a bind mount hides none. */
function* parentsOf(path: string): Generator<[key: string, path: string]> {
  for (let at = parentOf(path); at !== undefined; at = dirname(at)) {
    const key = idOf(at)
    if (key !== undefined) yield [key, at]
    if (at === dirname(at)) return
  }
}

/** A socket is yet to be made. Undefined where it cannot be; whoever makes it says so. */
function parentOf(path: string): string | undefined {
  return unlessGone(() => dirname(realpathSync(path))) ?? unlessGone(() => realpathSync(dirname(path)))
}

/** Where its holder has opened it, if that is a place here. */
function pathOf(lock: HeldLock): string | undefined {
  const files = `/proc/${lock.pid}/fd`
  return unlessGone(() => {
    for (const fd of readdirSync(files)) {
      if (idOf(join(files, fd)) !== keyOf(lock)) continue
      const path = readlinkSync(join(files, fd))
      if (idOf(path) === keyOf(lock)) return path
    }
    return undefined
  })
}

function titleOf(pid: number): string | undefined {
  return unlessGone(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd())
}

const asBigint = { bigint: true, throwIfNoEntry: false } satisfies StatSyncOptions

function idOf(path: string): string | undefined {
  return unlessGone(() => {
    const found = statSync(path, asBigint)
    return found && keyOf(found)
  })
}

function keyOf({ dev, ino }: Pick<HeldLock, 'dev' | 'ino'>): string {
  return `${dev}:${ino}`
}

/** A process, or a file of it, that has ended meanwhile; or one that is not for us to see. */
function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'ENOTDIR')) return undefined
    throw error
  }
}
