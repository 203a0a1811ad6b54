// The states of the host's session with one driver socket, and every step between them. Pure: no socket, no timer.
//
//            retry                 connected           accepted          synced         missed
//   closed ─────────► dialing ───────────► initializing ──────► syncing ──────► ready ◄─────────► degraded
//     ▲                  │                      │  │                │             │    recovered      │
//     │                  │                      │  │ refused        │             │                 │
//     └──────lost────────┴──────────────────────┘  ▼                └────lost─────┴──────lost───────┘──► closed
//                        ▲     reconsidered     rejected
//                        └─────────────────────────┘              removed, from every state: gone
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
  /** Not connected; waits before the next try. */
  | 'closed'
  /** Refused for a reason that stays until the socket changes. */
  | 'rejected'
  /** The socket is no longer in the directory. The end. */
  | 'gone'

export type SessionStep =
  | 'connected'
  | 'accepted'
  | 'refused'
  | 'synced'
  /** A call or a ping was not answered within its time. */
  | 'missed'
  /** A ping was answered. */
  | 'recovered'
  /** The connection ended or was never made. */
  | 'lost'
  /** The back-off is over. */
  | 'retry'
  /** What it was refused for has changed: the other driver of its name is gone. */
  | 'reconsidered'
  | 'removed'

export const transitions = {
  dialing: { connected: 'initializing', lost: 'closed', removed: 'gone' },
  initializing: { accepted: 'syncing', refused: 'rejected', lost: 'closed', removed: 'gone' },
  syncing: { synced: 'ready', missed: 'syncing', recovered: 'syncing', lost: 'closed', removed: 'gone' },
  ready: { missed: 'degraded', recovered: 'ready', lost: 'closed', removed: 'gone' },
  degraded: { missed: 'degraded', recovered: 'ready', lost: 'closed', removed: 'gone' },
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
  return state === 'dialing' || state === 'initializing' || state === 'syncing'
}

/** The driver was accepted and its connection stands: its name is taken. */
export function holdsName(state: SessionState): boolean {
  return state === 'syncing' || takesCalls(state)
}
