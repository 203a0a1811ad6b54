// The states of the host's session with one driver socket, and every step between them. Pure: no socket, no timer.
// docs/architecture.md draws them, and a test holds drawing and table together.
import { ConetError } from '@conet/sdk'

export type SessionState =
  /** Connecting to the socket. */
  | 'dialing'
  /** Connected; `initialize` is not answered yet. */
  | 'initializing'
  /** Accepted; the host says what should be, and others wait. */
  | 'syncing'
  /** Takes calls. */
  | 'ready'
  /** Takes calls, but left one unanswered within its time. */
  | 'degraded'
  /** Accepted beside the instance that works; told what should be, and takes over when it may. */
  | 'standby'
  /** Another instance has taken over; connected for a while, in case that one fails. */
  | 'draining'
  /** Not connected; waits before the next try. */
  | 'closed'
  /** Refused for a reason that stays until the socket changes. */
  | 'rejected'
  /** The socket is no longer in the directory. The end. */
  | 'gone'

export type SessionStep =
  | 'connected'
  | 'accepted'
  /** Accepted, as the second of its name. */
  | 'seconded'
  | 'refused'
  | 'synced'
  /** A call or a ping was not answered within its time. */
  | 'missed'
  /** A call or a ping was answered that was sent after that. */
  | 'answered'
  /** The standby takes over. */
  | 'promoted'
  /** The standby has taken over from this one. */
  | 'relieved'
  /** The one that had taken over is lost: this one is told anew what should be. */
  | 'recalled'
  /** The connection ended or was never made. */
  | 'lost'
  /** The back-off is over. */
  | 'retry'
  /** What it was refused for has changed: the other driver of its name is gone. */
  | 'reconsidered'
  | 'removed'

export const transitions = {
  dialing: { connected: 'initializing', lost: 'closed', removed: 'gone' },
  initializing: {
    accepted: 'syncing',
    seconded: 'standby',
    refused: 'rejected',
    lost: 'closed',
    removed: 'gone',
  },
  syncing: { synced: 'ready', missed: 'syncing', lost: 'closed', removed: 'gone' },
  ready: { missed: 'degraded', relieved: 'draining', lost: 'closed', removed: 'gone' },
  degraded: {
    missed: 'degraded',
    answered: 'ready',
    relieved: 'draining',
    lost: 'closed',
    removed: 'gone',
  },
  standby: { missed: 'standby', promoted: 'ready', lost: 'closed', removed: 'gone' },
  draining: {
    missed: 'draining',
    recalled: 'syncing',
    refused: 'rejected',
    lost: 'closed',
    removed: 'gone',
  },
  closed: { retry: 'dialing', removed: 'gone' },
  rejected: { reconsidered: 'dialing', removed: 'gone' },
  gone: {},
} as const satisfies Record<SessionState, Partial<Record<SessionStep, SessionState>>>

/** Throws `internal` for a step that the table does not have: a bug in the session. */
export function nextState(state: SessionState, step: SessionStep): SessionState {
  const steps: Partial<Record<SessionStep, SessionState>> = transitions[state]
  const next = steps[step]
  if (next === undefined)
    throw new ConetError('internal', `driver session: no step "${step}" from "${state}"`)
  return next
}

/** Calls go through. */
export function takesCalls(state: SessionState): boolean {
  return state === 'ready' || state === 'degraded'
}

/** An attempt is under way that may end in `ready`. */
export function isUnderWay(state: SessionState): boolean {
  return state === 'dialing' || state === 'initializing' || state === 'syncing' || state === 'standby'
}

/** The driver was accepted and its connection stands: its name is taken. */
export function holdsName(state: SessionState): boolean {
  return state === 'syncing' || takesCalls(state)
}

/** Accepted and connected, in whatever role. */
export function isConnected(state: SessionState): boolean {
  return holdsName(state) || state === 'standby' || state === 'draining'
}
