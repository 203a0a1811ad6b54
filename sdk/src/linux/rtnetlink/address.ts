// Addresses of interfaces: requests, and what the kernel reports.
import { Attributes } from '../netlink/attributes.ts'
import { AF_INET, AF_INET6, AF_UNSPEC, NLM_F } from '../netlink/constants.ts'
import { littleEndian, viewOf } from '../netlink/host-order.ts'
import type { NetlinkMessage } from '../netlink/message.ts'
import { PayloadWriter } from '../netlink/payload-writer.ts'
import type { RouteRequest } from '../netlink/request.ts'
import { RTM } from './constants.ts'
import { broadcastOf, formatIp, formatPrefix, type IpPrefix, parseIp, parsePrefix } from './ip-address.ts'
import { checkedIndex } from './link-attributes.ts'
import { nameOf } from './named-number.ts'

const HEADER_LENGTH = 8
const IFA = {
  ADDRESS: 1,
  LOCAL: 2,
  LABEL: 3,
  BROADCAST: 4,
  CACHEINFO: 6,
  FLAGS: 8,
  RT_PRIORITY: 9,
} as const
const IFA_F = { NODAD: 0x2, DADFAILED: 0x8, DEPRECATED: 0x20, TENTATIVE: 0x40, NOPREFIXROUTE: 0x200 } as const
/** Others that can be set of an address of IPv6; ip-address(8). */
const namedFlags = { home: 0x10, mngtmpaddr: 0x100 } as const

const FOREVER = 0xffffffff

export const scopes = { universe: 0, site: 200, link: 253, host: 254, nowhere: 255 } as const

/** How far an address or route reaches; ip-address(8), ip-route(8). `universe` is the usual one. */
export type Scope = keyof typeof scopes

/** An address to be set on a link. */
export type NewAddress = {
  /** Index of the interface. */
  link: number
  /** `10.0.0.2/16`, `fd00::2/64`. */
  address: string
  /** Default `universe`; of an IPv6 address the kernel decides. */
  scope?: Scope
  /** IPv6: usable at once, without duplicate address detection. */
  nodad?: boolean
  /** IPv4: the default is the last address of the subnet; `false` sets none. */
  broadcast?: false
  /** `false`: do not make the route to the address's subnet. */
  prefixRoute?: false
  /** Of the route to its subnet. Of an IPv6 address that is there one left out stays. */
  metric?: number
}

/** An address as the kernel reports it. */
export type Address = {
  link: number
  address: string
  scope: Scope | undefined
  broadcast: string | undefined
  nodad: boolean
  /** IPv6: not usable yet, or found to be somebody else's. */
  tentative: boolean
  duplicate: boolean
  /** Whether the kernel has made the route to its subnet; it may be gone since. */
  prefixRoute: boolean
  /** Whether it is valid, or preferred as a source, for a time only. */
  expires: boolean
  /** No longer preferred as a source. */
  deprecated: boolean
  /** Of the route to its subnet, where it is not the usual one. */
  metric: number | undefined
  /** The other side of a point-to-point link. */
  peer: string | undefined
  /** IPv4. */
  label: string | undefined
  flags: (keyof typeof namedFlags)[]
}

/** Adds an address. Fails with EEXIST when the interface has it. */
export function addAddress(address: NewAddress): RouteRequest {
  return newAddress('add', NLM_F.CREATE | NLM_F.EXCL, address)
}

/** Adds an address, or changes the one that is there. May be repeated. */
export function replaceAddress(address: NewAddress): RouteRequest {
  return newAddress('replace', NLM_F.CREATE | NLM_F.REPLACE, address)
}

/** Deletes an address; of one that has a peer, that is part of what names it. Fails with EADDRNOTAVAIL when there is none. */
export function deleteAddress({
  link,
  address,
  peer,
}: Pick<NewAddress, 'link' | 'address'> & Partial<Pick<Address, 'peer'>>): RouteRequest {
  const prefix = parsePrefix(address)
  return {
    operation: `delete address ${address} of link ${link}`,
    type: RTM.DELADDR,
    flags: 0,
    payload: writeAddress(prefix, { link, scope: 0, peer }).finish(),
  }
}

