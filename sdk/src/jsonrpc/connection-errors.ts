// How calls and closings fail for reasons of the connection itself. Only words; it decides nothing.
import { ConetError, type ErrorKind } from '../errors/index.ts'

/** A call on a connection that has ended: nothing was sent. */
export function notConnected(kind: ErrorKind, method: string, cause: unknown): ConetError {
  const message = `${method}: the connection is closed${because(cause)}`
  return new ConetError(kind, message, { cause, operationState: 'not-started' })
}

/** The connection ended while the other side may have been at work on the call. */
export function endedBeforeAnswer(kind: ErrorKind, method: string, cause: unknown): ConetError {
  const message = `${method}: the connection ended before the answer${because(cause)}`
  return new ConetError(kind, message, { cause, operationState: 'unknown' })
}

export function connectionLost(kind: ErrorKind, cause: Error): ConetError {
  return new ConetError(kind, `the connection was lost: ${cause.message}`, { cause })
}

export function backlogFull(method: string): ConetError {
  return new ConetError('overloaded', `${method}: the other side has too much left to read`)
}

export function closeTookTooLong(callsLeft: number, timeoutMs: number): ConetError {
  const what = callsLeft > 0 ? `${callsLeft} calls were still under way` : 'the other side kept its end open'
  return new ConetError('deadlineExceeded', `close the connection: ${what} after ${timeoutMs} ms`)
}

/** What the caller is told whose request was carried out, but whose answer cannot be sent. */
export function answerUnsendable(error: unknown): unknown {
  if (!ConetError.is(error)) return error
  const { kind, message, details } = error
  return new ConetError(kind, `answer: ${message}`, { cause: error, details, operationState: 'unknown' })
}

function because(cause: unknown): string {
  return cause instanceof Error ? `: ${cause.message}` : ''
}
