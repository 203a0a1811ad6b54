// Why a driver cannot be called, for those who asked for it.
import { basename } from 'node:path'
import { ConetError } from '@conet/sdk'
import type { DiscoveredSocket } from './discovery.ts'
import type { Session } from './session.ts'
import type { SessionFailure } from './session-record.ts'
import type { SessionState } from './session-state.ts'
import { isSocketOf, mayBeSocketOf } from './socket-name.ts'
import type { SupervisedState } from './supervised-driver.ts'

export type AbsentDriver = {
  /** Its own, or its socket where it has not said that. */
  readonly name: string
  readonly state: SessionState
  readonly lastError: SessionFailure | undefined
}

/** It has a socket and takes no calls; `what` was to be done. */
export function unavailable(
  { name, state, lastError }: AbsentDriver,
  what: string,
  help = `see why: conet driver inspect ${name}`,
): ConetError {
  const why = lastError === undefined ? '' : `: ${lastError.message}`
  return new ConetError('driverUnavailable', `driver "${name}": ${what}: it is ${state}${why}`, {
    details: { driver: name, state, lastError },
    help,
  })
}

export type Absence = {
  /** Those that are, or may turn out to be, the driver of that name. */
  readonly candidates: readonly Session[]
  readonly refused: readonly DiscoveredSocket[]
  readonly known: ReadonlySet<string>
  readonly supervised: SupervisedState | undefined
}

/** Why nobody can be called under that name. */
export function absenceOf(name: string, { candidates, refused, known, supervised }: Absence): ConetError {
  const [nearest] = candidates
    .filter(({ identity, socket }) => identity !== undefined || mayBeSocketOf(socket.path, name))
    .sort((one, other) => distance(one) - distance(other))
  const waits = supervised?.state === 'waiting' ? supervised.why : undefined
  // That nobody listens at what is left of its socket follows from that.
  if (nearest?.state === 'closed' && waits !== undefined) return notRunning(name, waits)
  // It may not have said its name yet.
  if (nearest !== undefined)
    return unavailable(
      { name, state: nearest.state, lastError: nearest.record.lastError },
      'call it',
      helpAt(nearest, name),
    )
  if (!known.has(name)) return unknown(name, [...known].sort())
  const untrusted = refused.find(({ path }) => isSocketOf(path, name))
  if (untrusted?.refusal !== undefined)
    return withoutSocket(name, `${untrusted.path} is not used: ${untrusted.refusal.why}`)
  return withoutSocket(name, waits)
}

/** Until it has said its name it goes by its socket. Where nobody listens that may be what an instance of before has left. */
function helpAt({ identity, socket, state }: Session, name: string): string | undefined {
  if (identity !== undefined || isSocketOf(socket.path, name)) return undefined
  return state === 'closed' ? howToStart(name) : `see why: conet driver inspect ${basename(socket.path)}`
}

function howToStart(name: string): string {
  return `conet driver start ${name}, or where else it was started before; the ones that are there: conet driver list`
}

/** How far it is from taking calls: one that is refused is there, while a file may be all that is left of another. */
function distance({ state }: Session): number {
  if (state === 'closed') return 2
  return state === 'rejected' ? 1 : 0
}

/** The host starts it again, in a while. */
function notRunning(name: string, why: string): ConetError {
  return new ConetError('driverUnavailable', `driver "${name}" does not run: ${why}`, {
    details: { driver: name, state: 'closed' },
    help: `see why: conet driver inspect ${name}`,
  })
}

/** It is known, and there is no socket of it that can be used. */
function withoutSocket(name: string, why: string | undefined): ConetError {
  const reason = why === undefined ? '' : `: ${why}`
  return new ConetError('driverUnavailable', `driver "${name}" has no socket${reason}`, {
    details: { driver: name, state: 'gone' },
    help: howToStart(name),
  })
}

/** It is to run, and takes no calls yet. It goes on starting. */
export function takesTooLong(
  name: string,
  { timeoutMs, why }: { timeoutMs: number; why: Error },
): ConetError {
  return new ConetError(
    'driverUnavailable',
    `start driver "${name}": it takes no calls after ${timeoutMs / 1_000} s: ${why.message}`,
    { details: { driver: name }, help: `Look into its log, or again: conet driver inspect ${name}` },
  )
}

/** Nobody has heard of it. */
function unknown(name: string, known: readonly string[]): ConetError {
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
