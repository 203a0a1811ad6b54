// Failures as RFC 9457 problem documents. Whatever is no ConetError is a bug: its message stays in the log.
import { STATUS_CODES } from 'node:http'
import { ConetError, type ConetErrorOptions, type ErrorKind } from '@conet/sdk'
import type { Problem } from '@conet/sdk/api'
import { httpStatusOf } from './http-status.ts'

export const problemMediaType = 'application/problem+json'

/** A failure of HTTP's own, such as a method that a route does not have: its status is not the one of its kind. */
export class HttpError extends ConetError {
  readonly status: number

  constructor(status: number, kind: ErrorKind, message: string, options: ConetErrorOptions = {}) {
    super(kind, message, options)
    this.status = status
  }
}

export function problemOf(error: ConetError): Problem {
  const status = error instanceof HttpError ? error.status : httpStatusOf[error.kind]
  return {
    type: `urn:conet:error:${error.kind}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: error.message,
    kind: error.kind,
    code: error.code,
    retryable: error.retryable,
    operation_state: error.operationState,
    ...(error.fields.length > 0 ? { fields: error.fields.map((field) => ({ ...field })) } : {}),
    ...(Object.keys(error.details).length > 0 ? { details: { ...error.details } } : {}),
    ...(error.help === undefined ? {} : { help: error.help }),
  }
}

/** What a client is told of a bug. */
export function bugProblem(operationId: string): Problem {
  return problemOf(
    new ConetError('internal', `conetd has a bug; its log has the details under request ${operationId}`, {
      details: { request: operationId },
    }),
  )
}
