// Endpoints: what the host asks for, and what a driver answers to a plug.
import { type Static, Type } from 'typebox'
import { forms } from '../fields/forms.ts'
import { Network } from './network.ts'
import { PortMapping } from './ports.ts'
import {
  Cidr,
  Document,
  Fault,
  Handle,
  Id,
  InterfaceName,
  IpAddress,
  Labels,
  MacAddress,
  Mtu,
} from './primitives.ts'

/** The container that an endpoint belongs to, as its client named it. */
export const Container = Type.Object({
  handle: Handle,
  labels: Labels,
  /** What its client said of it beyond what the host knows, as it was said; absent: nothing. */
  config: Type.Optional(Document),
})
export type Container = Static<typeof Container>

/** The network namespace to plug into: a path held by the host, never `/proc/PID/…`. */
export const Sandbox = Type.Object({
  id: Type.String(),
  path: Type.String({ pattern: forms.absolutePath.pattern }),
})
export type Sandbox = Static<typeof Sandbox>

/** A route of the sandbox. Without a gateway the destination is on the link. */
export const Route = Type.Object({
  destination: Cidr,
  gateway: Type.Optional(IpAddress),
  metric: Type.Optional(Type.Integer({ minimum: 0 })),
  table: Type.Optional(Type.Integer({ minimum: 1 })),
  scope: Type.Optional(Type.Union([Type.Literal('global'), Type.Literal('link'), Type.Literal('host')])),
  /** The source address that traffic over this route prefers. */
  source: Type.Optional(IpAddress),
})
export type Route = Static<typeof Route>

/** A neighbour entry that is to be set by hand in the sandbox. */
export const Neighbour = Type.Object({ address: IpAddress, macAddress: MacAddress })
export type Neighbour = Static<typeof Neighbour>

/** What a sandbox's resolv.conf should hold because of this network. */
export const Dns = Type.Object({
  servers: Type.Array(IpAddress),
  search: Type.Array(Type.String()),
  options: Type.Array(Type.String()),
})
export type Dns = Static<typeof Dns>

/** The interface as the host wants it in the sandbox. */
export const InterfaceRequest = Type.Object({
  name: InterfaceName,
  macAddress: MacAddress,
  addresses: Type.Array(Cidr),
  /** Absent: the driver decides. */
  mtu: Type.Optional(Mtu),
  /** True: the sandbox's default routes go through the gateways of this network. */
  defaultRoute: Type.Boolean(),
  /** Beyond the connected and the default ones. */
  routes: Type.Array(Route),
})
export type InterfaceRequest = Static<typeof InterfaceRequest>

/** Params of `endpoint/create`: the endpoint with all that the host has decided for it. */
export const CreateEndpointParams = Type.Object({
  network: Network,
  endpointId: Id,
  container: Container,
  interface: InterfaceRequest,
  /** The user's options for this attachment, checked against the driver's `attachmentSchema`. */
  options: Document,
  /** Only for a driver with `ipam: "driver"`: what the user asked for; absent or empty, the driver chooses. */
  requestedAddresses: Type.Optional(Type.Array(IpAddress)),
  /**
   * Only for a driver with `endpoint/policy`: the document that is to be in force, the container's own or else the
   * network's default; absent: none. It is no part of the endpoint's content: another one is no conflict.
   */
  policy: Type.Optional(Document),
  /** Only for a driver with `ports`: what the host has given where `policy` asks for ports; the same in every call. */
  portMappings: Type.Optional(Type.Array(PortMapping)),
})
export type CreateEndpointParams = Static<typeof CreateEndpointParams>

/** Result of `endpoint/create`; the same again when the call is repeated. */
export const CreateEndpointResult = Type.Object({
  /**
   * Only from a driver with `ipam: "driver"`: the endpoint's addresses, reserved until `endpoint/delete`. They stand in
   * `interface.addresses` of each later call.
   */
  addresses: Type.Optional(Type.Array(Cidr)),
})
export type CreateEndpointResult = Static<typeof CreateEndpointResult>

/** Params of `endpoint/plug`: what was created, and the sandbox to plug it into. Complete, so that a driver needs no record. */
export const PlugParams = Type.Object({ ...CreateEndpointParams.properties, sandbox: Sandbox })
export type PlugParams = Static<typeof PlugParams>

/** Enough to end an endpoint of which only the ids are left. */
export const EndpointRef = Type.Object({ networkId: Id, endpointId: Id })
export type EndpointRef = Static<typeof EndpointRef>

/** Params of `endpoint/unplug`. */
export const UnplugParams = Type.Object({
  ...EndpointRef.properties,
  /** Where it was plugged; the namespace may be gone. */
  sandbox: Type.Optional(Sandbox),
})
export type UnplugParams = Static<typeof UnplugParams>

/**
 * Settings of the sandbox's network, by their path below /proc/sys with the interface's name in the sandbox:
 * `net/ipv4/conf/eth0/rp_filter`. Nothing outside `net` can be named.
 */
export const Sysctls = Type.Record(
  Type.String({ pattern: forms.sysctlPath.pattern }),
  Type.String({ pattern: forms.sysctlValue.pattern }),
  { additionalProperties: false },
)
export type Sysctls = Static<typeof Sysctls>

/** One interface that a plug made. */
export const PluggedInterface = Type.Object({
  /**
   * `driver`: all is done, in the sandbox. `host`: `sourceName` stands in the driver's own namespace, and the host
   * moves, names and configures it.
   */
  configuredBy: Type.Union([Type.Literal('driver'), Type.Literal('host')]),
  name: InterfaceName,
  sourceName: Type.Optional(InterfaceName),
  /** Where `sourceName` stands, as a path that the host can open. Default: the host's own namespace. */
  sourceNamespace: Type.Optional(Type.String({ pattern: forms.absolutePath.pattern, maxLength: 4096 })),
  macAddress: MacAddress,
  addresses: Type.Array(Cidr),
  mtu: Type.Optional(Mtu),
  routes: Type.Array(Route),
  neighbours: Type.Optional(Type.Array(Neighbour)),
  sysctls: Type.Optional(Sysctls),
  /**
   * True: it is a link as a new one of Ethernet is, its addresses are set for good and its routes with nothing but what stands here
   * (those of IPv6 with `nodad`), so that whatever else the kernel says of them somebody has changed.
   */
  exact: Type.Optional(Type.Boolean()),
})
export type PluggedInterface = Static<typeof PluggedInterface>

/** Result of `endpoint/plug`; the same again when the call is repeated. */
export const PlugResult = Type.Object({
  /** None for a driver that takes no kernel action. */
  interfaces: Type.Array(PluggedInterface),
  dns: Type.Optional(Dns),
})
export type PlugResult = Static<typeof PlugResult>

/** An endpoint that exists. */
export const ListedEndpoint = Type.Object({
  ...EndpointRef.properties,
  /** What is wrong with it, as far as one look shows: `its port is down`. A repeated plug mends it. */
  fault: Type.Optional(Fault),
})
export type ListedEndpoint = Static<typeof ListedEndpoint>

/** Result of `endpoint/list`: the endpoints that exist, also those nobody asked for. */
export const ListEndpointsResult = Type.Object({ endpoints: Type.Array(ListedEndpoint) })
export type ListEndpointsResult = Static<typeof ListEndpointsResult>
