// Tells the neighbours of a freshly plugged interface its addresses, so that nobody keeps talking to the MAC
// that had them before. It sends and forgets; it knows nothing of rtnetlink.
import { closeSync } from 'node:fs'
import { isIPv4, isIPv6 } from 'node:net'
import { endianness } from 'node:os'
import { ConetError } from '../errors/index.ts'
import { arpAnnouncement, neighbourAdvertisement } from './announce-frame.ts'
import { checked, libc } from './libc.ts'
import { type Place, runIn } from './namespace.ts'

const socket: (domain: number, type: number, protocol: number) => number = libc.func(
  'int socket(int domain, int type, int protocol)',
)
const sendto: (
  fd: number,
  frame: Buffer,
  length: number,
  flags: number,
  address: Buffer,
  addressLength: number,
) => number = libc.func(
  'intptr_t sendto(int fd, const void *frame, size_t length, int flags, const void *address, uint32_t addressLength)',
)
const if_nametoindex: (name: string) => number = libc.func('unsigned int if_nametoindex(const char *name)')
const inet_pton: (family: number, text: string, bytes: Buffer) => number = libc.func(
  'int inet_pton(int family, const char *text, _Out_ uint8_t *bytes)',
)

const AF_INET = 2
const AF_INET6 = 10
const AF_PACKET = 17
/** SOCK_RAW, SOCK_NONBLOCK, SOCK_CLOEXEC. */
const RAW_SOCKET = 3 | 0o4000 | 0o2000000

export type Announcement = {
  /** The interface inside the namespace. */
  interfaceName: string
  /** `02:42:0a:00:00:02`. */
  macAddress: string
  /** IPv4 and IPv6 addresses without prefix length. */
  addresses: readonly string[]
}

/**
 * Sends one frame for each address from inside the namespace: an ARP announcement, or an unsolicited neighbour
 * advertisement. Synchronous; waits for no answer, since there is none. May be repeated.
 * Throws `invalidArgument`, or a KernelError: ENODEV (no such interface), ENETDOWN (it is down).
 */
export function announce(place: Place, announcement: Announcement): void {
  const frames = framesOf(announcement)
  runIn(place, () => sendFrames(announcement.interfaceName, frames))
}

function framesOf({ macAddress, addresses }: Announcement): Buffer[] {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(macAddress)) throw wrong('macAddress', macAddress)
  const mac = Buffer.from(macAddress.replaceAll(':', ''), 'hex')
  return addresses.map((address) => {
    if (isIPv4(address)) return arpAnnouncement(mac, bytesOf(address, AF_INET, 4))
    if (isIPv6(address) && !address.includes('%')) {
      return neighbourAdvertisement(mac, bytesOf(address, AF_INET6, 16))
    }
    throw wrong('addresses', address)
  })
}

function wrong(path: string, value: string): ConetError {
  const message = `${JSON.stringify(value)} is not an address`
  return new ConetError('invalidArgument', `announce: ${message}`, { fields: [{ path, message }] })
}

function bytesOf(address: string, family: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  if (inet_pton(family, address, bytes) !== 1) throw wrong('addresses', address)
  return bytes
}

function sendFrames(interfaceName: string, frames: Buffer[]): void {
  const operation = `announce addresses on ${interfaceName}`
  // 0 is no index: the one call here that does not fail with a negative number.
  const index = if_nametoindex(interfaceName) || checked(-1, operation)
  // Protocol 0: the socket receives nothing.
  const fd = checked(socket(AF_PACKET, RAW_SOCKET, 0), operation)
  try {
    const target = linkAddress(index)
    for (const frame of frames) checked(sendto(fd, frame, frame.length, 0, target, target.length), operation)
  } finally {
    closeSync(fd)
  }
}

/** sockaddr_ll (packet(7)): with SOCK_RAW only the family and the index count. */
function linkAddress(index: number): Buffer {
  const address = Buffer.alloc(20)
  if (endianness() === 'LE') {
    address.writeUInt16LE(AF_PACKET, 0)
    address.writeInt32LE(index, 4)
  } else {
    address.writeUInt16BE(AF_PACKET, 0)
    address.writeInt32BE(index, 4)
  }
  return address
}
