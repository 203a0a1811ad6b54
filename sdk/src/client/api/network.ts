// Networks in the host's HTTP API. The schemas are the source of the routes' validation, of OpenAPI and of types.
import { type Static, Type } from 'typebox'
import { forms } from '../../fields/forms.ts'
import { Dns } from '../../protocol/endpoint.ts'
import { Document, Id, IpAddress, Labels, NetworkName } from '../../protocol/primitives.ts'
import { NewLabels } from './new-labels.ts'

const strict = { additionalProperties: false }

/** One subnet of a network, as a client asks for it. */
export const SubnetRequest = Type.Object(
  {
    /** `10.1.0.0/16`, `fd00:1::/64`. */
    subnet: Type.String({ minLength: 1, maxLength: 64 }),
    /** The first usable address by default; `none`: no way out through this subnet. */
    gateway: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    /** Where endpoints' addresses come from: a subnet of the subnet, or `first-last`. */
    range: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    /** Addresses, or ranges of them, that no endpoint gets. */
    exclude: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { maxItems: 1024 })),
  },
  strict,
)
export type SubnetRequest = Static<typeof SubnetRequest>

const Word = (maxLength: number) => Type.String({ minLength: 1, maxLength, pattern: forms.word.pattern })

/** What containers’ resolvers are told. */
export const DnsWish = Type.Object(
  {
    servers: Type.Optional(
      Type.Array(Type.String({ pattern: forms.exactIpAddress.pattern }), {
        maxItems: 16,
        description: 'The addresses of DNS servers, the first one first',
      }),
    ),
    search: Type.Optional(
      Type.Array(Word(253), { maxItems: 32, description: 'Domains in which short names are looked for' }),
    ),
    options: Type.Optional(
      Type.Array(Word(64), { maxItems: 32, description: 'Options of resolv.conf(5): ndots:2' }),
    ),
  },
  strict,
)
export type DnsWish = Static<typeof DnsWish>

/** Body of `createNetwork`. The same name and content again is the same network. */
export const CreateNetworkBody = Type.Object(
  {
    /** Required, unless `generate_name` is true. */
    name: Type.Optional(NetworkName),
    /** True: the host makes up a unique name of two words. */
    generate_name: Type.Optional(Type.Boolean()),
    /** The driver's name. */
    type: Type.String({ minLength: 1, maxLength: 64 }),
    labels: Type.Optional(NewLabels),
    /** True: members reach each other and nothing else. */
    internal: Type.Optional(Type.Boolean()),
    /** Any number of IPv4 and IPv6 subnets; without any, the default pools give them. No addresses: false for `ipv4` and `ipv6`. */
    subnets: Type.Optional(Type.Array(SubnetRequest, { maxItems: 64 })),
    /** Take an IPv4 subnet from the default pools; false: have none. Default: true without `subnets`. */
    ipv4: Type.Optional(Type.Boolean()),
    /** Take an IPv6 subnet from the default pools; false: have none. Default: those of `subnets` alone. */
    ipv6: Type.Optional(Type.Boolean()),
    /** For containers of this network, before what its driver says. */
    dns: Type.Optional(DnsWish),
    /** The driver's own document. */
    config: Type.Optional(Document),
    /** The policy of every attached container until it gets one of its own. */
    default_policy: Type.Optional(Document),
  },
  strict,
)
export type CreateNetworkBody = Static<typeof CreateNetworkBody>

/** One subnet of a network, with how much of it is in use. */
export const SubnetView = Type.Object({
  subnet: Type.String(),
  gateway: Type.Optional(IpAddress),
  range: Type.Optional(Type.String()),
  exclude: Type.Array(Type.String()),
  /** Addresses held by endpoints of this host alone, and how many there are to hold, on all hosts together (capped at 2^53 - 1). */
  used: Type.Integer(),
  capacity: Type.Integer(),
  /** Of a network of a cluster: how many blocks of its addresses each host has. */
  blocks: Type.Optional(Type.Record(Type.String(), Type.Integer())),
  /** With `blocks`: how many addresses endpoints of each host hold, plugged or not; of other hosts about a second late. */
  used_by_node: Type.Optional(Type.Record(Type.String(), Type.Integer())),
})

/** An endpoint of a network of a cluster, on any host. */
export const NetworkMemberView = Type.Object({
  node: Type.String(),
  container: Type.String(),
  endpoint_id: Id,
  mac_address: Type.String(),
  addresses: Type.Array(IpAddress),
})
export type NetworkMemberView = Static<typeof NetworkMemberView>

/** An endpoint that was removed while its driver was away: gone once the driver has confirmed. */
export const PendingRemovalView = Type.Object({
  endpoint_id: Id,
  /** The handle; the container itself may be gone. */
  container: Type.String(),
  since: Type.Optional(Type.String()),
  /** Why it could not be done yet. */
  reason: Type.Optional(Type.String()),
})
export type PendingRemovalView = Static<typeof PendingRemovalView>

/** A network with the ids of its endpoints. */
export const NetworkView = Type.Object({
  id: Id,
  name: NetworkName,
  type: Type.String(),
  /** `active`; `creating` and `deleting` while the driver works or is awaited. */
  state: Type.Union([Type.Literal('creating'), Type.Literal('active'), Type.Literal('deleting')]),
  /** The state of the driver's connection: `ready`, or what stands in the way. */
  driver_state: Type.String(),
  labels: Labels,
  internal: Type.Boolean(),
  /** The handle of the container whose own it is; absent: it was created by itself. */
  owner: Type.Optional(Type.String()),
  subnets: Type.Array(SubnetView),
  /** `driver`: it hands out the addresses, also beyond these subnets. Absent: the host does. */
  ipam: Type.Optional(Type.Literal('driver')),
  /** `private`: a container has one interface for all its networks of this driver. Absent: one for each. */
  sandbox: Type.Optional(Type.Literal('private')),
  /** `global`: all hosts of the cluster know it. Absent: this host's own. */
  scope: Type.Optional(Type.Literal('global')),
  /** The number by which tunnels tell it from others, the same on all hosts. */
  segment_id: Type.Optional(Type.Integer()),
  dns: Type.Optional(Dns),
  config: Document,
  default_policy: Type.Optional(Document),
  created_at: Type.String(),
  /** Why the driver could not make it on this machine as it should be; it is tried again. Absent: all is well. */
  last_error: Type.Optional(Type.String()),
  /** Ids only, so that nothing refers in circles. */
  endpoints: Type.Array(Id),
  /** Handles of the containers that have an endpoint here, but for those that only wait for its removal. */
  containers: Type.Array(Type.String()),
  /** Of one network of a cluster: the endpoints on all hosts; absent in lists, and while the shared store is away. */
  members: Type.Optional(Type.Array(NetworkMemberView)),
  /** What is awaited of the driver before the last of these endpoints is gone; absent: nothing. */
  pending_removals: Type.Optional(Type.Array(PendingRemovalView)),
})
export type NetworkView = Static<typeof NetworkView>

/** Reply of `listNetworks`, oldest first. */
export const NetworkList = Type.Object({ networks: Type.Array(NetworkView) })
export type NetworkList = Static<typeof NetworkList>
