// The C library, once per thread. Each file that makes system calls declares its own prototypes on `libc`.
import koffi from 'koffi'
import { KernelError } from './kernel-error.ts'

export const libc = koffi.load('libc.so.6')

/** Throws a KernelError with the thread's errno when a call's result is negative; returns it otherwise. */
export function checked(result: number, operation: string): number {
  if (result < 0) throw new KernelError({ errno: koffi.errno(), operation })
  return result
}
