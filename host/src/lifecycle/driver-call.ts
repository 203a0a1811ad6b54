// What accompanies the calls that one operation makes on drivers.
import { ConetError } from '@conet/sdk'
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

/** What was asked can wait until the driver is back. */
export function isDriverAway(error: unknown): boolean {
  return ConetError.is(error, 'driverUnavailable') || ConetError.is(error, 'unknownDriver')
}
