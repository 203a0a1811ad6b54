// Containers, their configuration and their endpoints in the host's HTTP API.
import { type Static, Type } from 'typebox'
import { forms } from '../../fields/forms.ts'
import { Dns, Neighbour, Route, Sysctls } from '../../protocol/endpoint.ts'
import { Document, Id, InterfaceName, Labels } from '../../protocol/primitives.ts'

const strict = { additionalProperties: false }

/** A handle that clients may choose; the runtime socket takes others too. */
export const ClientHandle = Type.String({ pattern: forms.handle.pattern })

/** A network's id, an unambiguous prefix of it (4 digits at least), or its name. */
const NetworkKey = Type.String({ pattern: forms.key.pattern })

const Address = Type.String({ minLength: 2, maxLength: 64 })

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
  /** True: the container's default route goes this way. Default: the first attachment that has a gateway. */
  default_route: Type.Optional(Type.Boolean()),
  /** The driver's own document. */
  options: Type.Optional(Document),
}

/** One attachment that a client wants: the network, and what it wishes of it. */
export const AttachmentRequest = Type.Object({ network: NetworkKey, ...attachmentWishes }, strict)
export type AttachmentRequest = Static<typeof AttachmentRequest>

/** `attach_to` names networks in order, or asks more of each; keys beyond those here are kept and passed on. */
export const ContainerConfigBody = Type.Object({
  attach_to: Type.Array(Type.Union([NetworkKey, AttachmentRequest]), { maxItems: 64 }),
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

/** An endpoint with its interfaces. */
export const EndpointView = Type.Object({
  id: Id,
  network_id: Id,
  network_name: Type.String(),
  container: Type.String(),
  /** The attachment it realises. */
  attachment: Type.String(),
  state: Type.Union([
    Type.Literal('creating'),
    Type.Literal('created'),
    Type.Literal('plugging'),
    Type.Literal('plugged'),
    Type.Literal('deleting'),
  ]),
  /** What it holds before it is plugged; what the sandbox shows after. */
  interfaces: Type.Array(InterfaceView),
  dns: Type.Optional(Dns),
  /** Of a plugged one in a network of a cluster: whether other hosts know of it. False: they will, once the store is there. */
  published: Type.Optional(Type.Boolean()),
  created_at: Type.String(),
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
  /** What its resolver is told: by all its networks' drivers, in the order of the attachments. */
  dns: Type.Optional(Dns),
  created_at: Type.String(),
})
export type ContainerView = Static<typeof ContainerView>

/** Reply of `listContainers`, in the order of their handles. */
export const ContainerList = Type.Object({ containers: Type.Array(ContainerView) })
export type ContainerList = Static<typeof ContainerList>

/** The runtime's word that the container starts: where its network namespace is, or nothing for conet to make one. */
export const UpBody = Type.Object(
  {
    pid: Type.Optional(Type.Integer({ minimum: 1 })),
    netns: Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
  },
  strict,
)
export type UpBody = Static<typeof UpBody>

/** What is left to do when a driver is away: done when it is back. */
export const Removal = Type.Object({ state: Type.Union([Type.Literal('gone'), Type.Literal('deleting')]) })
export type Removal = Static<typeof Removal>
