// MAC addresses that follow from what an endpoint has already, so that they are the same on every plug.
import { createHash } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { ConetError } from '@conet/sdk'
import { type Address, formatAddress, toNumber } from './address.ts'

/** `02:42:` and the four bytes of the address: unique where the address is. */
export function macFromIpv4(text: string): string {
  if (!isIPv4(text))
    throw new ConetError('invalidArgument', `derive a MAC from ${text}: it is no IPv4 address`)
  return formatMac([0x02, 0x42, ...text.split('.').map(Number)])
}

/** The address from which this MAC is made; undefined: from none. */
export function ipv4OfMac(mac: string): string | undefined {
  const bytes = mac.split(':').map((byte) => Number.parseInt(byte, 16))
  return bytes[0] === 0x02 && bytes[1] === 0x42 ? bytes.slice(2).join('.') : undefined
}

/** A locally administered unicast address for an endpoint without IPv4, never one of macFromIpv4. */
export function macFromEndpointId(endpointId: string): string {
  const [first = 0, ...rest] = createHash('sha256').update(endpointId).digest().subarray(0, 6)
  // Bit 0 off is unicast, bit 1 on is locally administered; bit 2 on keeps it apart from 02:42.
  return formatMac([(first & 0xf8) | 0x06, ...rest])
}

/** The address that the kernel gives an interface with this MAC by itself (RFC 4291, appendix A). */
export function linkLocalOfMac(mac: string): string {
  const bytes = mac.split(':').map((byte) => Number.parseInt(byte, 16))
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) {
    throw new ConetError(
      'invalidArgument',
      `derive a link-local address: ${JSON.stringify(mac)} is no MAC address`,
    )
  }
  const [first = 0, ...rest] = bytes
  const interfaceId = [first ^ 0x02, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)]
  const address: Address = { family: 6, value: toNumber([0xfe, 0x80, 0, 0, 0, 0, 0, 0, ...interfaceId]) }
  return formatAddress(address)
}

function formatMac(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':')
}
