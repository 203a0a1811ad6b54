// Takes apart what the kernel sends: messages, and the errors among them.
import { parseHeader, parseMessage } from 'netlink/dist/structs.js'
import { Attributes } from './attributes.ts'
import { HEADER_LENGTH, NLM_F, NLMSG } from './constants.ts'
import { aligned, littleEndian, viewOf } from './host-order.ts'

const NLMSGERR_ATTR_MSG = 1
const ERRNO_LENGTH = 4

export type NetlinkMessage = {
  type: number
  flags: number
  sequence: number
  /** A view into the datagram. */
  payload: Buffer
}

/** The kernel's verdict on a request; errno 0 is an acknowledgement. */
export type Verdict = { errno: number; kernelMessage: string | undefined }

/** Stops at a message that is cut off, which only a datagram larger than the buffer has. */
export function* messagesIn(datagram: Buffer): Generator<NetlinkMessage> {
  let rest = datagram
  while (isWhole(rest)) {
    const { x: message, consumed } = parseMessage(rest)
    yield { type: message.type, flags: message.flags, sequence: message.seq, payload: message.data }
    rest = rest.subarray(aligned(consumed))
  }
}

function isWhole(bytes: Buffer): boolean {
  if (bytes.length < HEADER_LENGTH) return false
  const { length } = parseHeader(bytes).x
  return length >= HEADER_LENGTH && length <= bytes.length
}

/** Reads NLMSG_ERROR (an errno and the request it quotes) and NLMSG_DONE (an errno only, at the end of a dump). */
export function verdictOf(message: NetlinkMessage): Verdict {
  const { payload, flags } = message
  const errno = payload.length < ERRNO_LENGTH ? 0 : -viewOf(payload).getInt32(0, littleEndian)
  if (errno <= 0 || !(flags & NLM_F.ACK_TLVS)) return { errno: Math.max(errno, 0), kernelMessage: undefined }
  const attributes = new Attributes(payload.subarray(ERRNO_LENGTH + quoteLength(message)))
  return { errno, kernelMessage: attributes.string(NLMSGERR_ATTR_MSG) }
}

/** Without NLM_F_CAPPED the whole request is quoted, with its own length in front. */
function quoteLength({ type, payload, flags }: NetlinkMessage): number {
  if (type === NLMSG.DONE) return 0
  if (flags & NLM_F.CAPPED || payload.length < ERRNO_LENGTH + HEADER_LENGTH) return HEADER_LENGTH
  return aligned(viewOf(payload).getUint32(ERRNO_LENGTH, littleEndian))
}
