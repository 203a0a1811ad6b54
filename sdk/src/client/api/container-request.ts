// What clients and runtimes ask of a container in the host's HTTP API.
import { type Static, Type } from 'typebox'
import { forms, maxExtraHosts, maxNamesOfHost } from '../../fields/forms.ts'
import { Document, InterfaceName } from '../../protocol/primitives.ts'
import { GardenNetIn, GardenNetOutRules, GardenProperties } from './garden.ts'
import { NewLabels } from './new-labels.ts'

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
  /** The interface's name in the container; by default the first free ethN that no other attachment asks for. */
  interface: Type.Optional(InterfaceName),
  /** Any of the network's subnets; of one of which none is named the host chooses one. */
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
    /** The driver's document. What its policy schema knows (`net_in`, `net_out`, `limits`) is policy of the attachment. Null: as absent. */
    config: Type.Optional(Type.Union([Document, Type.Null()])),
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
export const ContainerConfigBody = Type.Object(
  {
    attach_to: Type.Optional(AttachTo),
    network_specs: Type.Optional(NetworkSpecs),
    labels: Type.Optional(NewLabels),
  },
  // Said although it is the default: generators of clients leave no room for further keys otherwise.
  { additionalProperties: true },
)
export type ContainerConfigBody = Static<typeof ContainerConfigBody>

/** Plug: one more attachment, on a container that is defined or up. */
export const PlugBody = AttachmentRequest
export type PlugBody = AttachmentRequest

const HostName = Type.String({ pattern: forms.hostName.pattern })

/** An entry of a container's hosts file beyond its own. */
export const ExtraHost = Type.Object(
  {
    address: Type.String({ pattern: forms.exactIpAddress.pattern }),
    names: Type.Array(HostName, { minItems: 1, maxItems: maxNamesOfHost }),
  },
  strict,
)
export type ExtraHost = Static<typeof ExtraHost>

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
    /** What the container calls itself: in its hosts file, before its handle. */
    hostname: Type.Optional(HostName),
    /** Further entries of its hosts file. */
    extra_hosts: Type.Optional(Type.Array(ExtraHost, { maxItems: maxExtraHosts })),
  },
  strict,
)
export type UpBody = Static<typeof UpBody>
