// Tells the neighbours of a freshly plugged interface its addresses, so that nobody keeps talking to the MAC
// that had them before. It sends and forgets.
import { endianness } from 'node:os'
import { arpAnnouncement, neighbourAdvertisement } from './announce-frame.ts'
import { checked, closeDescriptorInBackground, libc } from './libc.ts'
import { type Place, runIn } from './namespace.ts'
import { parseIp, parseMac } from './rtnetlink/ip-address.ts'

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

const AF_PACKET = 17
/** SOCK_RAW, SOCK_NONBLOCK, SOCK_CLOEXEC. */
const RAW_SOCKET = 3 | 0o4000 | 0o2000000

/** Which addresses now live behind which MAC. */
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
 * advertisement. Synchronous, 0.05 ms; waits for no answer, since there is none. May be repeated.
 * Throws a TypeError for what is no address, or a KernelError: ENODEV (no such interface), ENETDOWN (it is down).
 * For some 20 ms afterwards a closing socket holds the namespace.
 */
export function announce(place: Place, { interfaceName, macAddress, addresses }: Announcement): void {
  const mac = parseMac(macAddress)
  const frames = addresses.map((address) => frameOf(mac, address))
  const operation = `announce addresses on ${interfaceName}`
  const { fd, target } = runIn(place, () => openSocket(interfaceName, operation))
  try {
    for (const frame of frames) checked(sendto(fd, frame, frame.length, 0, target, target.length), operation)
  } finally {
    closeLater(fd)
  }
}

function frameOf(mac: Buffer, address: string): Buffer {
  const { bytes } = parseIp(address)
  return bytes.length === 4 ? arpAnnouncement(mac, bytes) : neighbourAdvertisement(mac, bytes)
}

function openSocket(interfaceName: string, operation: string): { fd: number; target: Buffer } {
  // 0 is no index: the one call here that does not fail with a negative number.
  const index = if_nametoindex(interfaceName) || checked(-1, operation)
  // Protocol 0: the socket receives nothing.
  return { fd: checked(socket(AF_PACKET, RAW_SOCKET, 0), operation), target: linkAddress(index) }
}

/** sockaddr_ll (packet(7)): for sending with SOCK_RAW only the family and the index count. */
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

const closing: number[] = []

/**
 * The kernel waits for an RCU grace period when a packet socket is closed: 16 ms (measured), too long for the
 * thread that serves everybody. So libuv's threads close them, one at a time, which leaves the other threads of the pool
 * free. setImmediate, because libuv may start its threads now and the caller may be inside `Namespace.run`.
 */
function closeLater(fd: number): void {
  closing.push(fd)
  if (closing.length === 1) setImmediate(closeNext)
}

function closeNext(): void {
  const [fd] = closing
  if (fd === undefined) return
  closeDescriptorInBackground(fd, () => {
    closing.shift()
    closeNext()
  })
}
