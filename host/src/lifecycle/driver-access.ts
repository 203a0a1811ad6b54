// What the lifecycle needs of drivers: a ready session by name. Knows no sockets.
import type { Params, RequestMethod, Result } from '@conet/sdk'

export type CallOptions = {
  /** The same over all attempts at one operation. */
  operationId: string
  attempt?: number
  /** The method's own default otherwise. */
  timeoutMs?: number
  signal?: AbortSignal
}

/** A connected driver. Calls made one after the other without awaiting are sent, and served per object, in that order. */
export interface DriverSession {
  readonly name: string
  call<M extends RequestMethod>(method: M, params: Params<M>, options: CallOptions): Promise<Result<M>>
  /** Throws `invalidArgument` with the fields that the driver's own schema refuses; `at` opens their paths. */
  checkConfig(document: unknown, at: string): void
  checkOptions(document: unknown, at: string): void
}

export interface DriverAccess {
  /**
   * The ready session of that driver. Waits a little for one that is on its way; otherwise fails at once with
   * `unknownDriver` (naming the known ones) or `driverUnavailable` (with the state and the last error).
   */
  require(name: string, options?: { signal?: AbortSignal }): Promise<DriverSession>
  /** `ready`, or what stands in the way, for people. */
  stateOf(name: string): string
}
