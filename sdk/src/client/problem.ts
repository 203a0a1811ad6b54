// Turns an answer of the host into a value or into the error it describes (RFC 9457 problem details).
import {
  ConetError,
  type ErrorKind,
  type FieldError,
  isErrorKind,
  type OperationState,
} from '../errors/index.ts'
import type { HttpAnswer } from './http-exchange.ts'

/** The answer's JSON, or throws the ConetError it stands for. */
export function jsonOf(answer: HttpAnswer, what: string): unknown {
  if (answer.status >= 400) throw problemError(answer, what)
  try {
    return JSON.parse(answer.text)
  } catch (cause) {
    throw new ConetError('internal', `${what}: the answer with status ${answer.status} is not JSON`, {
      cause,
    })
  }
}

export function problemError({ status, text }: HttpAnswer, what: string): ConetError {
  const problem = parsedObject(text)
  const detail = typeof problem?.detail === 'string' ? problem.detail : undefined
  if (problem === undefined || detail === undefined) {
    return new ConetError(
      kindOfStatus(status),
      `${what}: conetd answered with status ${status} and no reason`,
    )
  }
  const kind = isErrorKind(problem.kind) ? problem.kind : kindOfStatus(status)
  return new ConetError(kind, detail, {
    fields: fieldsOf(problem.fields),
    details: { ...foreignKind(problem, kind), ...(isObject(problem.details) ? problem.details : {}) },
    ...(isOperationState(problem.operation_state) ? { operationState: problem.operation_state } : {}),
    ...(typeof problem.help === 'string' ? { help: problem.help } : {}),
  })
}

/** A kind of a newer host, or of a driver, is kept for programs where this catalogue has none. */
function foreignKind(problem: Record<string, unknown>, kind: ErrorKind): Record<string, unknown> {
  return problem.kind === kind ? {} : { kind: problem.kind, code: problem.code }
}

const kindsByStatus = new Map<number, ErrorKind>([
  [400, 'invalidArgument'],
  [403, 'permissionDenied'],
  [404, 'notFound'],
  [409, 'conflict'],
  [413, 'messageTooLarge'],
  [422, 'invalidArgument'],
  [429, 'overloaded'],
  [503, 'hostUnavailable'],
  [504, 'deadlineExceeded'],
])

function kindOfStatus(status: number): ErrorKind {
  return kindsByStatus.get(status) ?? 'internal'
}

function fieldsOf(value: unknown): FieldError[] {
  if (!Array.isArray(value)) return []
  return value.filter(isObject).map(({ path, message }) => ({ path: String(path), message: String(message) }))
}

const operationStates: readonly unknown[] = ['not-started', 'unknown', 'partial', 'done']

function isOperationState(value: unknown): value is OperationState {
  return operationStates.includes(value)
}

function parsedObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    // Not a problem document, for instance a proxy's page; the status speaks for it.
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
