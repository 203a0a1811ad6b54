// A driver's own words about a call that the host made by itself: nobody who reads them later knows which it was.
import { ConetError } from '@conet/sdk'

/** The same failure with the call in front, unless its message has it. */
export function namedAfter(method: string, error: unknown): unknown {
  if (!ConetError.is(error) || error.message.includes(method)) return error
  const { kind, message, fields, details, operationState, help } = error
  return new ConetError(kind, `${method}: ${message}`, {
    ...{ cause: error, fields: [...fields], details, operationState },
    ...(help !== undefined && { help }),
  })
}
