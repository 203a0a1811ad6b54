// One request to rtnetlink, and how several become the bytes of one send.
import { HEADER_LENGTH, NLM_F } from './constants.ts'
import { aligned, littleEndian, viewOf } from './host-order.ts'

/** A message not yet sent: a value that may be kept, sent again, or sent in another namespace. */
export type RouteRequest = {
  /** What it does to what, for errors: `create link cv1f0c2a (veth)`. */
  readonly operation: string
  /** RTM_…. */
  readonly type: number
  /** NLM_F_… beyond NLM_F_REQUEST. */
  readonly flags: number
  /** What follows the netlink header. */
  readonly payload: Uint8Array
}

export function messageLength(request: RouteRequest): number {
  return HEADER_LENGTH + aligned(request.payload.length)
}

/**
 * Formats requests one after the other, numbered from `firstSequence`. Only the last asks for an
 * acknowledgement: the kernel works in order and answers a failed one anyway, so a batch that goes well costs one
 * answer, and a large one cannot overrun the receive buffer.
 */
export function formatMessages(
  requests: readonly RouteRequest[],
  firstSequence: number,
  { acknowledge = true } = {},
): Buffer {
  const bytes = Buffer.alloc(requests.reduce((sum, request) => sum + messageLength(request), 0))
  const view = viewOf(bytes)
  let offset = 0
  for (const [index, request] of requests.entries()) {
    const ack = acknowledge && index === requests.length - 1 ? NLM_F.ACK : 0
    view.setUint32(offset, HEADER_LENGTH + request.payload.length, littleEndian)
    view.setUint16(offset + 4, request.type, littleEndian)
    view.setUint16(offset + 6, request.flags | NLM_F.REQUEST | ack, littleEndian)
    view.setUint32(offset + 8, (firstSequence + index) >>> 0, littleEndian)
    bytes.set(request.payload, offset + HEADER_LENGTH)
    offset += messageLength(request)
  }
  return bytes
}
