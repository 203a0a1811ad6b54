// What the author of a driver implements. Sockets, framing, handshake, validation and order are the SDK's.
import type {
  CreateEndpointParams,
  CreateEndpointResult,
  DriverEvent,
  DriverLog,
  EndpointRef,
  EndpointStats,
  InitializeParams,
  JsonSchema,
  ListedEndpoint,
  Network,
  NetworkFault,
  Peer,
  PlugParams,
  PlugResult,
  PolicyParams,
  Ports,
  ProbeResult,
  Role,
  Segments,
  Timeouts,
  UnplugParams,
} from '../protocol/index.ts'

/** What a method knows of the call it serves, beside its parameters. */
export type Call = {
  /** The same over all attempts at one operation. */
  readonly operationId: string
  /** 1 at first. */
  readonly attempt: number
  /** The caller's trace (W3C Trace Context), for spans of your own and for what you call in turn; undefined without one. */
  readonly traceparent: string | undefined
  /** What other tracers added to it. */
  readonly tracestate: string | undefined
  /** Aborts when the host gives the call up, when its time is over, and when the connection ends. */
  readonly signal: AbortSignal
  /**
   * Says how far a long call is, if the host wants to know: each word gives the call `timeouts.callMs` anew, up to
   * `timeouts.mostCallMs` in all, and `signal` aborts that much later. Call it as often as you like: at most four a
   * second are sent, the last one before the answer always. `percentage` is 0 to 100, and never shown to fall.
   */
  progress(message: string, percentage?: number): void
  /**
   * True: the host has the object on record as made, and it is to be as it was, whatever came meanwhile. So in a sync, and for an
   * endpoint that is plugged once more where it was, or where a sync wanted it and could not have it.
   */
  readonly isRepair?: boolean
  /** Says what differed from what should be and was mended; the host shows it after a sync. */
  repaired(what: string): void
  /** A line for the host's log, with the ids of this call. */
  log(level: DriverLog['level'], message: string, fields?: Record<string, unknown>): void
}

/** A change of who is on the other hosts of a network. The SDK has seen to it that no change before it is missing. */
export type PeersBatch = {
  readonly networkId: string
  /** Ids of endpoints that are gone; comes before `set`. One that you do not know is fine. */
  readonly remove: readonly string[]
  /** Endpoints that are new, or of which something changed. */
  readonly set: readonly Peer[]
  /**
   * True: a snapshot begins. What was set before, also by a process of a former life, stays until the snapshot ends, and
   * then goes unless the snapshot has set it.
   */
  readonly beginsSnapshot: boolean
  /** True: with this batch the snapshot ends. Both are true of a snapshot in one batch, both false of a mere change. */
  readonly endsSnapshot: boolean
}

