// The hosts of a cluster in the HTTP API; a host in no cluster is alone.
import { type Static, Type } from 'typebox'
import { Id, IpAddress } from '../../protocol/primitives.ts'

/** A host of the cluster. */
export const NodeView = Type.Object({
  name: Type.String(),
  /** `alive`; `away`: nothing was heard of it for ten seconds; `quarantined`: somebody removed it without having fenced it. */
  state: Type.Union([Type.Literal('alive'), Type.Literal('away'), Type.Literal('quarantined')]),
  /** True: the host that answers. */
  is_self: Type.Boolean(),
  /** To which tunnels of other hosts lead; absent: the host is in no cluster. */
  underlay_address: Type.Optional(IpAddress),
  version: Type.String(),
  /** Since its conetd was started. */
  since: Type.String(),
  /** Of how many networks it has something. */
  networks: Type.Integer(),
  /** How many of its endpoints the others know; in no cluster, how many it has. */
  endpoints: Type.Integer(),
})
export type NodeView = Static<typeof NodeView>

/** Reply of `listNodes`, by name. */
export const NodeList = Type.Object({ nodes: Type.Array(NodeView) })
export type NodeList = Static<typeof NodeList>

/** A host of the cluster, with what it has of each network. */
export const NodeDetailView = Type.Object({
  ...NodeView.properties,
  holds: Type.Array(
    Type.Object({
      network_id: Id,
      /** Absent: this host does not know the network yet. */
      network_name: Type.Optional(Type.String()),
      endpoints: Type.Integer(),
      /** Blocks of addresses, by their first address. */
      blocks: Type.Array(Type.String()),
    }),
  ),
})
export type NodeDetailView = Static<typeof NodeDetailView>
