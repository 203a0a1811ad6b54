// The errors of ajv as conet reports them: each wrong field with its path, and its fault in words.
import type { ErrorObject } from 'ajv'
import type { FieldError } from '../errors/index.ts'
import { faultOf, faultOfAny } from './faults.ts'

/**
 * The faults that ajv has found (`validate.errors`), as a ConetError takes them. `/subnets/0/gateway` and a missing
 * `name` become `subnets[0].gateway` and `name`.
 */
export function fieldErrors(errors: readonly ErrorObject[] | null | undefined): FieldError[] {
  return (errors ?? []).map((error) => ({ path: pathOf(error), message: faultOf(error) }))
}

/**
 * The field to report of an ajv that stops at the first error. Of those of an `anyOf`, the branch that came furthest: for
 * `attach_to: [{bogus: 1}]` what is wrong inside the object, not that it is no text.
 */
export function firstFieldError(errors: readonly ErrorObject[] | null | undefined): FieldError | undefined {
  const inBranches = (errors ?? []).filter(({ keyword }) => keyword !== 'anyOf')
  if (inBranches.length === errors?.length) return fieldErrors(inBranches)[0]
  const depthOf = (error: ErrorObject) => pathOf(error).split('.').length
  const deepest = Math.max(...inBranches.map(depthOf))
  const best = inBranches.filter((error) => depthOf(error) === deepest)
  const [first = undefined] = best
  if (first === undefined) return fieldErrors(errors)[0]
  const path = pathOf(first)
  const here = best.filter((error) => pathOf(error) === path)
  // What has the type of one branch was meant for that branch.
  const meant = here.filter(({ keyword }) => keyword !== 'type')
  return { path, message: faultOfAny(meant.length > 0 ? meant : here) }
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
