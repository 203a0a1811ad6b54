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
