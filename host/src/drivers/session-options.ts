// What a session is given: whom it speaks for, how patient it is, and who hears of it.
import type { ConetError } from '@conet/sdk'
import type { DiscoveredSocket } from './discovery.ts'
import type { DriverCalls } from './driver-link.ts'
import type { NoticeSinks } from './driver-notices.ts'
import type { DriverIdentity, HostIdentity } from './handshake.ts'
import type { IsolatedChecks } from './isolated-checks.ts'
import type { Session } from './session.ts'

export type SessionTiming = {
  readonly connectTimeoutMs: number
  /** For one call on a network or endpoint. */
  readonly callTimeoutMs: number
  readonly pingIntervalMs: number
  readonly pingTimeoutMs: number
  readonly firstBackoffMs: number
  readonly mostBackoffMs: number
  /** A session that was ready for as long begins its next back-off anew. */
  readonly stableMs: number
}

export const defaultSessionTiming: SessionTiming = {
  connectTimeoutMs: 2_000,
  callTimeoutMs: 30_000,
  pingIntervalMs: 10_000,
  pingTimeoutMs: 3_000,
  firstBackoffMs: 100,
  mostBackoffMs: 10_000,
  stableMs: 10_000,
}

export type SessionOptions = {
  readonly socket: DiscoveredSocket
  readonly host: HostIdentity
  readonly timing: SessionTiming
  readonly sinks: NoticeSinks
  readonly isolatedChecks: IsolatedChecks
  /** The last word on a driver that passed the handshake: why it is not used, or undefined. */
  admit(session: Session, driver: DriverIdentity): ConetError | undefined
  /** Tells the driver what should be; no one else's calls go through before it is done. */
  sync(driver: DriverCalls, signal: AbortSignal): Promise<void>
  onChange(session: Session): void
  /** Gets bugs: what a sink threw. */
  onError(error: unknown): void
}
