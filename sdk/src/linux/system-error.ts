// Node's file system errors in the form that the rest of the kernel toolkit uses.
import { KernelError } from './kernel-error.ts'

/** The KernelError for a failed call of `node:fs`; anything else is given back as it is, to be thrown again. */
export function systemError(error: unknown, operation: string): unknown {
  if (!(error instanceof Error) || !('errno' in error) || typeof error.errno !== 'number') return error
  return new KernelError({ errno: Math.abs(error.errno), operation })
}

/** Runs a call of `node:fs`, with its failure as a KernelError. */
export function checkedCall<T>(operation: string, call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw systemError(error, operation)
  }
}
