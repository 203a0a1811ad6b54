// What ajv says of an `anyOf` or `oneOf`: the errors of every branch, and then its own. A person is told what is wrong in
// the branch that was meant, or, where none was, all that would have been allowed.
import type { ErrorObject } from 'ajv'

export type Fault = {
  readonly error: ErrorObject
  /** Where branches of a union say the same, or no branch was meant: what each of them has against the value. */
  readonly alternatives: readonly ErrorObject[]
}

/** One fault for each wrong place, in ajv's order. */
export function faultsIn(errors: readonly ErrorObject[]): Fault[] {
  const faults: Fault[] = []
  for (const error of errors) {
    const inBranches = isUnion(error) ? takeInBranches(faults, error) : []
    faults.push(...faultsOfUnion(error, inBranches))
  }
  return faults
}

const isUnion = ({ keyword }: ErrorObject) => keyword === 'anyOf' || keyword === 'oneOf'

/** They stand right before the error of the union, but for those behind a `$ref`, whose branch nothing tells. */
function takeInBranches(faults: Fault[], union: ErrorObject): Fault[] {
  const isInBranch = ({ error }: Fault) =>
    error.schemaPath.startsWith(`${union.schemaPath}/`) &&
    `${error.instancePath}/`.startsWith(`${union.instancePath}/`)
  return faults.splice(faults.findLastIndex((fault) => !isInBranch(fault)) + 1)
}

function faultsOfUnion(error: ErrorObject, inBranches: readonly Fault[]): readonly Fault[] {
  const fitsSeveral = Array.isArray(error.params.passingSchemas)
  if (fitsSeveral || inBranches.length === 0) return [{ error, alternatives: [] }]
  const isOfAnotherKind = (fault: Fault) => isAgainstKind(fault, error)
  const [first, ...others] = branchesOf(error, inBranches).filter((faults) => !faults.some(isOfAnotherKind))
  if (first !== undefined)
    return others.reduce(likelier, first).map((fault) => withSameMember(fault, inBranches))
  const alternatives = inBranches
    .filter(isOfAnotherKind)
    .flatMap((fault) => (fault.alternatives.length > 0 ? fault.alternatives : [fault.error]))
  return [{ error, alternatives }]
}

/** What one branch does not know, another does not know either, and each knows others. */
function withSameMember(fault: Fault, inBranches: readonly Fault[]): Fault {
  const { keyword, instancePath, params } = fault.error
  if (keyword !== 'additionalProperties') return fault
  const same = inBranches
    .map(({ error }) => error)
    .filter((error) => error.keyword === keyword && error.instancePath === instancePath)
    .filter((error) => error.params.additionalProperty === params.additionalProperty)
  return { ...fault, alternatives: same }
}

function branchesOf({ schemaPath }: ErrorObject, faults: readonly Fault[]): Fault[][] {
  const branches = new Map<string, Fault[]>()
  for (const fault of faults) {
    const branch = fault.error.schemaPath.slice(schemaPath.length + 1).split('/')[0] ?? ''
    branches.set(branch, [...(branches.get(branch) ?? []), fault])
  }
  return [...branches.values()]
}

/** The whole value is something else than the branch has: text for an object, or another word. */
function isAgainstKind({ error }: Fault, union: ErrorObject): boolean {
  return (
    error.instancePath === union.instancePath &&
    (isUnion(error) || ['type', 'const', 'enum'].includes(error.keyword))
  )
}

/** The branch whose members the value has was meant; the first of two that are as likely. */
function likelier(one: Fault[], other: Fault[]): Fault[] {
  const difference = strangeness(one) - strangeness(other) || one.length - other.length
  return difference <= 0 ? one : other
}

const strangeness = (faults: readonly Fault[]) =>
  faults.filter(({ error }) => ['required', 'additionalProperties', 'const'].includes(error.keyword)).length
