// What the author of a driver implements. Sockets, framing, handshake, validation and order are the SDK's.
import type {
  CreateEndpointParams,
  CreateEndpointResult,
  DriverEvent,
  DriverLog,
  EndpointRef,
  JsonSchema,
  Network,
  PlugParams,
  PlugResult,
  ProbeResult,
  UnplugParams,
} from '../protocol/index.ts'

/** What a method knows of the call it serves, beside its parameters. */
export type Call = {
  /** The same over all attempts at one operation. */
  readonly operationId: string
  /** 1 at first. */
  readonly attempt: number
  /** Aborts when the host gives the call up, when its time is over, and when the connection ends. */
  readonly signal: AbortSignal
  /** Says what differed from what should be and was mended; the host shows it after a sync. */
  repaired(what: string): void
  /** A line for the host's log, with the ids of this call. */
  log(level: DriverLog['level'], message: string, fields?: Record<string, unknown>): void
}

/**
 * A network driver. The SDK runs the calls on one endpoint one after the other in the order in which they
 * arrive, and those on a network after those before it on that network; all others run side by side.
 * Every method may be called again with the same parameters and then must succeed with the same result;
 * `deleteNetwork`, `unplug` and `deleteEndpoint` succeed when what they name is gone or was never known.
 * A method that fails leaves nothing behind. Throw ConetError for what users should read.
 */
export type Driver = {
  /** Unique on the host: lower case letters, digits, dots, dashes. Networks name it as their type. */
  readonly name: string
  readonly vendor?: string
  /** The product's version, semver. */
  readonly version: string
  /** `global` for a driver whose networks span hosts. Default `local`. */
  readonly scope?: 'local' | 'global'
  /** What a network's `config` may hold. The host refuses other documents before it calls. */
  readonly configSchema?: JsonSchema
  /** What an attachment's `options` may hold. */
  readonly attachmentSchema?: JsonSchema
  readonly policySchema?: JsonSchema
  /** `driver`: `createEndpoint` answers with the addresses of the endpoint. Default `host`. */
  readonly ipam?: 'host' | 'driver'
  /** True: a second instance may run beside this one, and takes over from it. Default false. */
  readonly hotUpgrade?: boolean

  createNetwork(network: Network, call: Call): Promise<void>
  /** All endpoints are gone before; only the id is known, maybe of a network of a former life. */
  deleteNetwork(networkId: string, call: Call): Promise<void>
  /** The networks that exist, also those nobody asked for: from the kernel or the driver's own records. */
  listNetworks(call: Call): Promise<string[]>

  /**
   * Reserves what the endpoint needs before there is a sandbox. Resolves to its addresses if `ipam` is `driver`, else
   * to nothing.
   */
  createEndpoint(params: CreateEndpointParams, call: Call): Promise<CreateEndpointResult> | Promise<void>
  /** Also ends a plug that is still there. */
  deleteEndpoint(endpoint: EndpointRef, call: Call): Promise<void>
  /** The endpoints that exist, also those nobody asked for. */
  listEndpoints(call: Call): Promise<EndpointRef[]>

  /** Connects the endpoint and the sandbox. Repeated with the same sandbox: checks, mends, answers the same. */
  plug(params: PlugParams, call: Call): Promise<PlugResult>
  /** The sandbox may be gone already. */
  unplug(params: UnplugParams, call: Call): Promise<void>

  /** Optional. Looks at what the driver depends on; called now and then, and after failures. Changes nothing. */
  probe?(call: Call): Promise<ProbeResult>
  /**
   * Optional. Another instance has taken over: ends what this one does of its own accord (timers, watches). Calls under
   * way have ended, and none come unless the host takes it back, with a sync. May be repeated.
   */
  drain?(call: Call): Promise<void>

  /**
   * Optional. Called once, before the first call, when a host is connected; again with the next call if it failed,
   * and calls fail with `notReady` until it succeeds.
   */
  start?(host: HostHandle): Promise<void>
  /**
   * Optional. Called once, after the last call, before the process ends; not if there is a `start` that was never
   * called. Networks stay as they are.
   */
  stop?(): Promise<void>
}

/** The way from a driver to its host. Nothing here waits for an answer. */
export type HostHandle = {
  event(event: DriverEvent): void
  log(line: DriverLog): void
  /** A driver is ready from the start unless it says otherwise. */
  readiness(ready: boolean, reason?: string): void
}
