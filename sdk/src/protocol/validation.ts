// Checks messages against the method table. ajv, compiled at first use of each method, so that a start stays quick.
import { randomUUID } from 'node:crypto'
import { Ajv, type ValidateFunction } from 'ajv'
import { type Static, type TSchema, Type } from 'typebox'
import { ConetError, type ErrorKind } from '../errors/index.ts'
import { fieldErrors } from '../fields/index.ts'
import { CallMeta } from './meta.ts'
import {
  type NotificationMethod,
  type NotificationParams,
  notifications,
  type Params,
  type RequestMethod,
  type Result,
  requests,
} from './methods.ts'

const ajv = new Ajv({
  strict: true,
  // The schemas are our own: to check them against the schema of schemas would take half of a driver's start.
  validateSchema: false,
  allErrors: false,
  verbose: true,
  // What ajv would make shorter, in a third of the time that it takes for all, V8 leaves out by itself.
  code: { optimize: false },
})
const compiled = new Map<TSchema, ValidateFunction>()

function validator(schema: TSchema): ValidateFunction {
  let validate = compiled.get(schema)
  if (validate === undefined) {
    validate = ajv.compile(schema)
    compiled.set(schema, validate)
  }
  return validate
}

function check<T>(schema: TSchema, value: unknown, kind: ErrorKind, what: string): asserts value is T {
  const validate = validator(schema)
  if (validate(value)) return
  const fields = fieldErrors(validate.errors)
  const first = fields[0]
  throw new ConetError(kind, `${what}: ${first?.path || 'the whole'} ${first?.message}`, { fields })
}

/**
 * Returns the parameters of a request, unchanged, or throws `invalidArgument` that names the field. The SDK calls it
 * before your code.
 */
export function checkParams<M extends RequestMethod>(method: M, value: unknown): Params<M> {
  check<Params<M>>(requests[method].params, value, 'invalidArgument', method)
  return value
}

/**
 * Returns the result of a request, unchanged, or throws `protocolViolation` that names the field: the driver broke its
 * contract.
 */
export function checkResult<M extends RequestMethod>(method: M, value: unknown): Result<M> {
  check<Result<M>>(requests[method].result, value, 'protocolViolation', `answer to ${method}`)
  return value
}

/** Returns the params of a notification, or throws `protocolViolation` that names the field. */
export function checkNotification<M extends NotificationMethod>(
  method: M,
  value: unknown,
): NotificationParams<M> {
  check<NotificationParams<M>>(notifications[method].params, value, 'protocolViolation', method)
  return value
}

/**
 * Returns what accompanies a request, or throws `invalidArgument`. A host sends all of it; a member that is missing,
 * as in a test by hand, gets a default.
 */
export function checkMeta(method: RequestMethod, value: unknown): CallMeta {
  if (isWholeMeta(value)) return value
  const defaults = { operationId: randomUUID(), attempt: 1, timeoutMs: requests[method].timeoutMs }
  const isUsual = value === undefined || isJsonObject(value)
  const envelope: unknown = { _meta: isUsual ? { ...defaults, ...value } : value }
  check<Static<typeof Envelope>>(Envelope, envelope, 'invalidArgument', method)
  return envelope._meta
}

const Envelope = Type.Object({ _meta: CallMeta })

function isWholeMeta(value: unknown): value is CallMeta {
  return validator(CallMeta)(value) === true
}

function isJsonObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