/**
 * A network driver. The SDK runs the calls on one endpoint one after the other in the order in which they
 * arrive, and those on a network after those before it on that network; all others run side by side.
 * Every method may be called again with the same parameters and then must succeed with the same result;
 * `deleteNetwork`, `unplug` and `deleteEndpoint` succeed when what they name is gone or was never known.
 * Parameters are not yours to change: those of a sync are frozen, since the next sync hands out the same objects where it
 * says the same.
 * A method that fails leaves nothing behind. Throw ConetError for what users should read; a KernelError becomes
 * `kernelRefused`, anything else `internal`, with its stack in the driver's log alone.
 * When a call is given up, or its time is over, `call.signal` aborts and the host has its answer: undo what was done,
 * and what the method returns then is dropped.
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
  /** What a policy may hold: an attachment's own, and the `defaultPolicy` of a network. Needs `policy` to have an effect. */
  readonly policySchema?: JsonSchema
  /** `driver`: `createEndpoint` answers with the addresses of the endpoint. Default `host`. */
  readonly ipam?: 'host' | 'driver'
  /**
   * True: a second instance may run beside this one, is synced while this one works, and takes over from it. Both then
   * see the same kernel and the same backend. Default false.
   */
  readonly hotUpgrade?: boolean
  /**
   * `private`: the networks of a container meet in a namespace of the driver's own, which routes, and the container has one
   * interface for all its endpoints of this driver. Default `container`: each endpoint has an interface of its own.
   */
  readonly sandbox?: 'container' | 'private'
  /** For tunnels with a number in each packet: the host then gives each network a `segmentId` of its own. */
  readonly segments?: Segments
  /**
   * For policies that ask for ports of the machine: names their member with the requests. The host then gives the ports
   * out, and says which in `portMappings`. Needs `policy`.
   */
  readonly ports?: Ports
  /** How many calls of one host may be under way at once; one more fails with `overloaded`. Default 1024. */
  readonly maxInFlight?: number

  /**
   * Connects the endpoint and the sandbox; never before its `createEndpoint` has succeeded. Repeated with the same
   * sandbox: checks, mends, answers the same.
   */
  plug(params: PlugParams, call: Call): Promise<PlugResult>
  /**
   * Takes the interfaces out of the sandbox, which may be gone already, with all that was in it. `sandbox` is missing
   * where neither the host nor this process knows it.
   */
  unplug(params: UnplugParams, call: Call): Promise<void>

  /**
   * Optional. Makes what the network needs outside of containers. Repeated with the same content: checks, and mends
   * what differs.
   */
  createNetwork?(network: Network, call: Call): Promise<void>
  /**
   * Needed with `createNetwork`. All endpoints are gone before; only the id is known, maybe of a network of a former
   * life.
   */
  deleteNetwork?(networkId: string, call: Call): Promise<void>
  /**
   * Needed with whatever outlives the process. The networks that exist, also those nobody asked for: from the kernel or
   * the driver's own records. Without it, or without `createNetwork`, the SDK names those that it was told of.
   */
  listNetworks?(call: Call): Promise<string[]>
  /** Optional. Which of these have something that a repeated `createNetwork` would mend, as far as one look shows. */
  networkFaults?(call: Call): Promise<NetworkFault[]>

  /**
   * Optional. Reserves what the endpoint needs before there is a sandbox. Resolves to its addresses if `ipam` is
   * `driver`, else to nothing.
   */
  createEndpoint?(params: CreateEndpointParams, call: Call): Promise<CreateEndpointResult> | Promise<void>
  /** Needed with `createEndpoint`. Also ends a plug that is still there. Without it: `unplug`. */
  deleteEndpoint?(endpoint: EndpointRef, call: Call): Promise<void>
  /**
   * Needed with whatever outlives the process. The endpoints that exist, also those nobody asked for; `fault` where one look
   * shows that a repeated plug would have something to mend. Without it, or without `createEndpoint`, the SDK names those that
   * it was told of.
   */
  listEndpoints?(call: Call): Promise<ListedEndpoint[]>

  /**
   * Optional, for networks that span hosts. Makes the endpoints on other hosts reachable, and those that are gone
   * unreachable. Batches of one network come one after the other, beside the calls on its endpoints, and never before
   * its `createNetwork`. One that throws is followed by a snapshot, unless its error says `not-started`. After a start,
   * and after each sync, the first batch begins a snapshot. Throw `conflict` where two peers would have one MAC or address.
   */
  peers?(batch: PeersBatch, call: Call): Promise<void>

  /**
   * Optional. Puts `params.policy` and `params.portMappings` in force instead of the former ones, in one step, while
   * traffic flows: nothing is ever judged by neither or by a mixture. Without `policy` none is to be in force. Where
   * it fails the former ones stay. Without this member the host refuses policies; with it `createEndpoint` and `plug`
   * get them too, in the same members, and have to put them in force whatever was before: another policy is no
   * conflict. Repeated: checks and mends. Before the plug: nothing need be done, since the plug brings them again.
   */
  policy?(params: PolicyParams, call: Call): Promise<void>
  /**
   * Optional. Throws `invalidArgument` with paths that begin with `policy` where a document that fits the schema can be no
   * endpoint's policy, as `policy` and `plug` would; resolves where they may take it. Changes nothing, and may run beside
   * every other call. Without it users hear of that when a container comes up. Needs `policy`.
   */
  checkPolicy?(policy: Readonly<Record<string, unknown>>, call: Call): Promise<void>
  /**
   * Optional. The counters of these endpoints as their containers see them: `rx` is what comes into the container. Leave
   * out those that are not plugged or not known. Changes nothing, and may run beside every other call. Without this
   * member the host reads the interfaces in the sandbox.
   */
  stats?(endpoints: readonly EndpointRef[], call: Call): Promise<EndpointStats[]>

  /** Optional. Looks at what the driver depends on; called now and then, and after failures. Changes nothing. */
  probe?(call: Call): Promise<ProbeResult>
  /**
   * Optional. Called once, before the first call, when a host is connected; again with the next call if it failed,
   * and calls fail with `notReady` until it succeeds.
   */
  start?(host: HostHandle): Promise<void>
  /**
   * Optional. Called when this instance comes to be the one in charge: after `start`, when a standby takes over, and
   * when the host takes a drained one back. Begins what the driver does of its own accord (timers, watches, sweeps).
   * Calls wait for it; if it fails they fail with `notReady`, and the next one tries again.
   */
  activate?(): Promise<void>
  /**
   * Optional, for `hotUpgrade`. Another instance has taken over: ends what `activate` began. Creates and plugs under
   * way have ended; deletes and unplugs may still come. May be repeated.
   */
  drain?(call: Call): Promise<void>
  /**
   * Optional. Called once, after the last call, before the process ends; not if there is a `start` that was never
   * called. Networks stay as they are.
   */
  stop?(): Promise<void>
}

/**
 * Who the host is. `instanceId` is new with each start of it, `nodeId` stays with the machine, `underlayAddress` is where
 * tunnels to it lead, if it has such an address.
 */
export type HostIdentity = InitializeParams['host'] & Pick<InitializeParams, 'nodeId' | 'underlayAddress'>

/**
 * The host, as a driver sees it: what it said of itself, and the way to it. Nothing here waits for an answer, throws,
 * or needs a connection: what cannot be sent is dropped.
 */
export type HostHandle = {
  /** Who connected last; undefined before the first has. */
  readonly identity: HostIdentity | undefined
  /** How patient that host is, in milliseconds; undefined if it did not say. */
  readonly timeouts: Timeouts | undefined
  /** `standby` while another instance of this driver still works; see `Driver.activate`. */
  readonly role: Role
  /** Something that users may want to see, in `conet events`. One that breaks the protocol is logged instead. */
  event(event: DriverEvent): void
  /** A line for the host's log that belongs to no call; `Call.log` has the ids of its call. */
  log(line: DriverLog): void
  /** A driver is ready from the start unless it says otherwise. */
  readiness(ready: boolean, reason?: string): void
}
