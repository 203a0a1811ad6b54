// What a network is to the host, and which step may follow which. Knows no driver, no store, no kernel.
import { ConetError, Dns } from '@conet/sdk'
import { type Static, Type } from 'typebox'

export const NetworkState = Type.Union([
  /** On record; the driver has not confirmed it. */
  Type.Literal('creating'),
  Type.Literal('active'),
  /** To be deleted, or half made: the driver has not confirmed that it is gone. */
  Type.Literal('deleting'),
])
export type NetworkState = Static<typeof NetworkState>

export const SubnetRecord = Type.Object({
  family: Type.Union([Type.Literal(4), Type.Literal(6)]),
  subnet: Type.String(),
  gateway: Type.Optional(Type.String()),
  range: Type.Optional(Type.String()),
  exclude: Type.Array(Type.String()),
})
export type SubnetRecord = Static<typeof SubnetRecord>

const Document = Type.Record(Type.String(), Type.Unknown())

export const NetworkRecord = Type.Object({
  id: Type.String(),
  name: Type.String(),
  /** The driver's name. */
  type: Type.String(),
  state: NetworkState,
  labels: Type.Record(Type.String(), Type.String()),
  internal: Type.Boolean(),
  subnets: Type.Array(SubnetRecord),
  /** `driver`: it hands out the addresses, in subnets that the host may not know. Absent: the host does. */
  ipam: Type.Optional(Type.Literal('driver')),
  /** `private`: behind one interface of a container are all its networks of this driver. Absent: each has one of its own. */
  sandbox: Type.Optional(Type.Literal('private')),
  /** `global`: every host of the cluster knows it, and its driver has it only where it has endpoints. Absent: this host's own. */
  scope: Type.Optional(Type.Literal('global')),
  /** The number in each packet, the same on all hosts, for drivers that ask for one. */
  segmentId: Type.Optional(Type.Integer()),
  /** Of a global network: how many addresses a block has that one host hands out, as a power of two. */
  blockBits: Type.Optional(Type.Integer()),
  /** The container whose own it is: it goes when the container goes down. */
  owner: Type.Optional(Type.String()),
  /** What its containers' resolvers are told, before what the driver says. */
  dns: Type.Optional(Dns),
  config: Document,
  defaultPolicy: Type.Optional(Document),
  /** Of a global network: how often its default policy was changed. */
  policyRevision: Type.Optional(Type.Integer()),
  createdAt: Type.String(),
  /** Since when it is `deleting`. */
  buriedAt: Type.Optional(Type.String()),
  /** Of the request that made it, if its client said that it may ask again. */
  requestKey: Type.Optional(Type.String()),
  /** Canonical text of what the client asked for: the same again is the same network. */
  request: Type.String(),
})
export type NetworkRecord = Static<typeof NetworkRecord>

/** Whether a container has one interface for its endpoints in both. */
export function shareInterface(one: NetworkRecord, other: NetworkRecord | undefined): boolean {
  return one.sandbox === 'private' && other?.sandbox === 'private' && one.type === other.type
}

/** Throws unless endpoints may be made in the network. */
export function assertUsable(network: NetworkRecord, operation: string): void {
  if (network.state === 'active') return
  throw new ConetError('failedPrecondition', `${operation}: network ${network.name} is ${network.state}`, {
    details: { networkId: network.id, state: network.state },
    ...(network.state === 'deleting' ? { help: goingHelp(network) } : {}),
  })
}

/** RFC 8200, section 5: with less a link has no IPv6. */
const leastIpv6Mtu = 1280

/** Throws for an MTU with which an endpoint could not have the addresses that the network gives it. `path`: of the MTU. */
export function assertMtuFits(
  { name, subnets }: Pick<NetworkRecord, 'name' | 'subnets'>,
  { mtu }: { readonly mtu?: number },
  path: string,
): void {
  if (mtu === undefined || mtu >= leastIpv6Mtu || subnets.every(({ family }) => family === 4)) return
  const message = `must be at least ${leastIpv6Mtu}: the network has an IPv6 subnet`
  throw new ConetError('invalidArgument', `attach to network ${name}: ${path}: ${message}`, {
    fields: [{ path, message }],
  })
}

/** Throws when the network is a container's own: it ends when that one goes down. */
export function assertShareable({ name, owner }: NetworkRecord): void {
  if (owner === undefined) return
  throw new ConetError('failedPrecondition', `network ${name} is container ${owner}’s own`, {
    details: { container: owner },
    help: 'create a network of its own for containers to share: conet net create',
  })
}

/** Whether this host may strike it off its record alone: one that is on its way out is no other host's any more. */
export function isForgettable({ scope, state }: NetworkRecord): boolean {
  return scope !== 'global' || state === 'deleting'
}

/** Whether there may be a way out: a driver that hands out addresses may have one that the host does not know. */
export function hasWayOut({ internal, subnets, ipam }: NetworkRecord): boolean {
  const isUnknown = ipam === 'driver' && subnets.length === 0
  return !internal && (isUnknown || subnets.some(({ gateway }) => gateway !== undefined))
}

/** To one who wants a network that is on its way out. */
export function goingHelp({ name, type }: NetworkRecord): string {
  return `it is gone once driver ${type} has confirmed: conet net inspect ${name} shows what is awaited`
}

/** The network as a driver sees it. */
export function driverView({
  id,
  name,
  labels,
  internal,
  subnets,
  segmentId,
  config,
  defaultPolicy,
}: NetworkRecord) {
  return {
    id,
    name,
    labels,
    internal,
    subnets: subnets.map(({ subnet, gateway }) => (gateway === undefined ? { subnet } : { subnet, gateway })),
    ...(segmentId === undefined ? {} : { segmentId }),
    config,
    ...(defaultPolicy === undefined ? {} : { defaultPolicy }),
  }
}

/**
 * Whether the way out of a network is this machine: it has the address of a gateway. Where a driver makes no gateway, or
 * it is somewhere else, nothing of the network is forwarded here. `addresses`: of the machine, without prefix lengths.
 */
export function isRoutedBy(
  { internal, subnets }: NetworkRecord,
  { addresses, family }: { addresses: ReadonlySet<string>; family: 4 | 6 },
): boolean {
  return (
    !internal &&
    subnets.some(({ gateway, ...subnet }) => {
      return subnet.family === family && gateway !== undefined && addresses.has(gateway)
    })
  )
}

/** For containers in one that was deleted. Ids are given once: no network comes back under the one that an attachment has. */
export const networkGoneHelp =
  'conet container down HANDLE, then conet container create HANDLE with the networks that it is to have, and conet container up HANDLE; a container of a runtime: end it and start it again'
