// Requests that read a table of family inet, and what their answers say.
import { Attributes } from '../netlink/attributes.ts'
import type { NetlinkMessage } from '../netlink/message.ts'
import type { PayloadWriter } from '../netlink/payload-writer.ts'
import { messageType, NFNL_SUBSYS, NFPROTO_INET, NFT_MSG } from './constants.ts'
import { type NetfilterRequest, netfilterRequest } from './netfilter-request.ts'
import {
  NFT_SET_ELEM_INTERVAL_END,
  NFTA_CHAIN,
  NFTA_DATA,
  NFTA_GEN_ID,
  NFTA_RULE,
  NFTA_SET,
  NFTA_SET_ELEM,
  NFTA_SET_ELEM_LIST,
  NFTA_TABLE,
  NFTA_VERDICT,
} from './nftables-attributes.ts'
import type { TableMember } from './nftables-objects.ts'

/** struct nfgenmsg; its last two bytes are of the ruleset's generation. */
const HEADER_LENGTH = 4

/** A chain, and what the kernel says of where packets come to it and what becomes of those that no rule decides on. */
export type FoundChain = { readonly name: string; readonly hook: string }

/** A rule as the kernel describes it, for comparison. */
export type FoundRule = { readonly chain: string; readonly bytes: Buffer }

/** An element as the kernel has it. */
export type FoundElement = {
  readonly key: Buffer
  /** The last key of a box. */
  readonly keyEnd: Buffer | undefined
  /** Whether it is the first key that is not in a range any more. */
  readonly isEnd: boolean
  /** Bytes, or the name of a chain. */
  readonly value: Buffer | string | undefined
  readonly comment: string | undefined
}

/** How many transactions the ruleset of the namespace has seen. */
export const getGeneration: NetfilterRequest = request('get the generation of the ruleset', NFT_MSG.GETGEN)

export function parseGeneration({ payload }: NetlinkMessage): number | undefined {
  return attributesOf(payload).u32BigEndian(NFTA_GEN_ID)
}

export const listTables: NetfilterRequest = request('list tables', NFT_MSG.GETTABLE)

/** Without chains that packets see: `flags dormant` of nft(8). */
const NFT_TABLE_F_DORMANT = 1

export function parseDormant(message: NetlinkMessage, table: string): boolean | undefined {
  const attributes = attributesOf(message.payload)
  if (attributes.string(NFTA_TABLE.NAME) !== table) return undefined
  return ((attributes.u32BigEndian(NFTA_TABLE.FLAGS) ?? 0) & NFT_TABLE_F_DORMANT) !== 0
}

export const listChains: NetfilterRequest = request('list chains', NFT_MSG.GETCHAIN)

export function parseChain(message: NetlinkMessage, table: string): FoundChain | undefined {
  const attributes = attributesOf(message.payload)
  const name = attributes.string(NFTA_CHAIN.NAME)
  if (name === undefined || attributes.string(NFTA_CHAIN.TABLE) !== table) return undefined
  const { HOOK, POLICY, TYPE, FLAGS } = NFTA_CHAIN
  const hook = [HOOK, POLICY, TYPE, FLAGS].map((type) => attributes.bytes(type)?.toString('hex') ?? '')
  return { name, hook: hook.join(' ') }
}

export function listRules(table: string): NetfilterRequest {
  return request(`list the rules of table ${table}`, NFT_MSG.GETRULE, (payload) =>
    payload.attributeString(NFTA_RULE.TABLE, table),
  )
}

export function parseRule({ payload }: NetlinkMessage, table: string): FoundRule | undefined {
  const isOfTable = attributesOf(payload).string(NFTA_RULE.TABLE) === table
  return isOfTable ? ruleIn(payload) : undefined
}

/** Copied, without the header, which counts the transactions of everybody. */
export function ruleIn(payload: Buffer): FoundRule | undefined {
  const chain = attributesOf(payload).string(NFTA_RULE.CHAIN)
  return chain === undefined ? undefined : { chain, bytes: Buffer.from(payload.subarray(HEADER_LENGTH)) }
}

/** What the rule does, without the numbers that the kernel gives to each. */
export function expressionsOf({ bytes }: FoundRule): Buffer {
  return new Attributes(bytes).bytes(NFTA_RULE.EXPRESSIONS) ?? Buffer.alloc(0)
}

export function listSets(table: string): NetfilterRequest {
  return request(`list the sets of table ${table}`, NFT_MSG.GETSET, (payload) =>
    payload.attributeString(NFTA_SET.TABLE, table),
  )
}

export function parseSet(message: NetlinkMessage): string | undefined {
  return attributesOf(message.payload).string(NFTA_SET.NAME)
}

export function listElements({ table, name }: TableMember): NetfilterRequest {
  return request(`list the elements of ${name}`, NFT_MSG.GETSETELEM, (payload) =>
    payload.attributeString(NFTA_SET_ELEM_LIST.TABLE, table).attributeString(NFTA_SET_ELEM_LIST.SET, name),
  )
}

/** The elements of one message of the answer, copied. */
export function parseElements({
  type,
  payload,
}: Pick<NetlinkMessage, 'type' | 'payload'>): FoundElement[] | undefined {
  if (type !== messageType(NFNL_SUBSYS.NFTABLES, NFT_MSG.NEWSETELEM)) return undefined
  return attributesOf(payload).nested(NFTA_SET_ELEM_LIST.ELEMENTS).all().map(parseElement)
}

function parseElement(bytes: Buffer): FoundElement {
  const element = new Attributes(bytes)
  const data = element.nested(NFTA_SET_ELEM.DATA)
  const chain = data.nested(NFTA_DATA.VERDICT).string(NFTA_VERDICT.CHAIN)
  return {
    key: Buffer.from(element.nested(NFTA_SET_ELEM.KEY).bytes(NFTA_DATA.VALUE) ?? []),
    keyEnd: copyOf(element.nested(NFTA_SET_ELEM.KEY_END).bytes(NFTA_DATA.VALUE)),
    isEnd: ((element.u32BigEndian(NFTA_SET_ELEM.FLAGS) ?? 0) & NFT_SET_ELEM_INTERVAL_END) !== 0,
    value: chain ?? copyOf(data.bytes(NFTA_DATA.VALUE)),
    comment: commentOf(element.bytes(NFTA_SET_ELEM.USERDATA)),
  }
}

/** Type, length, and the text with a NUL. */
function commentOf(data: Buffer | undefined): string | undefined {
  return data === undefined || data[0] !== 0 ? undefined : data.toString('utf8', 2, 1 + (data[1] ?? 1))
}

const copyOf = (bytes: Buffer | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes))

/** Of a message to or from nf_tables. */
export const attributesOf = (payload: Buffer) => new Attributes(payload.subarray(HEADER_LENGTH))

function request(
  operation: string,
  number: number,
  write?: (payload: PayloadWriter) => void,
): NetfilterRequest {
  const options = { operation, subsystem: NFNL_SUBSYS.NFTABLES, number, family: NFPROTO_INET }
  return netfilterRequest({ ...options, ...(write !== undefined && { write }) })
}
