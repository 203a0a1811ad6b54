// An expected failure in other words: what is not said anew stays as it was.
import { ConetError, type ConetErrorOptions } from '@conet/sdk'

export type Retelling = Omit<ConetErrorOptions, 'cause'> & { readonly message?: string }

export function retold(error: ConetError, { message = error.message, ...changed }: Retelling): ConetError {
  return new ConetError(error.kind, message, { ...contentOf(error), ...changed })
}

/** For another error on the same failure. */
export function contentOf(error: ConetError): ConetErrorOptions {
  const { fields, details, operationState, help } = error
  return {
    cause: error,
    fields: [...fields],
    details: { ...details },
    operationState,
    ...(help !== undefined && { help }),
  }
}
