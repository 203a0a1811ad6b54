// MAC and IP addresses that follow from others: of a bridge from its network, link-local from MAC, gateway from address.
import { existsSync } from 'node:fs'
import { formatMac, formatPrefix, parseMac, parsePrefix } from '../linux/index.ts'
import type { NetworkSubnet } from '../protocol/index.ts'

/** IPv6 needs links that carry this much (RFC 8200, section 5). */
export const leastIpv6Mtu = 1280

/** False with `ipv6.disable=1` on the kernel's command line. */
const machineHasIpv6 = existsSync('/proc/sys/net/ipv6')

/** Whether a link of that MTU has IPv6 at all; the kernel takes it away from smaller ones. */
export function hasIpv6(mtu: number): boolean {
  return machineHasIpv6 && mtu >= leastIpv6Mtu
}

/** Whether a text that is an address, with or without prefix, is one of IPv6. */
export function isIpv6(address: string): boolean {
  return address.includes(':')
}

/** `10.0.0.2` of `10.0.0.2/16`. */
export function withoutPrefix(address: string): string {
  return address.split('/')[0] ?? address
}

/**
 * The MAC address of a network's bridge: locally administered, for one receiver, and the same whenever the network is
 * made again.
 */
export function macOfNetwork(networkId: string): string {
  return macOf(networkId.slice(0, 12))
}

/**
 * The MAC address of a port of the bridge, made of the id of its endpoint or network. Nobody sends to it; but what was sent to a
 * member whose own it is would end at the machine.
 */
export function macOfPort(id: string): string {
  return macOf(id.slice(12, 24))
}

function macOf(digits: string): string {
  const mac = Buffer.from(digits, 'hex')
  mac[0] = ((mac[0] ?? 0) & 0xfc) | 0x02
  return formatMac(mac)
}

/** The address that the kernel would make itself, after a second or two (RFC 4291, appendix A). */
export function linkLocalOf(macAddress: string): string {
  const mac = parseMac(macAddress)
  const universalBit = 0x02
  const bytes = Buffer.from('fe80000000000000000000fffe000000', 'hex')
  mac.copy(bytes, 8, 0, 3)
  mac.copy(bytes, 13, 3, 6)
  bytes[8] = (mac[0] ?? 0) ^ universalBit
  return formatPrefix(bytes, 64)
}

/** A subnet with a gateway, taken apart once for all plugs into its network. */
export type GatewaySubnet = {
  readonly bytes: Uint8Array
  readonly prefixLength: number
  readonly gateway: string
}

export function gatewaySubnets(subnets: readonly NetworkSubnet[]): GatewaySubnet[] {
  return subnets.flatMap(({ subnet, gateway }) => {
    if (gateway === undefined) return []
    const { bytes, prefixLength } = parsePrefix(subnet)
    return [{ bytes, prefixLength, gateway }]
  })
}

/** The gateway of the subnet in which the address lies, if it has one. */
export function gatewayFor(address: Uint8Array, subnets: readonly GatewaySubnet[]): string | undefined {
  return subnets.find((subnet) => contains(subnet, address))?.gateway
}

/** Whether the address lies in the subnet. */
export function contains(
  { bytes, prefixLength }: Pick<GatewaySubnet, 'bytes' | 'prefixLength'>,
  address: Uint8Array,
): boolean {
  if (bytes.length !== address.length) return false
  const whole = prefixLength >> 3
  for (let at = 0; at < whole; at++) if (bytes[at] !== address[at]) return false
  const mask = (0xff00 >> (prefixLength & 7)) & 0xff
  return (((bytes[whole] ?? 0) ^ (address[whole] ?? 0)) & mask) === 0
}
