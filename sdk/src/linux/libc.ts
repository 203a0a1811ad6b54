// The C library, once per thread. Each file that makes system calls declares its own prototypes on `libc`.
import koffi, { type KoffiFunc } from 'koffi'
import { KernelError } from './kernel-error.ts'

export const libc = koffi.load('libc.so.6')

/** Throws a KernelError with the thread's errno when a call's result is negative; returns it otherwise. */
export function checked(result: number, operation: string): number {
  if (result < 0) throw new KernelError({ errno: koffi.errno(), operation })
  return result
}

/** The same for functions that return an errno, or 0. */
export function checkedErrno(errno: number, operation: string): void {
  if (errno !== 0) throw new KernelError({ errno, operation })
}

const close: KoffiFunc<(fd: number) => number> = libc.func('int close(int fd)')

/**
 * Closes a descriptor that a function of libc gave. Not with `node:fs`: in a worker thread Node warns of every
 * descriptor that it has not opened itself.
 */
export function closeDescriptor(fd: number): void {
  checked(close(fd), `close file descriptor ${fd}`)
}

/** The same in a thread of libuv's pool. A failure is a bug (a number that was not open), so it is not caught. */
export function closeDescriptorInBackground(fd: number, done: () => void): void {
  close.async(fd, (error: unknown) => {
    if (error) throw error
    done()
  })
}
