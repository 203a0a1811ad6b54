// Half of a surrogate pair: JSON can write one as an escape, UTF-8 cannot. Kept, it would be an escape in answers too, which
// other programs refuse: a whole list could not be read for one label.
import type { FieldError } from '@conet/sdk'

const halfPair = /\p{Surrogate}/u
/** An escape opens with a backslash that is not escaped itself. */
const opening = String.raw`(?<!\\)(?:\\\\)*\\u`
const firstHalf = String.raw`${opening}[dD][89abAB][\da-fA-F]{2}`
const secondHalf = '[dD][c-fC-F]'
/** Bytes of UTF-8 have no halves, so that only an escape can bring one. Found in a time that grows as the text does. */
const loneEscape = new RegExp(
  String.raw`${firstHalf}(?!\\u${secondHalf})|(?<!${firstHalf})${opening}${secondHalf}`,
)

/** What is being looked through: its members, and at which of them the search is. */
type Open = { readonly of: object; readonly members: readonly unknown[]; at: number }

/** The first text in the document of `json` that is not well-formed Unicode; undefined where all are. */
export function illFormedText(json: string, document: unknown): FieldError | undefined {
  // Only then: programs that keep to ASCII write each emoji as two escapes, and a search holds up all other requests.
  return loneEscape.test(json) ? searched(document) : undefined
}

/** No recursion: a document may be deeper than the stack. */
function searched(document: unknown): FieldError | undefined {
  const way: Open[] = [opened([document])]
  for (let inner = way.at(-1); inner !== undefined; inner = way.at(-1)) {
    inner.at += 1
    if (inner.at === inner.members.length) way.pop()
    else {
      const value = inner.members[inner.at]
      const message = faultOf(value)
      if (message !== undefined) return { path: pathOf(way.slice(1)) || 'body', message }
      if (typeof value === 'object' && value !== null) way.push(opened(value))
    }
  }
  return undefined
}

function opened(of: object): Open {
  return { of, members: Array.isArray(of) ? of : Object.values(of), at: -1 }
}

function pathOf(way: readonly Open[]): string {
  const steps = way.map(({ of, at }) => (Array.isArray(of) ? `[${at}]` : `.${Object.keys(of)[at]}`))
  return steps.join('').replace(/^\./, '')
}

function faultOf(value: unknown): string | undefined {
  if (typeof value === 'string')
    return halfPair.test(value) ? 'is not well-formed Unicode: it has half of a surrogate pair' : undefined
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  // The name itself could not be shown.
  return Object.keys(value).some((key) => halfPair.test(key))
    ? 'has a member whose name is not well-formed Unicode: it has half of a surrogate pair'
    : undefined
}
