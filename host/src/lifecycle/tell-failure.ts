// A failure as an event, for who was not there to be told: journals and streams have it.
import { ConetError } from '@conet/sdk'
import type { EventLog, HostEvent } from './event-log.ts'

/** Runs `work`; when it fails there is an event `failed` with the error. */
export async function tellingFailure<T>(
  events: EventLog,
  failed: HostEvent,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    events.append({ ...failed, ...told(error) })
    throw error
  }
}

function told(error: unknown): Pick<HostEvent, 'message' | 'error'> {
  if (!ConetError.is(error)) return { message: error instanceof Error ? error.message : String(error) }
  const { kind, code, message, retryable } = error
  const fields = error.fields.map((field) => ({ ...field }))
  return { message, error: { kind, code, message, retryable, ...(fields.length > 0 && { fields }) } }
}
