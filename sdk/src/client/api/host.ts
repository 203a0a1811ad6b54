// Drivers, health, status and events in the host's HTTP API, and the form of its errors.
import { type Static, Type } from 'typebox'
import { Capabilities } from '../../protocol/handshake.ts'
import { JsonSchema } from '../../protocol/primitives.ts'

/** A call on a driver that has no answer yet. */
export const CallView = Type.Object({
  method: Type.String(),
  operation_id: Type.String(),
  attempt: Type.Integer(),
  since: Type.String(),
  /** What the driver said last of how it gets on. */
  progress: Type.Optional(Type.Object({ message: Type.String(), percentage: Type.Optional(Type.Number()) })),
})
export type CallView = Static<typeof CallView>

/** How one method of a driver fares. */
export const MethodView = Type.Object({
  method: Type.String(),
  /** Calls that have ended, and those of them that failed, since conetd began with this socket. */
  count: Type.Integer(),
  failed: Type.Integer(),
  /** Of the last 512 calls that succeeded, in milliseconds. */
  p50_ms: Type.Optional(Type.Number()),
  p99_ms: Type.Optional(Type.Number()),
})
export type MethodView = Static<typeof MethodView>

/** What the last probe of a driver found. */
export const ProbeView = Type.Object({
  healthy: Type.Boolean(),
  checks: Type.Array(
    Type.Object({ name: Type.String(), ok: Type.Boolean(), message: Type.Optional(Type.String()) }),
  ),
  /** Present: the probe itself failed. */
  error: Type.Optional(Type.String()),
  at: Type.String(),
})
export type ProbeView = Static<typeof ProbeView>

/** A driver as the host sees it: its connection (`state`, `attempts`, `last_error`) and what it said of itself. */
export const DriverView = Type.Object({
  name: Type.String(),
  state: Type.String(),
  since: Type.String(),
  /** `active`, `standby` or `relieved`; absent: it is not used. */
  role: Type.Optional(Type.String()),
  socket: Type.Optional(Type.String()),
  version: Type.Optional(Type.String()),
  vendor: Type.Optional(Type.String()),
  instance_id: Type.Optional(Type.String()),
  protocol_version: Type.Optional(Type.String()),
  capabilities: Type.Optional(Capabilities),
  limits: Type.Optional(
    Type.Object({ max_message_bytes: Type.Integer(), max_in_flight: Type.Optional(Type.Integer()) }),
  ),
  config_schema: Type.Optional(JsonSchema),
  attachment_schema: Type.Optional(JsonSchema),
  policy_schema: Type.Optional(JsonSchema),
  /** Set when conetd started it and watches over it. */
  pid: Type.Optional(Type.Integer()),
  /** How often conetd has dialled the socket. */
  attempts: Type.Integer(),
  /** When it dials again, while there is no connection. */
  next_retry: Type.Optional(Type.String()),
  /** What went wrong last; of a driver that is rejected, why it is not used. */
  last_error: Type.Optional(
    Type.Object({
      kind: Type.String(),
      message: Type.String(),
      at: Type.String(),
      /** What to do about it. */
      help: Type.Optional(Type.String()),
    }),
  ),
  /** What the driver says of itself; absent: nothing, so it is ready. */
  readiness: Type.Optional(Type.Object({ ready: Type.Boolean(), reason: Type.Optional(Type.String()) })),
  probe: Type.Optional(ProbeView),
  calls_in_flight: Type.Array(CallView),
  methods: Type.Array(MethodView),
  /** What the driver did against the protocol without an end of its connection. */
  violations: Type.Array(Type.Object({ kind: Type.String(), count: Type.Integer() })),
})
export type DriverView = Static<typeof DriverView>

/** Reply of `listDrivers`: those that are connected, and those whose sockets are there. */
export const DriverList = Type.Object({ drivers: Type.Array(DriverView) })
export type DriverList = Static<typeof DriverList>

/** Reply of `health`: conetd serves. */
export const HealthView = Type.Object({ status: Type.Literal('ok'), version: Type.String() })
export type HealthView = Static<typeof HealthView>

/** Something about the machine or the host that a person should know. */
export const Finding = Type.Object({
  severity: Type.Union([Type.Literal('info'), Type.Literal('warning'), Type.Literal('error')]),
  /** Stable, for programs: `ip-forward-off`. */
  code: Type.String(),
  message: Type.String(),
  /** What to do about it. */
  help: Type.Optional(Type.String()),
})
export type Finding = Static<typeof Finding>

/** The host's part in its cluster. */
export const ClusterView = Type.Object({
  /** This host's name. */
  node: Type.String(),
  underlay_address: Type.String(),
  /** The members of the shared store. */
  store: Type.Array(Type.String()),
  /** `joined`: the store answers, and the lease is held by which others see that the host lives. */
  state: Type.Union([Type.Literal('joined'), Type.Literal('joining'), Type.Literal('away')]),
  /** Hosts of the cluster, and how many of them live; absent: the store does not answer. */
  nodes: Type.Optional(Type.Integer()),
  nodes_alive: Type.Optional(Type.Integer()),
  /** Names of those that do not; also of one in quarantine. */
  nodes_away: Type.Optional(Type.Array(Type.String())),
  /** What this host could not say to the others yet. */
  behind: Type.Integer(),
})
export type ClusterView = Static<typeof ClusterView>

/** Reply of `status`: where conetd lives, what it holds, and what it finds wrong on the machine. */
export const StatusView = Type.Object({
  version: Type.String(),
  pid: Type.Integer(),
  started_at: Type.String(),
  state_dir: Type.String(),
  run_dir: Type.String(),
  driver_dir: Type.String(),
  socket: Type.String(),
  runtime_socket: Type.String(),
  counts: Type.Object({
    networks: Type.Integer(),
    containers: Type.Integer(),
    endpoints: Type.Integer(),
    drivers: Type.Integer(),
    pending_deletions: Type.Integer(),
  }),
  /** Absent: the host is in no cluster. */
  cluster: Type.Optional(ClusterView),
  findings: Type.Array(Finding),
})
export type StatusView = Static<typeof StatusView>

/** One event of `GET /events`. */
export const EventView = Type.Object({
  /** Ascending, without gaps while one conetd runs; the SSE `id`. */
  id: Type.Integer(),
  time: Type.String(),
  /** `network.created`, `endpoint.plugged`, `driver.ready`, … */
  type: Type.String(),
  network_id: Type.Optional(Type.String()),
  endpoint_id: Type.Optional(Type.String()),
  container: Type.Optional(Type.String()),
  driver: Type.Optional(Type.String()),
  message: Type.Optional(Type.String()),
  /** Of what failed (`container.up-failed`): the error as its client got it. */
  error: Type.Optional(
    Type.Object({
      kind: Type.String(),
      code: Type.Integer(),
      message: Type.String(),
      retryable: Type.Boolean(),
      fields: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
    }),
  ),
})
export type EventView = Static<typeof EventView>

/** Reply of `getContainerEvents`: the last events of one container, oldest first. */
export const EventList = Type.Object({ events: Type.Array(EventView) })
export type EventList = Static<typeof EventList>

/** RFC 9457 problem details, with conet's members. Media type `application/problem+json`. */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  /** The catalogue's name of the error; docs/errors.md explains each. */
  kind: Type.String(),
  code: Type.Integer(),
  retryable: Type.Boolean(),
  operation_state: Type.String(),
  fields: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
  details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  help: Type.Optional(Type.String()),
})
export type Problem = Static<typeof Problem>
