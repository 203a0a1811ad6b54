// What the kernel said no to, with its own words.
import { errnoName } from './errno-names.ts'

/** What a KernelError is made of. */
export type KernelErrorOptions = {
  /** The errno, positive. */
  errno: number
  /** What was being done to what: `create link cv1f0c2a (veth)`. */
  operation: string
  /** The kernel's extended message (NLMSGERR_ATTR_MSG) or libnftables' error text, if it gave one. */
  kernelMessage?: string | undefined
}

/** A system call or a netlink request that failed. Branch on `code` (`EEXIST`, …), never on the message. */
export class KernelError extends Error {
  override readonly name = 'KernelError'
  readonly errno: number
  readonly code: string
  readonly operation: string
  readonly kernelMessage: string | undefined

  constructor({ errno, operation, kernelMessage }: KernelErrorOptions) {
    const code = errnoName(errno)
    super(`${operation}: ${kernelMessage ? `${kernelMessage} (${code})` : code}`)
    this.errno = errno
    this.code = code
    this.operation = operation
    this.kernelMessage = kernelMessage
  }

  static is(value: unknown, ...codes: string[]): value is KernelError {
    if (!(value instanceof Error) || value.name !== 'KernelError' || !('code' in value)) return false
    return codes.length === 0 || codes.includes(String(value.code))
  }
}
