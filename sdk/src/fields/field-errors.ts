// The errors of ajv as conet reports them: each wrong field with its path, and its fault in words.
import type { ErrorObject } from 'ajv'
import type { FieldError } from '../errors/index.ts'
import { faultsIn } from './branches.ts'
import { faultOf, faultOfAny } from './faults.ts'

/**
 * The faults that ajv has found (`validate.errors`), as a ConetError takes them: one for each wrong place, of a union that of
 * the branch that was meant. `/subnets/0/gateway` and a missing `name` become `subnets[0].gateway` and `name`.
 */
export function fieldErrors(errors: readonly ErrorObject[] | null | undefined): FieldError[] {
  return faultsIn(errors ?? []).map(({ error, alternatives }) => ({
    path: pathOf(error),
    message: alternatives.length > 0 ? faultOfAny(alternatives) : faultOf(error),
  }))
}

/** The field to report of an ajv that stops at the first error. */
export function firstFieldError(errors: readonly ErrorObject[] | null | undefined): FieldError | undefined {
  return fieldErrors(errors)[0]
}

/**
 * The same, with the members that nobody knows where one is missing: ajv stops before them, and one of them may be the missing
 * one under another name.
 */
export function firstFieldErrors(errors: readonly ErrorObject[] | null | undefined): FieldError[] {
  const [first] = faultsIn(errors ?? [])
  const field = firstFieldError(errors)
  if (first === undefined || field === undefined) return []
  return [field, ...fieldErrors(unknownBeside(first.error))]
}

const mostUnknown = 5

/** As ajv would say it. */
function unknownBeside(missing: ErrorObject): ErrorObject[] {
  const { keyword, data, parentSchema } = missing
  const properties: unknown = parentSchema?.properties
  if (keyword !== 'required' || parentSchema?.additionalProperties !== false) return []
  if (!isDocument(data) || !isDocument(properties)) return []
  return Object.keys(data)
    .filter((key) => !Object.hasOwn(properties, key))
    .slice(0, mostUnknown)
    .map((key) => ({ ...missing, keyword: 'additionalProperties', params: { additionalProperty: key } }))
}

function isDocument(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function pathOf({ instancePath, keyword, params }: ErrorObject): string {
  const members = instancePath.split('/').slice(1).map(unescaped)
  if (keyword === 'required') members.push(String(params.missingProperty))
  if (keyword === 'additionalProperties') members.push(String(params.additionalProperty))
  return members
    .map((member, index) => (/^\d+$/.test(member) ? `[${member}]` : index === 0 ? member : `.${member}`))
    .join('')
}

/** RFC 6901, section 4. */
function unescaped(member: string): string {
  return member.replaceAll('~1', '/').replaceAll('~0', '~')
}
