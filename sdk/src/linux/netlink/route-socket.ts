// A netlink socket: open, send, receive, close, and nothing about what is said over it.
// See docs/decisions/0001-netlink-by-system-calls.md for why it is made of plain system calls.
import koffi, { type KoffiFunc } from 'koffi'
import { KernelError } from '../kernel-error.ts'
import { checked, libc } from '../libc.ts'
import { runInNamespaceOfSocket } from '../namespace.ts'
import { AF_NETLINK } from './constants.ts'
import { littleEndian, viewOf } from './host-order.ts'

const socket: (domain: number, type: number, protocol: number) => number = libc.func(
  'int socket(int domain, int type, int protocol)',
)
const close: (fd: number) => number = libc.func('int close(int fd)')
const bind: (fd: number, address: Buffer, length: number) => number = libc.func(
  'int bind(int fd, void *address, uint32_t length)',
)
const fcntl: (fd: number, command: number, argument: number) => number = libc.func(
  'int fcntl(int fd, int command, int argument)',
)
const setsockopt: (fd: number, level: number, name: number, value: Buffer, length: number) => number =
  libc.func('int setsockopt(int fd, int level, int name, void *value, uint32_t length)')
const send: KoffiFunc<(fd: number, bytes: Buffer, length: number, flags: number) => number> = libc.func(
  'intptr_t send(int fd, void *bytes, size_t length, int flags)',
)
const recv: (fd: number, bytes: Buffer, length: number, flags: number) => number = libc.func(
  'intptr_t recv(int fd, void *bytes, size_t length, int flags)',
)

const SOCK_RAW = 3
const SOCK_CLOEXEC = 0o2000000
const NETLINK_ROUTE = 0
/** The protocol by which sockets are listed. */
export const NETLINK_SOCK_DIAG = 4
/** The protocol of nftables and conntrack. */
export const NETLINK_NETFILTER = 12
const SOL_SOCKET = 1
const SO_RCVBUF = 8
const SO_RCVTIMEO = 20
const SO_SNDBUFFORCE = 32
const SO_RCVBUFFORCE = 33
const SOL_NETLINK = 270
const NETLINK_ADD_MEMBERSHIP = 1
const NETLINK_CAP_ACK = 10
const NETLINK_EXT_ACK = 11
const NETLINK_GET_STRICT_CHK = 12
const MSG_TRUNC = 0x20
const MSG_DONTWAIT = 0x40
const F_SETFL = 4
const F_SETOWN = 8
const O_ASYNC = 0o20000
const EINTR = 4
const EAGAIN = 11
const EMSGSIZE = 90

const ADDRESS_LENGTH = 12

/** Answers are waiting when the send returns; this only bounds what would be a bug in the kernel. */
const RECEIVE_TIMEOUT_SECONDS = 10
/** A thousand errors of one batch fit, each with its own socket buffer in the kernel. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024

/** One for the thread: it is read out before the next receive, and all of that is synchronous. The kernel fills at most 32 KiB. */
const datagram = Buffer.allocUnsafeSlow(128 * 1024)

type RouteSocketOptions = { readonly receiveBufferBytes?: number; readonly protocol?: number }

export class RouteSocket {
  #fd: number
  readonly #options: RouteSocketOptions

