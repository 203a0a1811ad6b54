// NetworkSpecs as they come through an unmodified Garden: JSON in the property `network.specs`, with the names of Go's
// fields or those of conet's API.
import { ConetError, firstFieldError } from '@conet/sdk'
import { NetworkSpec } from '@conet/sdk/api'
import { Ajv, type ValidateFunction } from 'ajv'
import { Type } from 'typebox'

/** Where they stand in the request. */
export const specsPath = 'properties.specs'
const specList = Type.Array(NetworkSpec, { maxItems: 64 })
let compiled: ValidateFunction<NetworkSpec[]> | undefined

/** Compiled at first use, so that a start stays quick; the schema is our own and needs no check. */
function specsValidator(): ValidateFunction<NetworkSpec[]> {
  const options = { validateSchema: false, verbose: true, code: { optimize: false } }
  compiled ??= new Ajv(options).compile<NetworkSpec[]>(specList)
  return compiled
}

/** Whether the property says anything: `null` is a slice of Go that nobody made. */
export function isSpecs(text: string | undefined): text is string {
  return text !== undefined && text.trim() !== 'null'
}

/** Undefined: nothing is said. Throws `invalidArgument` that names what is wrong. */
export function specsOfProperties(text: string | undefined): readonly NetworkSpec[] | undefined {
  if (!isSpecs(text)) return undefined
  const specs = listOf(text).map(withLowerCaseKeys)
  const validate = specsValidator()
  if (validate(specs)) return specs
  const fault = firstFieldError(validate.errors)
  throw refusal(`${specsPath}${fault?.path ?? ''}`, fault?.message ?? 'is not valid')
}

function listOf(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text)
    if (Array.isArray(value)) return value
  } catch {
    // Said below, in one form for both.
  }
  throw refusal(specsPath, 'must be a JSON list of NetworkSpecs, such as [{"Name":"web","Type":"bridge"}]')
}

/** Go matches the names of fields in any case. */
function withLowerCaseKeys(spec: unknown): unknown {
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec)) return spec
  return Object.fromEntries(Object.entries(spec).map(([key, value]) => [key.toLowerCase(), value]))
}

function refusal(field: string, message: string): ConetError {
  return new ConetError('invalidArgument', `${field} ${message}`, { fields: [{ path: field, message }] })
}
