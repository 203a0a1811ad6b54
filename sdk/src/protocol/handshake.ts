// The first exchange on a connection: who is there, which protocol, what the driver can do.
import { type Static, Type } from 'typebox'
import { forms } from '../fields/forms.ts'
import { Ports } from './ports.ts'
import { IpAddress, JsonSchema } from './primitives.ts'

/** The versions this SDK speaks, best first. Minor versions only add. */
export const protocolVersions: readonly string[] = ['1.0']

/** Lower case letters, digits, dots, dashes; at most 63. Unique on the host. */
export const driverNamePattern = forms.driverName.pattern

/** What one side takes from the other. A sender keeps to the receiver's limits. */
export const Limits = Type.Object({
  /** Bytes of one message's body. */
  maxMessageBytes: Type.Integer({ minimum: 1024 }),
  /** Requests that may wait for their answers at once; absent: the sender's own limit counts. */
  maxInFlight: Type.Optional(Type.Integer({ minimum: 1 })),
})
export type Limits = Static<typeof Limits>

const Milliseconds = Type.Integer({ minimum: 1 })

/** The host's patience, in milliseconds. */
export const Timeouts = Type.Object({
  /** For one call on a network or endpoint, unless its `_meta.timeoutMs` says otherwise. */
  callMs: Milliseconds,
  /** The most that progress can extend a call to. */
  mostCallMs: Milliseconds,
  pingIntervalMs: Milliseconds,
  pingTimeoutMs: Milliseconds,
  drainMs: Milliseconds,
})
export type Timeouts = Static<typeof Timeouts>

/** Params of `initialize`, the first message on a connection: who the host is and what it takes. */
export const InitializeParams = Type.Object({
  /** Every version the host speaks, best first. */
  protocolVersions: Type.Array(Type.String(), { minItems: 1 }),
  host: Type.Object({ name: Type.String(), version: Type.String(), instanceId: Type.String() }),
  nodeId: Type.String(),
  /** The host's own address in the network that tunnels between hosts go through; absent: it has no part in one. */
  underlayAddress: Type.Optional(IpAddress),
  limits: Limits,
  /** How patient the host is, for a driver that plans its work; a host sends all of them. */
  timeouts: Type.Optional(Timeouts),
})
export type InitializeParams = Static<typeof InitializeParams>

/** The numbers from which each network of a driver gets one, unique among the networks of the cluster. */
export const Segments = Type.Object({
  minimum: Type.Integer({ minimum: 0 }),
  maximum: Type.Integer({ minimum: 0 }),
  /** The member of `config` in which a user can choose the number: `vni`. */
  configMember: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
})
export type Segments = Static<typeof Segments>

/** What a driver can do; `serveDriver` derives it from the functions that the driver has. */
export const Capabilities = Type.Object({
  /** Every request of the method table that the driver answers. */
  methods: Type.Array(Type.String()),
  scope: Type.Union([Type.Literal('local'), Type.Literal('global')]),
  /** `driver`: the answer to `endpoint/create` has the endpoint's addresses. Default `host`. */
  ipam: Type.Optional(Type.Union([Type.Literal('host'), Type.Literal('driver')])),
  /** True: a second instance may be synced while this one works, and takes over from it. Default false. */
  hotUpgrade: Type.Optional(Type.Boolean()),
  /** True: a plug of an endpoint that is not there creates it first, so the host sends no create before it. Default false. */
  plugCreates: Type.Optional(Type.Boolean()),
  /**
   * `private`: the driver routes in a namespace of its own, and a container has one interface for all its endpoints of this
   * driver. Default `container`: each endpoint has an interface of its own.
   */
  sandbox: Type.Optional(Type.Union([Type.Literal('container'), Type.Literal('private')])),
  /** Present: the host gives each network a `segmentId`. */
  segments: Type.Optional(Segments),
  /** Present: the host gives out the ports that policies ask for. Needs `endpoint/policy`. */
  ports: Type.Optional(Ports),
})
export type Capabilities = Static<typeof Capabilities>

/** Result of `initialize`: who the driver is, and the one version it chose. */
export const InitializeResult = Type.Object({
  /** One of the offered ones. */
  protocolVersion: Type.String(),
  driver: Type.Object({
    name: Type.String({ pattern: driverNamePattern }),
    vendor: Type.Optional(Type.String()),
    /** The product's version, semver. */
    version: Type.String(),
    /** New with each start of the driver. */
    instanceId: Type.String({ minLength: 1 }),
  }),
  capabilities: Capabilities,
  limits: Limits,
  /** What a network's `config` may hold; absent: nothing is checked. */
  configSchema: Type.Optional(JsonSchema),
  /** What an attachment's `options` may hold. */
  attachmentSchema: Type.Optional(JsonSchema),
  /** What a policy, an attachment's own or a network's default, may hold. */
  policySchema: Type.Optional(JsonSchema),
})
export type InitializeResult = Static<typeof InitializeResult>

/** `standby`: the driver is synced while another instance of it still works, and takes over when it is ready. */
export const Role = Type.Union([Type.Literal('active'), Type.Literal('standby')])
export type Role = Static<typeof Role>

/** The verdict: the driver is in use under its name. */
export const InitializedParams = Type.Object({
  /** Default `active`. */
  role: Type.Optional(Role),
})
export type InitializedParams = Static<typeof InitializedParams>

/** The verdict: the driver is not used, and why. The host closes the connection after it. */
export const RejectedParams = Type.Object({
  code: Type.Integer(),
  name: Type.String(),
  message: Type.String(),
})
export type RejectedParams = Static<typeof RejectedParams>

/** The version that both sides speak, or why there is none, in words for people. */
export type Negotiated = { ok: true; version: string } | { ok: false; reason: string }

/**
 * Picks the best version that both sides list, without throwing; a driver never echoes what it was offered.
 * `serveDriver` does this for you.
 */
export function negotiate(
  offered: readonly string[],
  spoken: readonly string[] = protocolVersions,
): Negotiated {
  const version = spoken.find((candidate) => offered.includes(candidate))
  if (version !== undefined) return { ok: true, version }
  return {
    ok: false,
    reason: `the host offers ${offered.join(', ')}; this driver speaks ${spoken.join(', ')}`,
  }
}