  /** Opens a socket in the namespace of the calling thread, where it stays. Throws a KernelError. */
  constructor(options: RouteSocketOptions = {}) {
    const { receiveBufferBytes = RECEIVE_BUFFER_BYTES, protocol = NETLINK_ROUTE } = options
    this.#options = options
    this.#fd = checked(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), 'open a netlink socket')
    try {
      this.#configure(receiveBufferBytes)
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Another one, where this one is: whoever opened it may have left its namespace since. */
  beside(): RouteSocket {
    return runInNamespaceOfSocket(this.#open(), () => new RouteSocket(this.#options))
  }

  /** Hands messages to the kernel, which does the work before this returns. */
  send(messages: Buffer, operation: string): void {
    checked(
      this.#retry(() => send(this.#open(), messages, messages.length, 0)),
      operation,
    )
  }

  /** The same on libuv's thread pool. Do not close the socket before it has settled. */
  sendInThread(messages: Buffer, operation: string): Promise<void> {
    const fd = this.#open()
    return new Promise((resolve, reject) => {
      send.async(fd, messages, messages.length, 0, (error: unknown, result: number) => {
        if (error) reject(error)
        else if (result >= 0) resolve()
        else reject(new KernelError({ errno: koffi.errno(), operation }))
      })
    })
  }

  /** The next datagram, in a buffer that the next receive on any socket of this thread overwrites. */
  receive(operation: string): Buffer {
    return this.#datagram(checked(this.#recv(0), `${operation}: receive the answer`), operation)
  }

  /** As `receive`, but undefined when nothing waits. ENOBUFS says that messages were lost; later ones follow. */
  receiveWaiting(operation: string): Buffer | undefined {
    const length = this.#recv(MSG_DONTWAIT)
    if (length < 0 && koffi.errno() === EAGAIN) return undefined
    return this.#datagram(checked(length, operation), operation)
  }

  /** Joins multicast groups, and has the process get SIGIO whenever something arrives. Handle it first: its default is death. */
  subscribe(groups: readonly number[]): void {
    const fd = this.#open()
    // Without an address of its own the socket would count as the kernel's, which gets no copy of what it sends.
    checked(bind(fd, anyAddress(), ADDRESS_LENGTH), 'bind a netlink socket')
    checked(fcntl(fd, F_SETOWN, process.pid), 'own the signals of a netlink socket')
    checked(fcntl(fd, F_SETFL, O_ASYNC), 'ask for the signals of a netlink socket')
    for (const group of groups) this.#option(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, int(group))
  }

  /** Lets one send be so long, past the limit of the machine. For those with CAP_NET_ADMIN. */
  allowSending(bytes: number): void {
    this.#option(SOL_SOCKET, SO_SNDBUFFORCE, int(bytes))
  }

  /** May be repeated. */
  close(): void {
    if (this.#fd >= 0) close(this.#fd)
    this.#fd = -1
  }

  #recv(flags: number): number {
    return this.#retry(() => recv(this.#open(), datagram, datagram.length, MSG_TRUNC | flags))
  }

  #datagram(length: number, operation: string): Buffer {
    if (length > datagram.length) throw new KernelError({ errno: EMSGSIZE, operation })
    return datagram.subarray(0, length)
  }

  #open(): number {
    if (this.#fd < 0) throw new Error('the netlink socket was closed')
    return this.#fd
  }

  #retry(call: () => number): number {
    let result = call()
    while (result < 0 && koffi.errno() === EINTR) result = call()
    return result
  }

  #configure(receiveBufferBytes: number): void {
    this.#option(SOL_NETLINK, NETLINK_EXT_ACK, int(1))
    this.#option(SOL_NETLINK, NETLINK_CAP_ACK, int(1))
    this.#option(SOL_NETLINK, NETLINK_GET_STRICT_CHK, int(1))
    this.#option(SOL_SOCKET, SO_RCVTIMEO, seconds(RECEIVE_TIMEOUT_SECONDS))
    // Past the machine's limit if we may; within it in a user namespace, where only very large batches notice.
    if (!this.#tryOption(SOL_SOCKET, SO_RCVBUFFORCE, int(receiveBufferBytes))) {
      this.#option(SOL_SOCKET, SO_RCVBUF, int(receiveBufferBytes))
    }
  }

  #option(level: number, name: number, value: Buffer): void {
    if (!this.#tryOption(level, name, value)) {
      throw new KernelError({ errno: koffi.errno(), operation: `set option ${name} of a netlink socket` })
    }
  }

  #tryOption(level: number, name: number, value: Buffer): boolean {
    return setsockopt(this.#open(), level, name, value, value.length) === 0
  }
}

/** struct sockaddr_nl: the kernel chooses the port. */
function anyAddress(): Buffer {
  const address = Buffer.alloc(ADDRESS_LENGTH)
  viewOf(address).setUint16(0, AF_NETLINK, littleEndian)
  return address
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  viewOf(bytes).setInt32(0, value, littleEndian)
  return bytes
}

/** A struct timeval of 64-bit words. */
function seconds(value: number): Buffer {
  const bytes = Buffer.alloc(16)
  viewOf(bytes).setBigInt64(0, BigInt(value), littleEndian)
  return bytes
}
