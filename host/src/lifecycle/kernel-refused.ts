// What the kernel refuses, as a client is told of it.
import { ConetError } from '@conet/sdk'
import type { KernelError } from '@conet/sdk/linux'

export function kernelRefused(cause: KernelError): ConetError {
  const { message, errno, code, operation, kernelMessage } = cause
  const details = { errno, code, operation, ...(kernelMessage === undefined ? {} : { kernelMessage }) }
  return new ConetError('kernelRefused', message, { cause, details })
}
