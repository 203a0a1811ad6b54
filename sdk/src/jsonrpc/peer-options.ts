// How a peer is set up, and how it is closed.
import type { ConetError, ErrorKind } from '../errors/index.ts'
import type { ViolationKind } from './dispatcher.ts'
import type { PeerLimits } from './limits.ts'
import type { PaceOptions } from './pace.ts'

/** How a peer is set up. */
export type PeerOptions = {
  /** Gets what is a bug here and not the other side's business: what a handler or a listener threw. */
  onError(error: unknown, method: string): void
  /** Gets what the other side did wrong without harm to the connection; `violations` is their number. */
  onViolation?(violation: ConetError, kind: ViolationKind): void
  /** How calls fail when the connection ends before their answer; `driverUnavailable` by default. */
  readonly closedKind?: ErrorKind
  /** The names starting with `$/` that the handlers know; other requests are refused, notifications ignored. */
  readonly reservedMethods?: readonly string[]
  /**
   * Requests that are let through beyond `maxInFlight`, of which they take nothing: such as are answered at once, so
   * that their number stays small.
   */
  readonly urgentMethods?: readonly string[]
  readonly limits?: Partial<PeerLimits>
  /** Instead of `JSON.parse`, for who has read most of a text before: it has to make the same of it. */
  readonly parse?: (text: string) => unknown
  /** Reads what nobody awaits no faster than that; by default as fast as it comes. */
  readonly pace?: PaceOptions
}

/** How patiently a connection is closed. */
export type CloseOptions = {
  /** How long calls under way may take; then the connection is cut. 5 s by default. */
  readonly timeoutMs?: number
}
