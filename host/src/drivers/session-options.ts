// What a session is given: whom it speaks for, how patient it is, and who hears of it.
import type { ConetError } from '@conet/sdk'
import type { DiscoveredSocket } from './discovery.ts'
import type { Role } from './driver-connection.ts'
import type { DriverLink, SyncCalls } from './driver-link.ts'
import type { NoticeSinks } from './driver-notices.ts'
import type { DriverIdentity, HostIdentity } from './handshake.ts'
import type { IsolatedChecks } from './isolated-checks.ts'
import type { Health } from './prober.ts'
import type { Session } from './session.ts'
import type { SyncAnswers } from './sync-answers.ts'
import type { ViolationKind } from './violations.ts'

export type SessionTiming = {
  readonly connectTimeoutMs: number
  /** For one call on a network or endpoint. */
  readonly callTimeoutMs: number
  /** The most that the driver's word of progress can extend a call to. */
  readonly mostCallTimeoutMs: number
  readonly pingIntervalMs: number
  readonly pingTimeoutMs: number
  readonly probeIntervalMs: number
  /** From a call that failed to the probe that it causes. */
  readonly probeAfterFailureMs: number
  /** For a driver that was relieved to end what it does. */
  readonly drainTimeoutMs: number
  /** How long a driver that was relieved stays connected, in case the newcomer fails. */
  readonly rollbackWindowMs: number
  readonly firstBackoffMs: number
  readonly mostBackoffMs: number
  /** A session that was ready for as long begins its next back-off anew. */
  readonly stableMs: number
}

export const defaultSessionTiming: SessionTiming = {
  connectTimeoutMs: 2_000,
  callTimeoutMs: 30_000,
  mostCallTimeoutMs: 300_000,
  pingIntervalMs: 10_000,
  pingTimeoutMs: 3_000,
  probeIntervalMs: 60_000,
  probeAfterFailureMs: 1_000,
  drainTimeoutMs: 30_000,
  rollbackWindowMs: 30_000,
  firstBackoffMs: 100,
  mostBackoffMs: 10_000,
  stableMs: 10_000,
}

export type SyncOptions = {
  readonly signal: AbortSignal
  /** Beside the instance that works: what it has beyond what should be is left alone. */
  readonly isStandby?: boolean
}

/** Tells a driver what should be, and makes it so. */
export type Sync = (driver: SyncCalls, options: SyncOptions) => Promise<void>

/** Where a session's words about its driver go. */
export type SessionSinks = NoticeSinks & {
  /** The driver did something against the protocol. `driver`: its name, or that of its socket. */
  violation(driver: string, kind: ViolationKind, message: string): void
  /** The driver became unhealthy, or well again. */
  health(driver: string, health: Health): void
}

export type SessionOptions = {
  readonly socket: DiscoveredSocket
  readonly host: HostIdentity
  readonly timing: SessionTiming
  readonly sinks: SessionSinks
  readonly isolatedChecks: IsolatedChecks
  readonly syncAnswers: SyncAnswers
  /** The last word on a driver that passed the handshake: as what it is used, or why it is not. */
  admit(session: Session, driver: DriverIdentity): Role | ConetError
  readonly sync: Sync
  /** Prepares a standby, and makes it active when that may be. Throws when it cannot be. */
  succeed(standby: Session, link: DriverLink, signal: AbortSignal): Promise<void>
  onChange(session: Session): void
  /** Gets bugs: what a sink threw. */
  onError(error: unknown): void
}