/** Which addresses are meant: all, or those of one interface, or of one family. */
export type AddressFilter = { readonly link?: number; readonly family?: 'ipv4' | 'ipv6' }

export function listAddresses({ link, family }: AddressFilter): RouteRequest {
  const payload = new PayloadWriter()
    .u8(family === undefined ? AF_UNSPEC : family === 'ipv4' ? AF_INET : AF_INET6)
    .zeros(3)
    .u32(link ?? 0)
    .finish()
  return { operation: 'list addresses', type: RTM.GETADDR, flags: 0, payload }
}

/** Reads RTM_NEWADDR or RTM_DELADDR. */
export function parseAddress({ type, payload }: NetlinkMessage): Address | undefined {
  if (type !== RTM.NEWADDR && type !== RTM.DELADDR) return undefined
  const attributes = new Attributes(payload.subarray(HEADER_LENGTH))
  // Of a point-to-point link IFA_ADDRESS is the other side.
  const other = attributes.bytes(IFA.ADDRESS)
  const bytes = attributes.bytes(IFA.LOCAL) ?? other
  if (bytes === undefined) return undefined
  const broadcast = attributes.bytes(IFA.BROADCAST)
  const flags = attributes.u32(IFA.FLAGS) ?? payload.readUInt8(2)
  return {
    link: viewOf(payload).getUint32(4, littleEndian),
    address: formatPrefix(bytes, payload.readUInt8(1)),
    scope: nameOf(scopes, payload.readUInt8(3)),
    broadcast: broadcast && formatIp(broadcast),
    nodad: (flags & IFA_F.NODAD) !== 0,
    tentative: (flags & IFA_F.TENTATIVE) !== 0,
    duplicate: (flags & IFA_F.DADFAILED) !== 0,
    prefixRoute: (flags & IFA_F.NOPREFIXROUTE) === 0,
    expires: runsOut(attributes.bytes(IFA.CACHEINFO)),
    deprecated: (flags & IFA_F.DEPRECATED) !== 0,
    metric: attributes.u32(IFA.RT_PRIORITY) || undefined,
    peer: other === undefined || other.equals(bytes) ? undefined : formatIp(other),
    label: attributes.string(IFA.LABEL),
    flags: flagNames.filter((name) => (flags & namedFlags[name]) !== 0),
  }
}

const flagNames = ['home', 'mngtmpaddr'] as const

/** struct ifa_cacheinfo. */
function runsOut(lifetimes: Buffer | undefined): boolean {
  if (lifetimes === undefined) return false
  const view = viewOf(lifetimes)
  return [0, 4].some((at) => view.getUint32(at, littleEndian) !== FOREVER)
}

function newAddress(verb: string, flags: number, address: NewAddress): RouteRequest {
  const prefix = parsePrefix(address.address)
  const addressFlags =
    (address.nodad ? IFA_F.NODAD : 0) | (address.prefixRoute === false ? IFA_F.NOPREFIXROUTE : 0)
  const writer = writeAddress(prefix, { link: address.link, scope: scopes[address.scope ?? 'universe'] })
  if (address.broadcast !== false) writer.attributeBytes(IFA.BROADCAST, broadcastOf(prefix))
  if (addressFlags !== 0) writer.attributeU32(IFA.FLAGS, addressFlags)
  writer.attributeU32(IFA.RT_PRIORITY, address.metric)
  return {
    operation: `${verb} address ${address.address} ${verb === 'add' ? 'to' : 'of'} link ${address.link}`,
    type: RTM.NEWADDR,
    flags,
    payload: writer.finish(),
  }
}

function writeAddress(
  { family, bytes, prefixLength }: IpPrefix,
  { link, scope, peer }: { link: number; scope: number; peer?: string | undefined },
): PayloadWriter {
  const writer = new PayloadWriter().u8(family).u8(prefixLength).u8(0).u8(scope).u32(checkedIndex(link))
  return writer
    .attributeBytes(IFA.LOCAL, bytes)
    .attributeBytes(IFA.ADDRESS, peer === undefined ? bytes : parseIp(peer).bytes)
}
