// Containers and their endpoints as the host's HTTP API shows them.
import { type Static, Type } from 'typebox'
import { Dns, Neighbour, Route, Sysctls } from '../../protocol/endpoint.ts'
import { Document, Id, Labels } from '../../protocol/primitives.ts'

/** One attachment of a container, realised or not. */
export const AttachmentView = Type.Object({
  name: Type.String(),
  network_id: Id,
  network_name: Type.String(),
  /** True: the network is the container's own, and is there while the container is up. */
  own_network: Type.Optional(Type.Boolean()),
  /** The endpoint that realises it, while there is one. */
  endpoint_id: Type.Optional(Id),
})

/** One interface of an endpoint. */
export const InterfaceView = Type.Object({
  name: Type.String(),
  mac_address: Type.String(),
  addresses: Type.Array(Type.String()),
  mtu: Type.Optional(Type.Integer()),
  default_route: Type.Boolean(),
  routes: Type.Array(Route),
  /** Entries that are set by hand. */
  neighbours: Type.Optional(Type.Array(Neighbour)),
  /** Settings of the network in the container, by their path below /proc/sys. */
  sysctls: Type.Optional(Sysctls),
})

const EndpointState = Type.Union([
  Type.Literal('creating'),
  Type.Literal('created'),
  Type.Literal('plugging'),
  Type.Literal('plugged'),
  Type.Literal('deleting'),
])

/** An endpoint with its interfaces. */
export const EndpointView = Type.Object({
  id: Id,
  network_id: Id,
  network_name: Type.String(),
  container: Type.String(),
  /** The attachment it realises. */
  attachment: Type.String(),
  state: EndpointState,
  /** What it holds before it is plugged; what the sandbox shows after. */
  interfaces: Type.Array(InterfaceView),
  dns: Type.Optional(Dns),
  /** Of a plugged one in a network of a cluster: whether other hosts know of it. False: they will, once the store is there. */
  published: Type.Optional(Type.Boolean()),
  created_at: Type.String(),
  /** Present: the driver may have another policy in force than the container is to have; it is told again. */
  diverged: Type.Optional(Type.Object({ since: Type.String(), reason: Type.String() })),
  /** Why it is not as it should be, if so. */
  last_error: Type.Optional(Type.String()),
})
export type EndpointView = Static<typeof EndpointView>

/** The network namespace of a container, as conet holds it. */
export const SandboxView = Type.Object({
  id: Type.String(),
  path: Type.String(),
  /** `conet` made it and deletes it; a `runtime` did, and conet only holds it. */
  owner: Type.Union([Type.Literal('conet'), Type.Literal('runtime')]),
  pid: Type.Optional(Type.Integer()),
})
export type SandboxView = Static<typeof SandboxView>

/** Ports of the host that lead into the container. */
export const MappedPortView = Type.Object({
  protocol: Type.Union([Type.Literal('tcp'), Type.Literal('udp'), Type.Literal('sctp')]),
  host_port: Type.Integer(),
  container_port: Type.Integer(),
  /** So many ports in a row; absent: one. */
  count: Type.Optional(Type.Integer()),
  /** Absent: all addresses of the host. */
  host_address: Type.Optional(Type.String()),
})

export type MappedPortView = Static<typeof MappedPortView>

/** What a container is in one of its networks. Addresses are without prefix length here. */
export const NetworkInfoView = Type.Object({
  network_id: Id,
  network_name: Type.String(),
  /** The driver's name; absent: the network is gone. */
  type: Type.Optional(Type.String()),
  /** Exactly one of a container's: that which stands for it where only one can. */
  primary: Type.Boolean(),
  /** `none`: there is no endpoint. */
  state: Type.Union([Type.Literal('none'), EndpointState]),
  endpoint_id: Type.Optional(Id),
  interface: Type.Optional(Type.String()),
  mac_address: Type.Optional(Type.String()),
  mtu: Type.Optional(Type.Integer()),
  /** The first IPv4 address. */
  container_ip: Type.Optional(Type.String()),
  /** The first IPv6 address. */
  container_ipv6: Type.Optional(Type.String()),
  /** The network's gateway of IPv4: the host as the container sees it. */
  host_ip: Type.Optional(Type.String()),
  host_ipv6: Type.Optional(Type.String()),
  /** The host's own address for others: that of its default route, or the configured one. */
  external_ip: Type.Optional(Type.String()),
  /** All addresses, with their prefix lengths. */
  addresses: Type.Array(Type.String()),
  default_route: Type.Boolean(),
  mapped_ports: Type.Array(MappedPortView),
  dns: Type.Optional(Dns),
  last_error: Type.Optional(Type.String()),
})
export type NetworkInfoView = Static<typeof NetworkInfoView>

/** Files for the container's resolver, kept up to date while it is up. */
export const ResolverFilesView = Type.Object({
  /** Absent where nobody names a server: the container keeps its own. */
  resolv_conf: Type.Optional(Type.String()),
  hosts: Type.String(),
})
export type ResolverFilesView = Static<typeof ResolverFilesView>

/** A container with what it wants (`attachments`) and what it has (`endpoints`). */
export const ContainerView = Type.Object({
  handle: Type.String(),
  state: Type.Union([Type.Literal('defined'), Type.Literal('up'), Type.Literal('down')]),
  labels: Labels,
  /** The configuration's further keys, as the client gave them; while it is up, what its runtime said of it is among its `properties`. */
  config: Document,
  sandbox: Type.Optional(SandboxView),
  attachments: Type.Array(AttachmentView),
  endpoints: Type.Array(EndpointView),
  /** Its process ended, and nobody took the container down. */
  process_gone: Type.Optional(
    Type.Object({
      since: Type.String(),
      /** When conetd does it; absent: never. */
      down_at: Type.Optional(Type.String()),
    }),
  ),
  /** It never came up since it was configured. */
  unused: Type.Optional(
    Type.Object({
      since: Type.String(),
      /** When conetd forgets it; absent: never. */
      forgotten_at: Type.Optional(Type.String()),
    }),
  ),
  /** By the attachments' names, in their order: all that there is to know of the container in each network. */
  networks: Type.Record(Type.String(), NetworkInfoView),
  /** What its resolver is told: by its primary network and its driver, then by the others, else by the configuration. */
  dns: Type.Optional(Dns),
  /** Of one that is up. */
  resolver_files: Type.Optional(ResolverFilesView),
  created_at: Type.String(),
})
export type ContainerView = Static<typeof ContainerView>

/** Reply of `listContainers`, in the order of their handles. */
export const ContainerList = Type.Object({ containers: Type.Array(ContainerView) })
export type ContainerList = Static<typeof ContainerList>

/** What is left to do when a driver is away: done when it is back. */
export const Removal = Type.Object({ state: Type.Union([Type.Literal('gone'), Type.Literal('deleting')]) })
export type Removal = Static<typeof Removal>
