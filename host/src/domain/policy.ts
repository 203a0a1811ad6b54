// Which policy stands for each attachment of a container, and what a change by name makes of that. What is in a document
// only its driver knows.
import { ConetError } from '@conet/sdk'
import type { Attachment, ContainerRecord } from './container.ts'
import { asKept, entriesOf, joined, notIn, partedByNumber, withFurther } from './garden-policy.ts'

export type PolicyDocument = Record<string, unknown>

/** By attachment: the document that is to stand for it; `null`: the network's default again. Who is absent keeps theirs. */
export type PolicyPatch = Readonly<Record<string, PolicyDocument | null>>

type Policies = Pick<ContainerRecord, 'policies' | 'specPolicies' | 'policyAdditions' | 'furtherPorts'>
type Member = keyof Policies
type Network = { readonly defaultPolicy?: PolicyDocument | undefined }

/** The container's own policy for the attachment: what a client has said of it. */
export function ownPolicyOf(container: Policies, attachment: string): PolicyDocument | undefined {
  return ofMember(container, 'policies', attachment) ?? ofMember(container, 'specPolicies', attachment)
}

/** What its runtime has added for the attachment. */
export function additionsOf(container: Policies, attachment: string): PolicyDocument | undefined {
  const further = ofMember(container, 'furtherPorts', attachment)
  const added = ofMember(container, 'policyAdditions', attachment)
  return further === undefined ? added : joined(added ?? {}, further)
}

/** How many ports at the end of the policy's list are none of any document's: each is its call's, whatever becomes of the others. */
export function furtherPortCount(container: Policies, attachment: string): number {
  return entriesOf(ofMember(container, 'furtherPorts', attachment) ?? {}, 'net_in').length
}

/** Whether what stands for the attachment is more, or something else, than the network's default. */
export function hasOwnPolicy(container: Policies, attachment: string): boolean {
  return (ownPolicyOf(container, attachment) ?? additionsOf(container, attachment)) !== undefined
}

/** The policy that stands for the attachment: the container's own, else the network's default, else none; and what was added. */
export function policyFor(
  container: Policies,
  attachment: string,
  network: Network | undefined,
): PolicyDocument | undefined {
  const policy = withoutFurtherPorts(container, attachment, network)
  const further = ofMember(container, 'furtherPorts', attachment)
  return further === undefined ? policy : joined(policy ?? {}, further)
}

function withoutFurtherPorts(
  container: Policies,
  attachment: string,
  network: Network | undefined,
): PolicyDocument | undefined {
  const said = ownPolicyOf(container, attachment) ?? network?.defaultPolicy
  const added = ofMember(container, 'policyAdditions', attachment)
  return added === undefined ? said : withFurther(said ?? {}, added)
}

/** Whose the document is, behind which additions stand. */
export function sourceOf(
  container: Policies,
  attachment: string,
  network: Network | undefined,
): 'container' | 'default' | 'none' {
  if (ownPolicyOf(container, attachment) !== undefined) return 'container'
  return network?.defaultPolicy === undefined ? 'none' : 'default'
}

/** The container with the change. Throws `notAttached` with each name that is no attachment's; `at` opens their paths. */
export function withPatch(container: ContainerRecord, patch: PolicyPatch, at: string): ContainerRecord {
  const names = new Set(container.attachments.map(({ name }) => name))
  const unknown = Object.keys(patch).filter((name) => !names.has(name))
  if (unknown.length > 0) throw notAttached(container, unknown, at)
  const rest = keeping(container, (name) => !Object.hasOwn(patch, name))
  const said = Object.entries(patch).flatMap(([name, document]) =>
    document === null ? [] : [[name, document] as const],
  )
  return withDocuments(rest, 'policies', [...Object.entries(rest.policies ?? {}), ...said])
}

/** The container with these attachments: policies of others end. */
export function withAttachments(
  container: ContainerRecord,
  attachments: readonly Attachment[],
): ContainerRecord {
  const names = new Set(attachments.map(({ name }) => name))
  return keeping({ ...container, attachments: [...attachments] }, (name) => names.has(name))
}

/** The container with more entries behind what was added before: all of them, since what they stand behind may change. */
export function withAdditions(
  container: ContainerRecord,
  attachment: string,
  entries: PolicyDocument,
): ContainerRecord {
  return withJoined(container, 'policyAdditions', attachment, entries)
}

type Place = { readonly attachment: string; readonly network: Network | undefined }

/** As `withAdditions`, of what a call asks for: a port of any number is one more than there are. */
export function withMore(
  container: ContainerRecord,
  attachment: string,
  entries: PolicyDocument,
): ContainerRecord {
  const { numbered, any } = partedByNumber(entries)
  const added = ofMember(container, 'policyAdditions', attachment) ?? {}
  const withNumbered = withAdditions(container, attachment, notIn(added, numbered))
  return withJoined(withNumbered, 'furtherPorts', attachment, any)
}

/** As `withAdditions`, of what keeps the policy's port at that place in its list, whatever becomes of the document that asks for it. */
export function withPortKept(container: ContainerRecord, place: Place, port: number): ContainerRecord {
  const { attachment, network } = place
  const policy = withoutFurtherPorts(container, attachment, network) ?? {}
  const added = ofMember(container, 'policyAdditions', attachment) ?? {}
  return withAdditions(container, attachment, asKept(port, { policy, added }))
}

/** As a client has it, whatever its runtime has said. */
export function withoutAdditions(container: ContainerRecord): ContainerRecord {
  const { policyAdditions, furtherPorts } = container
  if (policyAdditions === undefined && furtherPorts === undefined) return container
  return withDocuments(withDocuments(container, 'policyAdditions', []), 'furtherPorts', [])
}

function withJoined(
  container: ContainerRecord,
  member: Member,
  attachment: string,
  entries: PolicyDocument,
): ContainerRecord {
  const before = ofMember(container, member, attachment) ?? {}
  const all = joined(before, entries)
  if (all === before) return container
  return withDocuments(container, member, [...Object.entries(container[member] ?? {}), [attachment, all]])
}

function ofMember(container: Policies, member: Member, attachment: string): PolicyDocument | undefined {
  const documents = container[member]
  // An attachment may be named like a member that every object inherits.
  return documents !== undefined && Object.hasOwn(documents, attachment) ? documents[attachment] : undefined
}

function keeping(container: ContainerRecord, isKept: (attachment: string) => boolean): ContainerRecord {
  const members = ['policies', 'specPolicies', 'policyAdditions', 'furtherPorts'] as const
  return members.reduce((kept, member) => {
    const documents = Object.entries(kept[member] ?? {})
    return withDocuments(
      kept,
      member,
      documents.filter(([name]) => isKept(name)),
    )
  }, container)
}

function withDocuments(
  record: ContainerRecord,
  member: Member,
  documents: Iterable<readonly [string, PolicyDocument]>,
): ContainerRecord {
  const { [member]: _former, ...container } = record
  const entries = [...documents]
  return entries.length === 0 ? container : { ...container, [member]: Object.fromEntries(entries) }
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
