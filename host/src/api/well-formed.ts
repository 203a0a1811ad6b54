// Half of a surrogate pair: JSON can write one as an escape, UTF-8 cannot. Kept, it would be an escape in answers too, which
// other programs refuse: a whole list could not be read for one label.
import type { FieldError } from '@conet/sdk'

const halfPair = /\p{Surrogate}/u
/** Bytes of UTF-8 have none, so that only an escape can bring one. */
const escapedSurrogate = /\\u[dD][89a-fA-F]/

type Placed = { readonly value: unknown; readonly path: string }

/** The first text in the document of `json` that is not well-formed Unicode; undefined where all are. No recursion. */
export function illFormedText(json: string, document: unknown): FieldError | undefined {
  if (!escapedSurrogate.test(json)) return undefined
  let level: Placed[] = [{ value: document, path: '' }]
  while (level.length > 0) {
    for (const placed of level) {
      const message = faultOf(placed.value)
      if (message !== undefined) return { path: placed.path || 'body', message }
    }
    level = level.flatMap(membersOf)
  }
  return undefined
}

function faultOf(value: unknown): string | undefined {
  if (typeof value === 'string')
    return halfPair.test(value) ? 'is not well-formed Unicode: it has half of a surrogate pair' : undefined
  if (typeof value !== 'object' || value === null) return undefined
  // The name itself could not be shown.
  return Object.keys(value).some((key) => halfPair.test(key))
    ? 'has a member whose name is not well-formed Unicode: it has half of a surrogate pair'
    : undefined
}

function membersOf({ value, path }: Placed): Placed[] {
  if (typeof value !== 'object' || value === null) return []
  const of = (key: string) =>
    Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`
  return Object.entries(value).map(([key, member]) => ({ value: member, path: of(key) }))
}
