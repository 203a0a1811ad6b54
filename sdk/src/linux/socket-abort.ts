// Aborts connections of TCP: their process hears ECONNABORTED, and the kernel sends the other end a reset (ss -K).
import { type Place, runIn } from './namespace.ts'
import { AF_INET, AF_INET6 } from './netlink/constants.ts'
import type { NetlinkMessage } from './netlink/message.ts'
import { PayloadWriter } from './netlink/payload-writer.ts'
import type { RouteRequest } from './netlink/request.ts'
import { NETLINK_SOCK_DIAG, RouteSocket } from './netlink/route-socket.ts'
import { Transactions } from './netlink/transaction.ts'

const SOCK_DIAG_BY_FAMILY = 20
const SOCK_DESTROY = 21
const IPPROTO_TCP = 6
const anyState = 0xffff_ffff
const noCookie = Buffer.alloc(8, 0xff)
/** struct inet_diag_msg: family, state, timer, retransmissions, then the id: ports, addresses, interface, cookie. */
const ANSWER = { FAMILY: 0, STATE: 1, ID: 4 } as const
const ID = { REMOTE_PORT: 2, COOKIE: 40, LENGTH: 48 } as const
/** Of established ones and those that are being closed. */
const openStates: readonly number[] = [1, 4, 5, 8, 9, 11]

/** A connection as its own end knows it. Addresses of 4 or 16 bytes. */
export type Connection = {
  readonly source: Uint8Array
  readonly sourcePort: number
  readonly destination: Uint8Array
  readonly destinationPort: number
  /** By which its packets come in. Without it a socket that is bound to an interface (SO_BINDTODEVICE) is not found. */
  readonly interfaceIndex?: number | undefined
}

/**
 * Aborts those of these connections that have a socket in `place`, and answers how many were asked to end; those that are gone are
 * fine. Microseconds each; only the opening of the socket is done inside. Throws a KernelError: EOPNOTSUPP from a kernel
 * that was built without INET_DIAG_DESTROY.
 */
export function abortConnections(connections: readonly Connection[], place?: Place): number {
  const transactions = runIn(place, () => new Transactions(new RouteSocket({ protocol: NETLINK_SOCK_DIAG })))
  try {
    // First the cookie of each, since the kernel answers with whoever listens on the port where there is no connection.
    const found: RouteRequest[] = []
    transactions.run(connections.map(getConnection), { tolerate: ['ENOENT'] }, (message) => {
      if (isConnection(message)) found.push(destroy(message))
    })
    transactions.run(found, { tolerate: ['ENOENT', 'ESTALE'] })
    return found.length
  } finally {
    transactions.close()
  }
}

function getConnection(connection: Connection): RouteRequest {
  const { source, sourcePort, destination, destinationPort, interfaceIndex = 0 } = connection
  const payload = head(source.length === 4 ? AF_INET : AF_INET6)
    .bytes(bigEndian(sourcePort))
    .bytes(bigEndian(destinationPort))
    .bytes(padded(source))
    .bytes(padded(destination))
    .u32(interfaceIndex)
    .bytes(noCookie)
  return {
    operation: 'look for a connection',
    type: SOCK_DIAG_BY_FAMILY,
    flags: 0,
    payload: payload.finish(),
  }
}

function isConnection({ type, payload }: NetlinkMessage): boolean {
  if (type !== SOCK_DIAG_BY_FAMILY || payload.length < ANSWER.ID + ID.LENGTH) return false
  const remotePort = payload.readUInt16BE(ANSWER.ID + ID.REMOTE_PORT)
  return remotePort !== 0 && openStates.includes(payload.readUInt8(ANSWER.STATE))
}

/** By its cookie, which no other socket ever has. */
function destroy({ payload }: NetlinkMessage): RouteRequest {
  const request = head(payload.readUInt8(ANSWER.FAMILY)).bytes(
    payload.subarray(ANSWER.ID, ANSWER.ID + ID.LENGTH),
  )
  return { operation: 'abort a connection', type: SOCK_DESTROY, flags: 0, payload: request.finish() }
}

/** struct inet_diag_req_v2 up to the id. */
function head(family: number): PayloadWriter {
  return new PayloadWriter().u8(family).u8(IPPROTO_TCP).u16(0).u32(anyState)
}

const bigEndian = (port: number) => Uint8Array.of(port >> 8, port & 0xff)

function padded(address: Uint8Array): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.set(address)
  return bytes
}
