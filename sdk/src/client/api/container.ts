// Containers, their configuration and their endpoints in the host's HTTP API.
import { type Static, Type } from 'typebox'
import { forms } from '../../fields/forms.ts'
import { Dns, Neighbour, Route, Sysctls } from '../../protocol/endpoint.ts'
import { Document, Id, InterfaceName, Labels } from '../../protocol/primitives.ts'
import { GardenNetIn, GardenNetOutRules, GardenProperties } from './garden.ts'

const strict = { additionalProperties: false }

/** A handle that clients may choose; the runtime socket takes others too. */
export const ClientHandle = Type.String({ pattern: forms.handle.pattern })

/** A network's id, an unambiguous prefix of it (4 digits at least), or its name. */
const NetworkKey = Type.String({ pattern: forms.key.pattern })

const Address = Type.String({ minLength: 1, maxLength: 64 })

/** What a client may ask of one attachment. */
const attachmentWishes = {
  /** Unique in the container; the network's name by default. */
  name: Type.Optional(Type.String({ pattern: forms.networkName.pattern })),
  /** The interface's name in the container; the first free ethN by default. */
  interface: Type.Optional(InterfaceName),
  /** One address in each subnet that matters; the others are chosen by the host. */
  addresses: Type.Optional(Type.Array(Address, { maxItems: 16 })),
  mac_address: Type.Optional(Type.String({ minLength: 1, maxLength: 17 })),
  mtu: Type.Optional(Type.Integer({ minimum: 68, maximum: 65535 })),
  /** True: the container's default route goes this way. Default: the primary one, else the first that has a gateway. */
  default_route: Type.Optional(Type.Boolean()),
  /** True: the one that stands for the container where only one can. Default: the first. */
  primary: Type.Optional(Type.Boolean()),
  /** The driver's own document. */
  options: Type.Optional(Document),
}

/** One attachment that a client wants: the network, and what it wishes of it. */
export const AttachmentRequest = Type.Object({ network: NetworkKey, ...attachmentWishes }, strict)
export type AttachmentRequest = Static<typeof AttachmentRequest>

/**
 * A network by its name and type. One that exists is attached to; else the container gets one of its own, which begins at
 * `up` and ends at `down`.
 */
export const NetworkSpec = Type.Object(
  {
    name: Type.String({ pattern: forms.networkName.pattern }),
    /** A driver's name. */
    type: Type.String({ minLength: 1, maxLength: 64 }),
    /** The driver's document. What its policy schema knows (`net_in`, `net_out`, `limits`) is policy of the attachment. */
    config: Type.Optional(Document),
    primary: Type.Optional(Type.Boolean()),
  },
  strict,
)
export type NetworkSpec = Static<typeof NetworkSpec>

/** Networks in order, or what is asked of each. */
export const AttachTo = Type.Array(Type.Union([NetworkKey, AttachmentRequest]), { maxItems: 64 })
export type AttachTo = Static<typeof AttachTo>

/** In the order in which they are attached. */
const NetworkSpecs = Type.Array(NetworkSpec, { maxItems: 64 })

/**
 * `attach_to` names networks in order, or asks more of each; `network_specs` come after them, in order too. One of the two
 * must be there. Keys beyond those here are kept and passed on.
 */
export const ContainerConfigBody = Type.Object({
  attach_to: Type.Optional(AttachTo),
  network_specs: Type.Optional(NetworkSpecs),
  labels: Type.Optional(Labels),
})
export type ContainerConfigBody = Static<typeof ContainerConfigBody>

/** Plug: one more attachment, on a container that is defined or up. */
export const PlugBody = AttachmentRequest
export type PlugBody = AttachmentRequest

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
  /** The configuration's further keys, as the client gave them. */
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

/**
 * The runtime's word that the container starts: where its network namespace is, or nothing for conet to make one. What
 * it is attached to says a client beforehand (`putContainerConfig`), the runtime here, or conetd's `default_attachment`.
 */
export const UpBody = Type.Object(
  {
    pid: Type.Optional(Type.Integer({ minimum: 1 })),
    netns: Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
    /** The namespace's device and inode: it is found also where `pid` and `netns` mean something else to conetd. */
    namespace: Type.Optional(Type.String({ pattern: forms.namespaceId.pattern })),
    attach_to: Type.Optional(AttachTo),
    network_specs: Type.Optional(NetworkSpecs),
    /** Garden's properties of the container; `specs` among them holds NetworkSpecs as JSON. */
    properties: Type.Optional(GardenProperties),
    /** Ports and rules of the primary network. */
    netin: Type.Optional(Type.Array(GardenNetIn, { maxItems: 4096 })),
    netout_rules: Type.Optional(GardenNetOutRules),
  },
  strict,
)
export type UpBody = Static<typeof UpBody>

/** What is left to do when a driver is away: done when it is back. */
export const Removal = Type.Object({ state: Type.Union([Type.Literal('gone'), Type.Literal('deleting')]) })
export type Removal = Static<typeof Removal>
