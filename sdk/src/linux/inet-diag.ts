// The sockets of TCP and UDP that are open to anybody, as the kernel lists them (sock_diag(7)). In /proc/net/tcp they come
// with a walk through the table of all connections: 4 ms where it has 262,144 buckets, however few are used.
import { Attributes } from './netlink/attributes.ts'
import { AF_INET, AF_INET6, NLM_F } from './netlink/constants.ts'
import type { NetlinkMessage } from './netlink/message.ts'
import { PayloadWriter } from './netlink/payload-writer.ts'
import type { RouteRequest } from './netlink/request.ts'
import { NETLINK_SOCK_DIAG, RouteSocket } from './netlink/route-socket.ts'
import { Transactions } from './netlink/transaction.ts'
import { formatIp } from './rtnetlink/ip-address.ts'

const SOCK_DIAG_BY_FAMILY = 20
/** struct inet_diag_sockid: ports, addresses, interface, cookie; all of it zero asks for any. */
const SOCKET_ID_LENGTH = 48
/** struct inet_diag_msg: family, state, timer, retransmissions, then the id. */
const ANSWER = { PORT: 4, ADDRESS: 8, LENGTH: 72 } as const
const INET_DIAG_SKV6ONLY = 11

const mappedPrefix = Buffer.from('00000000000000000000ffff', 'hex')

/** TCP_LISTEN; sockets of UDP that are bound and not connected are in TCP_CLOSE. */
const kinds = [
  { protocol: 'tcp', number: 6, state: 10 },
  { protocol: 'udp', number: 17, state: 7 },
] as const

type Kind = (typeof kinds)[number]

/** A socket that listens (TCP), or is bound and not connected (UDP). The address is `0.0.0.0` or `::` for all. */
export type OpenSocket = {
  readonly protocol: Kind['protocol']
  readonly address: string
  readonly port: number
  /** At `::` it leaves the port of IPv4 to others. */
  readonly isIpv6Only: boolean
}

/**
 * Lists the sockets that are open to others in the namespace in which it was opened. Opening throws a KernelError:
 * EPROTONOSUPPORT from a kernel that was built without sock_diag.
 */
export class OpenSockets implements Disposable {
  readonly #transactions = new Transactions(new RouteSocket({ protocol: NETLINK_SOCK_DIAG }))

  /**
   * Those of these protocols. Synchronous: 0.05 ms for each protocol, and more with thousands of them. Throws a KernelError:
   * ENOENT from a kernel that was built without inet_diag, or may not load it.
   */
  list(protocols: ReadonlySet<string>): OpenSocket[] {
    return kinds
      .filter(({ protocol }) => protocols.has(protocol))
      .flatMap((kind) =>
        [AF_INET, AF_INET6].flatMap((family) =>
          this.#transactions.dump(request(kind, family), (message) => parse(message, kind)),
        ),
      )
  }

  /** May be repeated. */
  [Symbol.dispose](): void {
    this.#transactions.close()
  }
}

function request({ protocol, number, state }: Kind, family: number): RouteRequest {
  const payload = new PayloadWriter()
    .u8(family)
    .u8(number)
    .u16(0)
    .u32(1 << state)
  return {
    operation: `list the open sockets of ${protocol}`,
    type: SOCK_DIAG_BY_FAMILY,
    flags: NLM_F.DUMP,
    payload: payload.zeros(SOCKET_ID_LENGTH).finish(),
  }
}

function parse({ type, payload }: NetlinkMessage, { protocol }: Kind): OpenSocket | undefined {
  if (type !== SOCK_DIAG_BY_FAMILY || payload.length < ANSWER.LENGTH) return undefined
  const bytes = payload.subarray(ANSWER.ADDRESS, ANSWER.ADDRESS + (payload[0] === AF_INET ? 4 : 16))
  const port = payload.readUInt16BE(ANSWER.PORT)
  const isIpv6Only = new Attributes(payload.subarray(ANSWER.LENGTH)).u8(INET_DIAG_SKV6ONLY) === 1
  return { protocol, address: formatIp(unmapped(bytes)), port, isIpv6Only }
}

/** A socket of IPv6 that is bound to `::ffff:127.0.0.1` has the port of IPv4. */
function unmapped(address: Buffer): Buffer {
  return address.subarray(0, -4).equals(mappedPrefix) ? address.subarray(-4) : address
}
