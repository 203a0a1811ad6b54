// One holder of a path at a time, among all processes of the machine. The kernel lets go when the holder dies.
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { tryFlock } from './flock.ts'
import { checkedCall } from './system-error.ts'

type Holder = {
  readonly holderPid: number | undefined
  /** What the holder gave as its note, if it did. */
  readonly holderNote?: string
}

/** The lock, or the process that has it (undefined in the instant before the holder has written its number). */
export type LockResult = { ok: true; lock: FileLock } | ({ ok: false } & Holder)

/** A lock held through an open file (flock(2)). Programs that this process starts do not inherit it. */
export class FileLock implements Disposable {
  readonly #path: string
  #fd: number | undefined

  private constructor(path: string, fd: number) {
    this.#path = path
    this.#fd = fd
  }

  /**
   * Tries once, without waiting; makes the file (0600) and writes the process id into it, and on a line of its own
   * the `note`, for others to read. The file stays after `release`, and goes with `remove`. Throws a KernelError when the
   * file cannot be made or opened; ELOOP when it is a symbolic link.
   */
  static acquire(path: string, note = ''): LockResult {
    for (;;) {
      const fd = openLockFile(path)
      if (!lockFile(fd, path)) return { ok: false, ...readHolder(fd) }
      if (isStillAt(path, fd)) {
        writeHolder(fd, note)
        return { ok: true, lock: new FileLock(path, fd) }
      }
      // Somebody removed or replaced the file between our open and our lock: what we hold protects nothing.
      closeSync(fd)
    }
  }

  /** Takes the file away, and lets go. Who has opened it meanwhile finds out, and makes another one. May be repeated. */
  remove(): void {
    if (this.#fd !== undefined && isStillAt(this.#path, this.#fd)) rmSync(this.#path, { force: true })
    this.release()
  }

  /** May be repeated. */
  release(): void {
    if (this.#fd === undefined) return
    ftruncateSync(this.#fd)
    closeSync(this.#fd)
    this.#fd = undefined
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

/** Node adds O_CLOEXEC to every open. */
function openLockFile(path: string): number {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK
  return checkedCall(`open lock file ${path}`, () => openSync(path, flags, 0o600))
}

/** False, and the descriptor is still open, when another process has the lock. */
function lockFile(fd: number, path: string): boolean {
  try {
    return tryFlock(fd, path)
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function isStillAt(path: string, fd: number): boolean {
  const held = fstatSync(fd)
  const named = statSync(path, { throwIfNoEntry: false })
  return named !== undefined && named.ino === held.ino && named.dev === held.dev
}

function writeHolder(fd: number, note: string): void {
  ftruncateSync(fd)
  writeSync(fd, note === '' ? `${process.pid}\n` : `${process.pid}\n${note}\n`, 0)
}

function readHolder(fd: number): Holder {
  try {
    const [first = '', note = ''] = readFileSync(fd, 'utf8').split('\n')
    const pid = Number.parseInt(first, 10)
    return { holderPid: Number.isNaN(pid) ? undefined : pid, ...(note !== '' && { holderNote: note }) }
  } finally {
    closeSync(fd)
  }
}
