// What accompanies the calls that one operation makes on drivers.
import type { CallOptions } from './driver-access.ts'
import type { Operation } from './host-context.ts'

/** Ends when the operation's caller gives up. */
export function callFor(operation: Operation): CallOptions {
  const { signal } = operation
  return signal === undefined ? callToItsEnd(operation) : { ...callToItsEnd(operation), signal }
}

/** What was begun must end: the caller's patience does not count, the call's own deadline does. */
export function callToItsEnd({ id, attempt, trace }: Operation): CallOptions {
  return {
    operationId: id,
    ...(attempt !== undefined && { attempt }),
    ...(trace !== undefined && { trace }),
  }
}
