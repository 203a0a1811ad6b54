// A NETLINK_ROUTE socket: open, send, receive, close, and nothing about what is said over it.
// See docs/decisions/0001-two-netlink-sockets.md for why it is made of plain system calls.
import koffi, { type KoffiFunc } from 'koffi'
import { KernelError } from '../kernel-error.ts'
import { checked, libc } from '../libc.ts'
import { AF_NETLINK } from './constants.ts'
import { littleEndian, viewOf } from './host-order.ts'

const socket: (domain: number, type: number, protocol: number) => number = libc.func(
  'int socket(int domain, int type, int protocol)',
)
const close: (fd: number) => number = libc.func('int close(int fd)')
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
const SOL_SOCKET = 1
const SO_RCVBUF = 8
const SO_RCVTIMEO = 20
const SO_RCVBUFFORCE = 33
const SOL_NETLINK = 270
const NETLINK_CAP_ACK = 10
const NETLINK_EXT_ACK = 11
const NETLINK_GET_STRICT_CHK = 12
const MSG_TRUNC = 0x20
const EINTR = 4
const EMSGSIZE = 90

/** Answers are waiting when the send returns; this only bounds what would be a bug in the kernel. */
const RECEIVE_TIMEOUT_SECONDS = 10
/** A thousand errors of one batch fit, each with its own socket buffer in the kernel. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024

/** One for the thread: it is read out before the next receive, and all of that is synchronous. The kernel fills at most 32 KiB. */
const datagram = Buffer.allocUnsafeSlow(128 * 1024)

export class RouteSocket {
  #fd: number

  /** Opens a socket in the namespace of the calling thread, where it stays. Throws a KernelError. */
  constructor() {
    this.#fd = checked(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), 'open a netlink socket')
    try {
      this.#configure()
    } catch (error) {
      this.close()
      throw error
    }
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
    const length = checked(
      this.#retry(() => recv(this.#open(), datagram, datagram.length, MSG_TRUNC)),
      `${operation}: receive the answer`,
    )
    if (length > datagram.length) throw new KernelError({ errno: EMSGSIZE, operation })
    return datagram.subarray(0, length)
  }

  /** May be repeated. */
  close(): void {
    if (this.#fd >= 0) close(this.#fd)
    this.#fd = -1
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

  #configure(): void {
    this.#option(SOL_NETLINK, NETLINK_EXT_ACK, int(1))
    this.#option(SOL_NETLINK, NETLINK_CAP_ACK, int(1))
    this.#option(SOL_NETLINK, NETLINK_GET_STRICT_CHK, int(1))
    this.#option(SOL_SOCKET, SO_RCVTIMEO, seconds(RECEIVE_TIMEOUT_SECONDS))
    // Past the machine's limit if we may; within it in a user namespace, where only very large batches notice.
    if (!this.#tryOption(SOL_SOCKET, SO_RCVBUFFORCE, int(RECEIVE_BUFFER_BYTES))) {
      this.#option(SOL_SOCKET, SO_RCVBUF, int(RECEIVE_BUFFER_BYTES))
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
