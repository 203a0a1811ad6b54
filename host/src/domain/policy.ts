// Which policy stands for each attachment of a container, and what a change by name makes of that. What is in a document
// only its driver knows.
import { ConetError } from '@conet/sdk'
import type { Attachment, ContainerRecord } from './container.ts'

export type PolicyDocument = Record<string, unknown>

/** By attachment: the document that is to stand for it; `null`: the network's default again. Who is absent keeps theirs. */
export type PolicyPatch = Readonly<Record<string, PolicyDocument | null>>

type Policies = Pick<ContainerRecord, 'policies'>

/** The container's own policy for the attachment. */
export function ownPolicyOf({ policies }: Policies, attachment: string): PolicyDocument | undefined {
  // An attachment may be named like a member that every object inherits.
  return policies !== undefined && Object.hasOwn(policies, attachment) ? policies[attachment] : undefined
}

/** The policy that stands for the attachment: the container's own, else the network's default, else none. */
export function policyFor(
  container: Policies,
  attachment: string,
  network: { readonly defaultPolicy?: PolicyDocument | undefined } | undefined,
): PolicyDocument | undefined {
  return ownPolicyOf(container, attachment) ?? network?.defaultPolicy
}

/** The container with the change. Throws `notAttached` with each name that is no attachment's; `at` opens their paths. */
export function withPatch(container: ContainerRecord, patch: PolicyPatch, at: string): ContainerRecord {
  const names = new Set(container.attachments.map(({ name }) => name))
  const unknown = Object.keys(patch).filter((name) => !names.has(name))
  if (unknown.length > 0) throw notAttached(container, unknown, at)
  const policies = new Map(Object.entries(container.policies ?? {}))
  for (const [name, document] of Object.entries(patch)) {
    if (document === null) policies.delete(name)
    else policies.set(name, document)
  }
  return withPolicies(container, policies)
}

/** The container with these attachments: policies of others end. */
export function withAttachments(
  container: ContainerRecord,
  attachments: readonly Attachment[],
): ContainerRecord {
  const names = new Set(attachments.map(({ name }) => name))
  const kept = Object.entries(container.policies ?? {}).filter(([name]) => names.has(name))
  return withPolicies({ ...container, attachments: [...attachments] }, kept)
}

function withPolicies(
  { policies: _former, ...container }: ContainerRecord,
  policies: Iterable<readonly [string, PolicyDocument]>,
): ContainerRecord {
  const entries = [...policies]
  return entries.length === 0 ? container : { ...container, policies: Object.fromEntries(entries) }
}

function notAttached(
  { handle, attachments }: ContainerRecord,
  unknown: readonly string[],
  at: string,
): ConetError {
  const known = attachments.map(({ name }) => name)
  const message =
    known.length === 0
      ? 'is no attachment of the container, which has none'
      : `is no attachment of the container, which has ${known.join(', ')}`
  return new ConetError(
    'notAttached',
    `set policy of container ${handle}: ${unknown.join(', ')} ${message}`,
    {
      fields: unknown.map((name) => ({ path: `${at}.${name}`, message })),
      details: { unknown, attachments: known },
    },
  )
}
