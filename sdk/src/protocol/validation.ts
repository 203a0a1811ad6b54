// Checks messages against the method table. ajv, compiled at first use of each method, so that a start stays quick.
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { TSchema } from 'typebox'
import { ConetError, type ErrorKind, type FieldError } from '../errors/index.ts'
import {
  type NotificationMethod,
  type NotificationParams,
  notifications,
  type Params,
  type RequestMethod,
  type Result,
  requests,
} from './methods.ts'

const ajv = new Ajv({ strict: true, allErrors: false })
const compiled = new Map<TSchema, ValidateFunction>()

function validator(schema: TSchema): ValidateFunction {
  let validate = compiled.get(schema)
  if (validate === undefined) {
    validate = ajv.compile(schema)
    compiled.set(schema, validate)
  }
  return validate
}

/** `/subnets/0/gateway` and a missing `name` become `subnets[0].gateway` and `name`. */
export function fieldErrors(errors: readonly ErrorObject[] | null | undefined): FieldError[] {
  return (errors ?? []).map((error) => {
    const inner = error.keyword === 'required' ? `/${error.params.missingProperty}` : ''
    const extra = error.keyword === 'additionalProperties' ? `/${error.params.additionalProperty}` : ''
    const path = `${error.instancePath}${inner}${extra}`
      .slice(1)
      .replace(/\/(\d+)/g, '[$1]')
      .replaceAll('/', '.')
    return { path, message: error.message ?? error.keyword }
  })
}

function check<T>(schema: TSchema, value: unknown, kind: ErrorKind, what: string): asserts value is T {
  const validate = validator(schema)
  if (validate(value)) return
  const fields = fieldErrors(validate.errors)
  const first = fields[0]
  throw new ConetError(kind, `${what}: ${first?.path || 'the whole'} ${first?.message}`, { fields })
}

/** Returns the parameters of a request, or throws `invalidArgument` that names the field. */
export function checkParams<M extends RequestMethod>(method: M, value: unknown): Params<M> {
  check<Params<M>>(requests[method].params, value, 'invalidArgument', method)
  return value
}

/** Returns the result of a request, or throws `protocolViolation`: the driver broke its contract. */
export function checkResult<M extends RequestMethod>(method: M, value: unknown): Result<M> {
  check<Result<M>>(requests[method].result, value, 'protocolViolation', `answer to ${method}`)
  return value
}

export function checkNotification<M extends NotificationMethod>(
  method: M,
  value: unknown,
): NotificationParams<M> {
  check<NotificationParams<M>>(notifications[method].params, value, 'protocolViolation', method)
  return value
}
