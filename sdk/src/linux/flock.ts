// flock(2): a lock on an open file. The kernel lets go when the file is closed everywhere, and so when the holder dies.
import { KernelError } from './kernel-error.ts'
import { checked, libc } from './libc.ts'

const flock: (fd: number, operation: number) => number = libc.func('int flock(int fd, int operation)')

const LOCK_EX_NB = 2 | 4

/** Tries once, without waiting. False: another open file has a lock on it. Throws a KernelError that names `path`. */
export function tryFlock(fd: number, path: string): boolean {
  try {
    checked(flock(fd, LOCK_EX_NB), `lock ${path}`)
    return true
  } catch (error) {
    if (KernelError.is(error, 'EAGAIN')) return false
    throw error
  }
}
