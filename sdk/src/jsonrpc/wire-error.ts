// Errors as they travel in a reply, and back. What a bug says stays at home: its text may hold secrets or paths, so
// only an expected failure (a ConetError) crosses with its message.
import {
  ConetError,
  type ConetErrorOptions,
  type ErrorKind,
  type FieldError,
  isErrorKind,
  kindOfCode,
  type OperationState,
} from '../errors/index.ts'
import type { ReplyError } from './envelope.ts'
import { isJsonObject, type JsonObject } from './framing.ts'

/** The codes that JSON-RPC 2.0 reserves and conet uses. */
export const jsonRpcCode = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
} as const

const kindOfReservedCode = new Map<number, ErrorKind>([
  [jsonRpcCode.parseError, 'protocolViolation'],
  [jsonRpcCode.invalidRequest, 'protocolViolation'],
  [jsonRpcCode.methodNotFound, 'unsupported'],
  [jsonRpcCode.invalidParams, 'invalidArgument'],
  [jsonRpcCode.internalError, 'internal'],
])

/** What is longer is kept in records, events and logs for nobody. */
const maxMessageLength = 4096

/** Throw it from a request handler that does not know the method: the caller gets -32601 and `unsupported`. */
export class UnknownMethodError extends Error {
  override readonly name = 'UnknownMethodError'
}

/** What the other side is told. A plain Error becomes "internal error" and nothing more. */
export function errorToWire(error: unknown): ReplyError {
  if (ConetError.is(error)) {
    return { code: error.code, message: error.message, data: wireData(error) }
  }
  if (error instanceof UnknownMethodError) {
    return reservedError(jsonRpcCode.methodNotFound, 'unsupported', error.message)
  }
  return reservedError(jsonRpcCode.internalError, 'internal', 'internal error')
}

/** A refusal in JSON-RPC's own numbers, with the same data as any other error. */
export function reservedError(code: number, kind: ErrorKind, message: string): ReplyError {
  return { code, message, data: wireData(new ConetError(kind, message)) }
}

function wireData(error: ConetError): JsonObject {
  const { kind, retryable, operationState, fields, details, help } = error
  return {
    name: kind,
    retryable,
    operationState,
    ...(fields.length > 0 && { fields }),
    ...(Object.keys(details).length > 0 && { details }),
    ...(help !== undefined && { help }),
  }
}

/**
 * The failure that a reply reports. A number that conet does not know (a driver's own, from 2000 on) becomes the kind
 * that `data.name` names, else `backendUnavailable` if the sender calls it retryable, else `internal`; number, text
 * and name stay in `details` as `wireCode`, `wireMessage` and `wireName`. Of a long message the beginning counts.
 */
export function errorFromWire({ code, message, data: raw }: ReplyError): ConetError {
  const data = isJsonObject(raw) ? raw : {}
  const known = kindOfCode(code)
  const kind = known ?? kindOfReservedCode.get(code) ?? kindOfForeignCode(data)
  const text = message.slice(0, maxMessageLength)
  const foreign = { wireCode: code, wireMessage: text, ...foreignName(data) }
  return new ConetError(kind, text, {
    ...optionsFromData(data),
    details: { ...detailsOf(data), ...(known === undefined && foreign) },
  })
}

function kindOfForeignCode({ name, retryable }: JsonObject): ErrorKind {
  if (isErrorKind(name)) return name
  return retryable === true ? 'backendUnavailable' : 'internal'
}

function foreignName({ name }: JsonObject): { wireName?: string } {
  return typeof name === 'string' && !isErrorKind(name) ? { wireName: name } : {}
}

function detailsOf({ details }: JsonObject): JsonObject {
  return isJsonObject(details) ? details : {}
}

function optionsFromData({ fields, help, operationState }: JsonObject): ConetErrorOptions {
  return {
    ...(Array.isArray(fields) && { fields: fields.filter(isFieldError) }),
    ...(typeof help === 'string' && { help }),
    ...(isOperationState(operationState) && { operationState }),
  }
}

function isFieldError(value: unknown): value is FieldError {
  return isJsonObject(value) && typeof value.path === 'string' && typeof value.message === 'string'
}

function isOperationState(value: unknown): value is OperationState {
  return value === 'not-started' || value === 'unknown' || value === 'partial' || value === 'done'
}
