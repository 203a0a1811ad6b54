// What rules are made of: each expression loads something into a register, looks a register up, or decides.
import { littleEndian, viewOf } from '../netlink/host-order.ts'
import type { PayloadWriter } from '../netlink/payload-writer.ts'
import { NFT_VERDICT, NFTA_DATA, NFTA_EXPR, NFTA_LIST_ELEM, NFTA_VERDICT } from './nftables-attributes.ts'

const REG_VERDICT = 0

const META_PRIORITY = 2
const META_L4PROTO = 16
const EQUAL = 0
/**
 * Registers of four bytes; a key of several fields takes as many in a row. The kernel has an older name for each fourth,
 * and lists it by that.
 */
const registerOf = (register: number) => (register % 4 === 0 ? 1 + register / 4 : 8 + register)

const PAYLOAD_BASE = { network: 1, transport: 2 } as const

/** A part of a rule, yet to be written. */
export type Expression = { readonly name: string; write(data: PayloadWriter): void }

/** Where a packet goes: it is through with the base chain, or goes on in another chain. */
export type ChainVerdict = 'accept' | { readonly goto: string } | { readonly jump: string }

/** The number of the packet's IP protocol, past all extension headers. */
export function loadProtocol(register: number): Expression {
  const write = (data: PayloadWriter) =>
    data.attributeU32BigEndian(1, registerOf(register)).attributeU32BigEndian(2, META_L4PROTO)
  return { name: 'meta', write }
}

/** Bytes of the packet. `register` counts four bytes each, as the fields of a set's key do. */
export function loadPayload(
  register: number,
  { base, offset, length }: { base: keyof typeof PAYLOAD_BASE; offset: number; length: number },
): Expression {
  const values = [registerOf(register), PAYLOAD_BASE[base], offset, length]
  const write = (data: PayloadWriter) => {
    for (const [at, value] of values.entries()) data.attributeU32BigEndian(at + 1, value)
  }
  return { name: 'payload', write }
}

/** Sets the priority that queues see, which nobody has looked at yet. */
export function setPriority(value: number): Expression[] {
  const bytes = hostOrder(value)
  const write = (data: PayloadWriter) =>
    data
      .attributeU32BigEndian(1, registerOf(0))
      .nested(2, (inner) => inner.attributeBytes(NFTA_DATA.VALUE, bytes))
  const set = (data: PayloadWriter) =>
    data.attributeU32BigEndian(2, META_PRIORITY).attributeU32BigEndian(3, registerOf(0))
  return [
    { name: 'immediate', write },
    { name: 'meta', write: set },
  ]
}

/** A number as the kernel compares those that are not of packets. */
export function hostOrder(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  viewOf(bytes).setUint32(0, value, littleEndian)
  return bytes
}

/** The number that `hostOrder` was given. */
export function parseHostOrder(bytes: Uint8Array): number {
  return viewOf(bytes).getUint32(0, littleEndian)
}

/** Goes on only if the bytes in a register are between these two, as numbers in network byte order. */
export function isBetween(
  register: number,
  { first, last }: { first: Uint8Array; last: Uint8Array },
): Expression {
  const value = (data: PayloadWriter, type: number, bytes: Uint8Array) =>
    data.nested(type, (inner) => inner.attributeBytes(NFTA_DATA.VALUE, bytes))
  const isOne = Buffer.compare(first, last) === 0
  const write = (data: PayloadWriter) => {
    data.attributeU32BigEndian(1, registerOf(register)).attributeU32BigEndian(2, EQUAL)
    value(data, 3, first)
    if (!isOne) value(data, 4, last)
  }
  return { name: isOne ? 'cmp' : 'range', write }
}

/** Goes on only if the set has what is in the registers from 0 on. */
export function isIn(set: string): Expression {
  const write = (data: PayloadWriter) => data.attributeString(1, set).attributeU32BigEndian(2, registerOf(0))
  return { name: 'lookup', write }
}

export function decide(verdict: ChainVerdict): Expression {
  const write = (data: PayloadWriter) =>
    data.attributeU32BigEndian(1, REG_VERDICT).nested(2, (value) => writeVerdict(value, verdict))
  return { name: 'immediate', write }
}

/** Goes on so many times a second at most. */
export function limitRate({ perSecond, burst }: { perSecond: number; burst: number }): Expression {
  const write = (data: PayloadWriter) =>
    data
      .attributeU64BigEndian(1, BigInt(perSecond))
      .attributeU64BigEndian(2, 1n)
      .attributeU32BigEndian(3, burst)
      .attributeU32BigEndian(4, 0)
  return { name: 'limit', write }
}

/** A copy of the packet's head for the listeners of an NFLOG group. The prefix has 127 bytes at most. */
export function logPacket({
  group,
  prefix,
  bytes,
}: {
  group: number
  prefix: string
  bytes: number
}): Expression {
  const write = (data: PayloadWriter) =>
    data.attributeU16BigEndian(1, group).attributeString(2, prefix).attributeU32BigEndian(3, bytes)
  return { name: 'log', write }
}

/** A verdict as the data of an element or of an expression. */
export function writeVerdict(data: PayloadWriter, verdict: ChainVerdict): void {
  data.nested(NFTA_DATA.VERDICT, (inner) => {
    inner.attributeU32BigEndian(NFTA_VERDICT.CODE, codeOf(verdict))
    if (verdict !== 'accept') {
      inner.attributeString(NFTA_VERDICT.CHAIN, 'goto' in verdict ? verdict.goto : verdict.jump)
    }
  })
}

export function writeExpressions(list: PayloadWriter, expressions: readonly Expression[]): void {
  for (const { name, write } of expressions) {
    list.nested(NFTA_LIST_ELEM, (element) =>
      element.attributeString(NFTA_EXPR.NAME, name).nested(NFTA_EXPR.DATA, write),
    )
  }
}

function codeOf(verdict: ChainVerdict): number {
  if (verdict === 'accept') return NFT_VERDICT.ACCEPT
  return 'goto' in verdict ? NFT_VERDICT.GOTO : NFT_VERDICT.JUMP
}
