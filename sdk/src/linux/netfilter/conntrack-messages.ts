// Requests to the kernel's table of flows (conntrack), and what a flow says of itself.

import { Attributes } from '../netlink/attributes.ts'
import { AF_INET, AF_INET6, NLM_F } from '../netlink/constants.ts'
import type { NetlinkMessage } from '../netlink/message.ts'
import type { PayloadWriter } from '../netlink/payload-writer.ts'
import { NFNL_SUBSYS } from './constants.ts'
import { type NetfilterRequest, netfilterRequest } from './netfilter-request.ts'

const CT = { NEW: 0, GET: 1, DELETE: 2 } as const
const CTA = { TUPLE_ORIG: 1, TUPLE_REPLY: 2, ID: 12, ZONE: 18, FILTER: 25 } as const
const CTA_TUPLE = { IP: 1, PROTO: 2 } as const
const CTA_IP = { V4_SRC: 1, V4_DST: 2, V6_SRC: 3, V6_DST: 4 } as const
const CTA_PROTO = {
  NUM: 1,
  SRC_PORT: 2,
  DST_PORT: 3,
  ICMP_TYPE: 5,
  ICMP_CODE: 6,
  ICMPV6_TYPE: 8,
  ICMPV6_CODE: 9,
} as const
const CTA_FILTER = { ORIG_FLAGS: 1, REPLY_FLAGS: 2 } as const
const FILTER_BY = { SOURCE: 1 << 0, PROTOCOL: 1 << 3, DESTINATION_PORT: 1 << 5 } as const

/** struct nfgenmsg. */
const HEADER_LENGTH = 4

/** One direction of a flow. Ports are 0 for protocols without. */
export type Tuple = {
  readonly protocol: number
  /** 4 or 16 bytes. */
  readonly source: Buffer
  readonly destination: Buffer
  readonly sourcePort: number
  readonly destinationPort: number
  /** Of ICMP: `type * 256 + code`. */
  readonly icmp: number | undefined
}

export type Flow = {
  /** As the one who began it sent it. */
  readonly original: Tuple
  /** As answers come, before they are translated back: its source is where the flow really leads. */
  readonly reply: Tuple
  /** What names the flow to the kernel. */
  readonly identity: FlowIdentity
}

type FlowIdentity = {
  readonly family: number
  readonly tuple: Buffer
  readonly id: Buffer | undefined
  readonly zone: Buffer | undefined
}

/** Which flows; the kernel sends no others. All members that are given must fit. */
export type FlowFilter = {
  readonly family: 4 | 6
  /** Who began it. */
  readonly source?: Uint8Array | undefined
  /** Where it really leads: answers come from there. */
  readonly answerer?: Uint8Array | undefined
  readonly protocol?: number
  /** As it was before it was translated. Needs `protocol`. */
  readonly destinationPort?: number
}

export function listFlows(filter: FlowFilter): NetfilterRequest {
  return netfilterRequest({
    operation: 'list flows',
    subsystem: NFNL_SUBSYS.CTNETLINK,
    number: CT.GET,
    family: filter.family === 4 ? AF_INET : AF_INET6,
    write: (payload) => {
      const { family, answerer } = filter
      payload.nested(CTA.TUPLE_ORIG, (tuple) => writeTuple(tuple, filter))
      payload.nested(CTA.TUPLE_REPLY, (tuple) => writeTuple(tuple, { family, source: answerer }))
      payload.nested(CTA.FILTER, (flags) =>
        flags
          .attributeU32(CTA_FILTER.ORIG_FLAGS, flagsOf(filter))
          .attributeU32(CTA_FILTER.REPLY_FLAGS, flagsOf({ source: answerer })),
      )
    },
  })
}

/** Fails with ENOENT when the flow is gone. */
export function deleteFlow({ identity: { family, tuple, id, zone } }: Flow): NetfilterRequest {
  return netfilterRequest({
    operation: 'delete a flow',
    subsystem: NFNL_SUBSYS.CTNETLINK,
    number: CT.DELETE,
    family,
    flags: NLM_F.ACK,
    write: (payload) =>
      payload
        .nested(CTA.TUPLE_ORIG, (inner) => inner.bytes(tuple))
        .attributeBytes(CTA.ID, id)
        .attributeBytes(CTA.ZONE, zone),
  })
}

export function parseFlow({ payload }: NetlinkMessage): Flow | undefined {
  const attributes = new Attributes(payload.subarray(HEADER_LENGTH))
  const tuple = attributes.bytes(CTA.TUPLE_ORIG)
  const original = parseTuple(attributes.nested(CTA.TUPLE_ORIG))
  const reply = parseTuple(attributes.nested(CTA.TUPLE_REPLY))
  if (tuple === undefined || original === undefined || reply === undefined) return undefined
  const identity = {
    family: payload[0] ?? 0,
    tuple: Buffer.from(tuple),
    id: copyOf(attributes.bytes(CTA.ID)),
    zone: copyOf(attributes.bytes(CTA.ZONE)),
  }
  return { original, reply, identity }
}

function parseTuple(tuple: Attributes): Tuple | undefined {
  const ip = tuple.nested(CTA_TUPLE.IP)
  const proto = tuple.nested(CTA_TUPLE.PROTO)
  const protocol = proto.u8(CTA_PROTO.NUM)
  const source = ip.bytes(CTA_IP.V4_SRC) ?? ip.bytes(CTA_IP.V6_SRC)
  const destination = ip.bytes(CTA_IP.V4_DST) ?? ip.bytes(CTA_IP.V6_DST)
  if (protocol === undefined || source === undefined || destination === undefined) return undefined
  const type = proto.u8(CTA_PROTO.ICMP_TYPE) ?? proto.u8(CTA_PROTO.ICMPV6_TYPE)
  const code = proto.u8(CTA_PROTO.ICMP_CODE) ?? proto.u8(CTA_PROTO.ICMPV6_CODE) ?? 0
  return {
    protocol,
    source: Buffer.from(source),
    destination: Buffer.from(destination),
    sourcePort: proto.u16BigEndian(CTA_PROTO.SRC_PORT) ?? 0,
    destinationPort: proto.u16BigEndian(CTA_PROTO.DST_PORT) ?? 0,
    icmp: type === undefined ? undefined : type * 256 + code,
  }
}

/** What is compared of one direction. */
type Wanted = {
  readonly source?: Uint8Array | undefined
  readonly protocol?: number | undefined
  readonly destinationPort?: number | undefined
}

function flagsOf({ source, protocol, destinationPort }: Wanted): number {
  return (
    (source === undefined ? 0 : FILTER_BY.SOURCE) |
    (protocol === undefined ? 0 : FILTER_BY.PROTOCOL) |
    (destinationPort === undefined ? 0 : FILTER_BY.DESTINATION_PORT)
  )
}

function writeTuple(
  tuple: PayloadWriter,
  { family, source, protocol, destinationPort }: Wanted & Pick<FlowFilter, 'family'>,
): void {
  if (source !== undefined) {
    const type = family === 4 ? CTA_IP.V4_SRC : CTA_IP.V6_SRC
    tuple.nested(CTA_TUPLE.IP, (ip) => ip.attributeBytes(type, source))
  }
  if (protocol === undefined) return
  tuple.nested(CTA_TUPLE.PROTO, (proto) =>
    proto.attributeU8(CTA_PROTO.NUM, protocol).attributeU16BigEndian(CTA_PROTO.DST_PORT, destinationPort),
  )
}

const copyOf = (bytes: Buffer | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes))
