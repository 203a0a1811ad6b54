// Entries that a container's runtime has added behind the default policy of a network, when one of them is refused: the
// default is not at fault, and who has sent it knows of no such entries.
import { isDeepStrictEqual } from 'node:util'
import { ConetError, type FieldError } from '@conet/sdk'
import type { ContainerRecord } from '../domain/container.ts'
import { entriesOf } from '../domain/garden-policy.ts'
import { additionsOf, type PolicyDocument, policyFor, sourceOf } from '../domain/policy.ts'
import { shellWord } from '../domain/shell-word.ts'
import { retold } from './retold.ts'
import { aboutSent, type SentEntries } from './sent-entries.ts'

type Place = {
  readonly container: ContainerRecord
  readonly attachment: string
  readonly network: { readonly defaultPolicy?: PolicyDocument | undefined } | undefined
}

/** An entry of the default with additions: by its place in both, or in what was added. */
type Added = { readonly member: SentEntries['member']; readonly place: number; readonly index: number }

/** The same error with what `nameOf` calls the entries that were added, or what was given when it is about none of them. */
export function aboutAdded(error: ConetError, place: Place, nameOf: (added: Added) => string): ConetError {
  const { container, attachment, network } = place
  const added = additionsOf(container, attachment)
  if (added === undefined || sourceOf(container, attachment, network) !== 'default') return error
  const policy = policyFor(container, attachment, network) ?? {}
  const entriesIn = (member: SentEntries['member']) => ({
    member,
    nameOf: (at: number) => {
      if (at < entriesOf(network?.defaultPolicy ?? {}, member).length) return undefined
      const entry = entriesOf(policy, member)[at]
      const index = entriesOf(added, member).findIndex((one) => isDeepStrictEqual(one, entry))
      return index < 0 ? undefined : nameOf({ member, place: at, index })
    },
  })
  return aboutSent(aboutSent(error, entriesIn('net_in')), entriesIn('net_out'))
}

/** For who has sent a default, all of which is refused for one container: `at` is the path of the default. */
export function namingContainer(error: unknown, place: Place, at: string): unknown {
  if (!ConetError.is(error)) return error
  const { handle } = place.container
  const told = aboutAdded(
    error,
    place,
    ({ member, index }) => `container ${handle}, added by its runtime: ${member}[${index}]`,
  )
  if (told === error) return error
  const fields = told.fields.map(
    (field, index): FieldError =>
      field.path === error.fields[index]?.path
        ? field
        : { path: at, message: `${field.path}: ${field.message}` },
  )
  return retold(told, {
    fields,
    details: { ...told.details, container: handle },
    help: `what it has shows: conet container policy ${shellWord(handle)}`,
  })
}
