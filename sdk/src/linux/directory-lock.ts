// One holder of a directory at a time, among all processes of the machine. The lock is on the directory itself: it takes no
// room, leaves no file behind, and is to be had where nothing can be written. The kernel lets go when the holder dies.
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { tryFlock } from './flock.ts'
import { checkedCall } from './system-error.ts'

/** The lock, or the process that has it (undefined when that is in another pid namespace, or ends just now). */
export type DirectoryLockResult =
  | { readonly ok: true; readonly lock: DirectoryLock }
  | { readonly ok: false; readonly holderPid: number | undefined }

/** A lock held through the open directory (flock(2)). Programs that this process starts do not inherit it. */
export class DirectoryLock implements Disposable {
  #fd: number | undefined

  private constructor(fd: number) {
    this.#fd = fd
  }

  /**
   * Tries once, without waiting, and writes nothing. One directory under several names, links among them, is one; it is
   * refused to a process that has it already. Throws a KernelError when the directory cannot be opened.
   */
  static acquire(path: string): DirectoryLockResult {
    // Node adds O_CLOEXEC to every open.
    const flags = constants.O_RDONLY | constants.O_DIRECTORY
    const fd = checkedCall(`open directory ${path}`, () => openSync(path, flags))
    let isHeld = false
    try {
      isHeld = tryFlock(fd, path)
      return isHeld ? { ok: true, lock: new DirectoryLock(fd) } : { ok: false, holderPid: holderOf(fd) }
    } finally {
      if (!isHeld) closeSync(fd)
    }
  }

  /** May be repeated. */
  release(): void {
    if (this.#fd === undefined) return
    closeSync(this.#fd)
    this.#fd = undefined
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

/** A lock of flock(2) on a file or a directory, and the process that has it. */
export type HeldLock = {
  readonly pid: number
  /** As stat(2) has it. */
  readonly dev: bigint
  readonly ino: bigint
}

/** The kernel's list has a line for each lock, `3: FLOCK  ADVISORY  WRITE 1234 00:1b:5678 0 EOF`, and tells nobody else. */
const flockLine = /^\d+: FLOCK +\w+ +\w+ +(\d+) ([\da-f]+):([\da-f]+):(\d+) /gm

/** Those of the processes of this pid namespace, this one's too. Throws a KernelError. */
export function heldLocks(): HeldLock[] {
  const list = checkedCall('read /proc/locks', () => readFileSync('/proc/locks', 'utf8'))
  return [...list.matchAll(flockLine)].map(([, pid, major, minor, inode]) => ({
    pid: Number(pid),
    dev: device(major, minor),
    ino: BigInt(inode ?? 0),
  }))
}

function holderOf(fd: number): number | undefined {
  const { dev, ino } = fstatSync(fd, { bigint: true })
  return heldLocks().find((lock) => lock.ino === ino && lock.dev === dev)?.pid
}

/** As stat(2) has it: 12 bits of the major number between the lower 8 and the others of the minor one. */
function device(major = '', minor = ''): bigint {
  const [high, low] = [BigInt(`0x${major}`), BigInt(`0x${minor}`)]
  return ((high & 0xfffn) << 8n) | ((high & ~0xfffn) << 32n) | (low & 0xffn) | ((low & ~0xffn) << 12n)
}
