// What the lifecycle needs of drivers: a ready session by name. Knows no sockets.
import type { JsonSchema, Params, Ports, RequestMethod, Result, Segments } from '@conet/sdk'
import type { JsonText } from '@conet/sdk/jsonrpc'

export type CallOptions = {
  /** The same over all attempts at one operation. */
  operationId: string
  attempt?: number
  /** W3C trace context of the client's request. */
  trace?: { readonly traceparent: string; readonly tracestate?: string }
  /** The method's own default otherwise. */
  timeoutMs?: number
  signal?: AbortSignal
}

/** What the lifecycle asks of a driver by; `initialize` is the session's own. */
export type CallMethod = Exclude<RequestMethod, 'initialize'>

/** A connected driver. Calls made one after the other without awaiting are sent, and served per object, in that order. */
export type DriverSession = {
  readonly driver: {
    readonly name: string
    readonly limits: { readonly maxMessageBytes: number }
    readonly configSchema?: JsonSchema | undefined
    readonly policySchema?: JsonSchema | undefined
    readonly capabilities: {
      readonly methods: readonly string[]
      readonly scope: 'local' | 'global'
      readonly ipam?: 'host' | 'driver' | undefined
      readonly sandbox?: 'container' | 'private' | undefined
      readonly plugCreates?: boolean | undefined
      readonly segments?: Segments | undefined
      readonly ports?: Ports | undefined
    }
  }
  readonly documents: {
    /**
     * Rejects with `invalidArgument` and the fields that the driver's own schema refuses (`at` opens their paths), or
     * with `deadlineExceeded` when the schema takes too long over the document.
     */
    check(kind: 'config' | 'attachment' | 'policy', document: object, at: string): Promise<void>
  }
  call<M extends CallMethod>(method: M, params: Params<M>, options: CallOptions): Promise<Result<M>>
}

/** A driver that has just connected, and nobody else's calls go to. */
export type SyncedSession = DriverSession & {
  /** One page of `driver/sync`, as JSON. */
  sync(page: JsonText, options: CallOptions): Promise<Result<'driver/sync'>>
}

export type DriverAccess = {
  /**
   * The ready session of that driver. Waits a little for one that is on its way; otherwise fails at once with
   * `unknownDriver` (naming the known ones) or `driverUnavailable` (with the state and the last error).
   */
  require(name: string, options?: { signal?: AbortSignal }): Promise<DriverSession>
  /** That session if calls go through now, without a wait. */
  available(name: string): DriverSession | undefined
  /** Whether a driver of that name is connected, or may be in a moment. */
  isThere(name: string): boolean
  /** `ready`, or what stands in the way, for people. */
  stateOf(name: string): string
}
