// Entries that a client adds at the end of a policy's list, when one of them is refused: it knows those it has sent and
// not what is in the list before them.
import { ConetError } from '@conet/sdk'

export type SentEntries = {
  readonly member: 'net_in' | 'net_out'
  /** How many entries the list had before. */
  readonly before: number
  /** What the sender calls the entry; the first one is 0. */
  readonly nameOf: (index: number) => string
}

/** The same error about what was sent, or what was given when it is about something else. */
export function aboutSent(error: unknown, { member, before, nameOf }: SentEntries): unknown {
  if (!ConetError.is(error)) return error
  const place = new RegExp(`[\\w.-]*\\b${member}\\[(\\d+)\\]`, 'g')
  const renamed = (text: string) =>
    text.replace(place, (whole, index) => (Number(index) < before ? whole : nameOf(Number(index) - before)))
  const { kind, message, fields, details, operationState, help } = error
  return new ConetError(kind, renamed(message), {
    cause: error,
    fields: fields.map((field) => ({ ...field, path: renamed(field.path) })),
    details: { ...details },
    operationState,
    ...(help === undefined ? {} : { help }),
  })
}
