// A batch in which the kernel refused at least one request.
import { KernelError } from '../kernel-error.ts'

export type BatchErrorOptions = {
  failures: ReadonlyMap<number, KernelError>
  /** How many requests, from the first, were handed to the kernel. */
  attempted: number
}

/**
 * The kernel does not stop at a request that it refuses: all others of the `attempted` ones were done.
 * errno, operation and message are those of the first failure.
 */
export class BatchError extends KernelError {
  /** What was refused, by index in the batch, in order. */
  readonly failures: ReadonlyMap<number, KernelError>
  /** Requests from this index on never reached the kernel. */
  readonly attempted: number

  constructor(first: KernelError, { failures, attempted }: BatchErrorOptions) {
    super(first)
    this.failures = failures
    this.attempted = attempted
  }

  /** Whether the request at this index took effect: what an undo must take back. */
  wasDone(index: number): boolean {
    return index < this.attempted && !this.failures.has(index)
  }
}
