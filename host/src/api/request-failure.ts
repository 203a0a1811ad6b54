// What a client is told of what an operation threw, and what only the log may know.
import { ConetError } from '@conet/sdk'
import { KernelError } from '@conet/sdk/linux'
import { kernelRefused } from '../lifecycle/index.ts'

export type RequestFailure = {
  /** For the client; undefined: a bug, whose text stays inside. */
  readonly error: ConetError | undefined
  /** For the log: a bug, or an undo that failed. */
  readonly bug?: unknown
}

/** A failure whose undo failed too is told as it is, with the word that a part may be left. */
export function requestFailure(thrown: unknown): RequestFailure {
  if (ConetError.is(thrown))
    return thrown.kind === 'internal' ? { error: thrown, bug: thrown } : { error: thrown }
  if (KernelError.is(thrown)) return { error: kernelRefused(thrown) }
  if (isSuppressed(thrown)) return { error: partly(requestFailure(thrown.suppressed).error), bug: thrown }
  if (thrown instanceof Error && thrown.name === 'AbortError') return { error: givenUp(thrown) }
  return { error: undefined, bug: thrown }
}

/** Nobody is there to read it: the client went away. */
function givenUp(cause: Error): ConetError {
  return new ConetError('cancelled', 'the client gave the request up', { cause })
}

/** What `await using` throws when the block failed and its undo failed too. */
function isSuppressed(thrown: unknown): thrown is Error & { readonly suppressed: unknown } {
  return thrown instanceof Error && thrown.name === 'SuppressedError' && 'suppressed' in thrown
}

function partly(error: ConetError | undefined): ConetError | undefined {
  if (error === undefined) return undefined
  const { kind, message, fields, details, help } = error
  return new ConetError(kind, message, {
    cause: error,
    fields: [...fields],
    details: { ...details },
    operationState: 'partial',
    ...(help === undefined ? {} : { help }),
  })
}
