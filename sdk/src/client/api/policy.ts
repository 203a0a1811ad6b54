// Policies of containers and networks, and what their interfaces have counted, in the host's HTTP API.
import { type Static, Type } from 'typebox'
import { Document, Id } from '../../protocol/primitives.ts'
import { MappedPortView } from './container.ts'

const strict = { additionalProperties: false }

const OwnPolicies = Type.Record(Type.String(), Type.Union([Document, Type.Null()]))

/**
 * By the names of attachments: the documents that are to stand for them, of the form that each network's driver takes.
 * `null`: the network's default again. Those that are absent keep what they have.
 */
export const ContainerPolicyBody = Type.Object({ networks: OwnPolicies }, strict)
export type ContainerPolicyBody = Static<typeof ContainerPolicyBody>

/** What stands for one attachment. */
export const AttachmentPolicyView = Type.Object({
  network_id: Id,
  network_name: Type.String(),
  /** Whose document it is. */
  source: Type.Union([Type.Literal('container'), Type.Literal('default'), Type.Literal('none')]),
  policy: Type.Optional(Document),
  /** What its runtime has added to that document until the container goes down; it is in `policy`, behind the rest. */
  added: Type.Optional(Document),
  /**
   * `pending`: there is no endpoint, it comes into force with that. `diverged`: the driver may have another one in force,
   * and is told again. `ignored`: the driver takes no policies from conetd.
   */
  state: Type.Union([
    Type.Literal('pending'),
    Type.Literal('in_force'),
    Type.Literal('diverged'),
    Type.Literal('ignored'),
  ]),
  /** For each port that it asks for, in its order. */
  mapped_ports: Type.Array(MappedPortView),
  /** Why it has diverged. */
  last_error: Type.Optional(Type.String()),
})
export type AttachmentPolicyView = Static<typeof AttachmentPolicyView>

/**
 * The policies of a container: `networks` is what it was given and can be sent back, which makes what its runtime has added, and a
 * default before that, its own; `effective` is what stands.
 */
export const ContainerPolicyView = Type.Object({
  networks: OwnPolicies,
  effective: Type.Record(Type.String(), AttachmentPolicyView),
})
export type ContainerPolicyView = Static<typeof ContainerPolicyView>

/** The default policy of a network; `null`: none. */
export const DefaultPolicyBody = Type.Union([Document, Type.Null()])
export type DefaultPolicyBody = Static<typeof DefaultPolicyBody>

/** Counted since the plug, as the container sees it: `rx` is what came into it. */
export const NetworkMetricsView = Type.Object({
  network_id: Id,
  network_name: Type.String(),
  /** Its name in the container. */
  interface: Type.String(),
  rx_bytes: Type.Integer(),
  tx_bytes: Type.Integer(),
  rx_packets: Type.Integer(),
  tx_packets: Type.Integer(),
  rx_errors: Type.Integer(),
  tx_errors: Type.Integer(),
  rx_dropped: Type.Integer(),
  tx_dropped: Type.Integer(),
})
export type NetworkMetricsView = Static<typeof NetworkMetricsView>

/** By the names of attachments; those that are not plugged, or that nobody counts, are absent. */
export const ContainerMetricsView = Type.Object({
  networks: Type.Record(Type.String(), NetworkMetricsView),
})
export type ContainerMetricsView = Static<typeof ContainerMetricsView>

/** Reply of `listContainerMetrics`, by the containers' handles. */
export const ContainerMetricsList = Type.Object({
  containers: Type.Record(Type.String(), ContainerMetricsView),
})
export type ContainerMetricsList = Static<typeof ContainerMetricsList>
