// Why a driver cannot be called, for those who asked for it.
import { ConetError } from '@conet/sdk'
import type { SessionFailure } from './session-record.ts'
import type { SessionState } from './session-state.ts'

export type AbsentDriver = {
  /** Its own, or its socket where it has not said that. */
  readonly name: string
  readonly state: SessionState
  readonly lastError: SessionFailure | undefined
}

/** It has a socket and takes no calls; `what` was to be done. */
export function unavailable({ name, state, lastError }: AbsentDriver, what: string): ConetError {
  const why = lastError === undefined ? '' : `: ${lastError.message}`
  return new ConetError('driverUnavailable', `driver "${name}": ${what}: it is ${state}${why}`, {
    details: { driver: name, state, lastError },
  })
}

/** It is known, and there is no socket of it that can be used. */
export function withoutSocket(name: string, why: string | undefined): ConetError {
  const reason = why === undefined ? '' : `: ${why}`
  return new ConetError('driverUnavailable', `driver "${name}" has no socket${reason}`, {
    details: { driver: name, state: 'gone' },
  })
}

/** Nobody has heard of it. */
export function unknown(name: string, known: readonly string[]): ConetError {
  const list = known.length === 0 ? 'none' : known.join(', ')
  return new ConetError('unknownDriver', `there is no driver "${name}"; known drivers: ${list}`, {
    details: { driver: name, known },
  })
}

/** The caller left while it waited for a driver that was coming. */
export function waitGivenUp(name: string, signal: AbortSignal): ConetError {
  return new ConetError('cancelled', `wait for driver "${name}": given up by the caller`, {
    cause: signal.reason,
    operationState: 'not-started',
  })
}
