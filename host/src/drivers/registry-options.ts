// What the registry is given, and what it is asked with.
import type { DriverEntry } from './driver-entry.ts'
import type { HostIdentity } from './handshake.ts'
import type { SeatRecords } from './seat-order.ts'
import type { SessionSinks, SessionTiming, Sync } from './session-options.ts'
import type { SupervisedState } from './supervised-driver.ts'
import type { VersionRules } from './version-rules.ts'

/** What the registry asks the supervisor. */
export type Supervision = {
  names(): string[]
  stateOf(name: string): SupervisedState | undefined
  isComing(name: string): boolean
}

export type RegistryOptions = {
  readonly host: HostIdentity
  readonly sinks: SessionSinks
  /** Absent: what is known of instances ends with the host. */
  readonly seats?: SeatRecords
  /** After each connect, and before others may call the driver. */
  readonly sync: Sync
  /** The state of a driver changed. */
  onChange(entry: DriverEntry): void
  /** Gets bugs. */
  onError(error: unknown): void
  readonly supervision?: Supervision
  readonly timing?: Partial<SessionTiming>
  readonly versionRules?: VersionRules
}

export type RequireOptions = {
  /** The caller's time; never more than 5 s are waited. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}
