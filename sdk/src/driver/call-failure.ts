// What a caller is told of what an author's code threw, and what only the log may know.
import type { Cancellation } from '../cancellation.ts'
import { ConetError } from '../errors/index.ts'
import { KernelError } from '../linux/kernel-error.ts'

export type CallFailure = {
  /** For the caller. */
  readonly error: ConetError
  /** Present: this is a bug, or an undo that failed; for the log, with its stack. */
  readonly bug?: unknown
}

/**
 * A ConetError is for the caller as it is; a KernelError becomes `kernelRefused`; the end of an aborted wait becomes
 * the reason of the abort. Anything else is a bug, whose text stays at home.
 */
export function callFailure(thrown: unknown, what: string, cancellation: Cancellation): CallFailure {
  if (ConetError.is(thrown)) return { error: thrown }
  if (KernelError.is(thrown)) return { error: kernelRefused(thrown) }
  if (isSuppressed(thrown)) return undoFailed(thrown, what, cancellation)
  if (cancellation.isCancelled && thrown instanceof Error && thrown.name === 'AbortError') {
    return { error: reasonOf(cancellation, what) }
  }
  return { error: internal(what, thrown), bug: thrown }
}

export function internal(what: string, cause: unknown): ConetError {
  return new ConetError('internal', `${what}: internal error, see the log of the driver`, { cause })
}

/** Why a call was given up. */
export function reasonOf({ reason }: Cancellation, what: string): ConetError {
  if (ConetError.is(reason)) return reason
  return new ConetError('cancelled', `${what}: given up`, { cause: reason })
}

function kernelRefused(cause: KernelError): ConetError {
  const { message, errno, code, operation, kernelMessage } = cause
  const details = { errno, code, operation, ...(kernelMessage !== undefined && { kernelMessage }) }
  return new ConetError('kernelRefused', message, { cause, details })
}

/** What `await using` throws when the block failed and its undo failed too (ES explicit resource management). */
type Suppressed = Error & { readonly error: unknown; readonly suppressed: unknown }

function isSuppressed(thrown: unknown): thrown is Suppressed {
  return thrown instanceof Error && thrown.name === 'SuppressedError' && 'suppressed' in thrown
}

/** The caller learns the first failure, and that something may be left. */
function undoFailed(thrown: Suppressed, what: string, cancellation: Cancellation): CallFailure {
  const { error } = callFailure(thrown.suppressed, what, cancellation)
  const { kind, message, fields, details, help } = error
  return {
    error: new ConetError(kind, message, {
      cause: error,
      fields: [...fields],
      details,
      operationState: 'partial',
      ...(help !== undefined && { help }),
    }),
    bug: thrown.error,
  }
}
