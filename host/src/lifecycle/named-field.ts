// Says which field of a request a failure is about, where what failed knows no requests.
import { ConetError } from '@conet/sdk'
import { retold } from './retold.ts'

/** Runs `work`; a ConetError of it that names no field names `path`. */
export function about<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw namingField(error, path)
  }
}

/** The same error with the field, or what was given when it names one already or is no ConetError. */
export function namingField(error: unknown, path: string): unknown {
  if (!ConetError.is(error) || error.fields.length > 0) return error
  return retold(error, { fields: [{ path, message: error.message }] })
}
