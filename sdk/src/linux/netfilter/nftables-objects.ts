// Requests that make and delete the objects of a table of family inet: chains, rules, sets, elements. To be run in a
// transaction, in the order in which one needs the other.
import { NLM_F } from '../netlink/constants.ts'
import type { PayloadWriter } from '../netlink/payload-writer.ts'
import { NFNL_SUBSYS, NFPROTO_INET, NFT_MSG } from './constants.ts'
import { type NetfilterRequest, netfilterRequest } from './netfilter-request.ts'
import {
  NFT_SET,
  NFT_SET_ELEM_INTERVAL_END,
  NFTA_CHAIN,
  NFTA_DATA,
  NFTA_LIST_ELEM,
  NFTA_RULE,
  NFTA_SET,
  NFTA_SET_DESC,
  NFTA_SET_ELEM,
  NFTA_SET_ELEM_LIST,
  NFTA_SET_FIELD_LEN,
} from './nftables-attributes.ts'
import { type ChainVerdict, type Expression, writeExpressions, writeVerdict } from './nftables-expressions.ts'

/** A named object of a table. */
export type TableMember = { readonly table: string; readonly name: string }

export type NewSet = TableMember & {
  /** libnftables' number of the type, or of the types in six bits each; for who lists it. */
  readonly keyType: number
  /** Bytes of each field of the key. More than one: ranges of boxes. */
  readonly fields: readonly number[]
}

/** An element of a set or map. */
export type SetElement = {
  readonly key: Buffer
  /** The last key of a range, where the set has boxes. */
  readonly keyEnd?: Buffer
  /** Where a range of a set with one field ends: the first key that is not in it. */
  readonly isEnd?: boolean
  readonly value?: Buffer | ChainVerdict
  /** Shown as its comment; a word of its owner. */
  readonly comment?: string
}

export function addChain({ table, name }: TableMember): NetfilterRequest {
  return request(`add chain ${name}`, NFT_MSG.NEWCHAIN, {
    flags: NLM_F.CREATE | NLM_F.EXCL,
    write: (payload) =>
      payload.attributeString(NFTA_CHAIN.TABLE, table).attributeString(NFTA_CHAIN.NAME, name),
  })
}

/** With all of its rules; fails with EBUSY while something leads to it. */
export function deleteChain({ table, name }: TableMember): NetfilterRequest[] {
  const flush = request(`flush chain ${name}`, NFT_MSG.DELRULE, {
    write: (payload) =>
      payload.attributeString(NFTA_RULE.TABLE, table).attributeString(NFTA_RULE.CHAIN, name),
  })
  const remove = request(`delete chain ${name}`, NFT_MSG.DELCHAIN, {
    write: (payload) =>
      payload.attributeString(NFTA_CHAIN.TABLE, table).attributeString(NFTA_CHAIN.NAME, name),
  })
  return [flush, remove]
}

/** At the end of its chain. */
export function appendRule(
  { table, name }: TableMember,
  expressions: readonly Expression[],
): NetfilterRequest {
  return request(`add a rule to chain ${name}`, NFT_MSG.NEWRULE, {
    flags: NLM_F.CREATE | NLM_F.APPEND,
    write: (payload) =>
      payload
        .attributeString(NFTA_RULE.TABLE, table)
        .attributeString(NFTA_RULE.CHAIN, name)
        .nested(NFTA_RULE.EXPRESSIONS, (list) => writeExpressions(list, expressions)),
  })
}

/** The kernel wants a number by which the same transaction may name the set; here it is named by its name. */
const unusedId = 1

/** A set of ranges that never changes. */
export function addRangeSet({ table, name, keyType, fields }: NewSet, size: number): NetfilterRequest {
  const isConcatenated = fields.length > 1
  const keyLength = fields.reduce((sum, bytes) => sum + padded(bytes), 0)
  return request(`add set ${name}`, NFT_MSG.NEWSET, {
    flags: NLM_F.CREATE | NLM_F.EXCL,
    write: (payload) =>
      payload
        .attributeString(NFTA_SET.TABLE, table)
        .attributeString(NFTA_SET.NAME, name)
        .attributeU32BigEndian(NFTA_SET.FLAGS, NFT_SET.INTERVAL | (isConcatenated ? NFT_SET.CONCAT : 0))
        .attributeU32BigEndian(NFTA_SET.KEY_TYPE, keyType)
        .attributeU32BigEndian(NFTA_SET.KEY_LEN, keyLength)
        .attributeU32BigEndian(NFTA_SET.ID, unusedId)
        .nested(NFTA_SET.DESC, (description) =>
          writeDescription(description, { fields, size, isConcatenated }),
        ),
  })
}

export function deleteSet({ table, name }: TableMember): NetfilterRequest {
  return request(`delete set ${name}`, NFT_MSG.DELSET, {
    write: (payload) => payload.attributeString(NFTA_SET.TABLE, table).attributeString(NFTA_SET.NAME, name),
  })
}

export function addElements(set: TableMember, elements: readonly SetElement[]): NetfilterRequest[] {
  return inParts(elements).map((part) =>
    elementsRequest(`add elements to ${set.name}`, set, { part, isNew: true }),
  )
}

/** Fails with ENOENT where one is not there. */
export function deleteElements(set: TableMember, elements: readonly SetElement[]): NetfilterRequest[] {
  return inParts(elements).map((part) =>
    elementsRequest(`delete elements of ${set.name}`, set, { part, isNew: false }),
  )
}

/** A key of several fields: each starts at four bytes. */
export function concatenate(...fields: readonly Uint8Array[]): Buffer {
  return Buffer.concat(fields.flatMap((field) => [field, Buffer.alloc(padded(field.length) - field.length)]))
}

function elementsRequest(
  operation: string,
  { table, name }: TableMember,
  { part, isNew }: { part: readonly SetElement[]; isNew: boolean },
): NetfilterRequest {
  return request(operation, isNew ? NFT_MSG.NEWSETELEM : NFT_MSG.DELSETELEM, {
    flags: isNew ? NLM_F.CREATE : 0,
    write: (payload) =>
      payload
        .attributeString(NFTA_SET_ELEM_LIST.TABLE, table)
        .attributeString(NFTA_SET_ELEM_LIST.SET, name)
        .nested(NFTA_SET_ELEM_LIST.ELEMENTS, (list) => {
          for (const element of part) list.nested(NFTA_LIST_ELEM, (inner) => writeElement(inner, element))
        }),
  })
}

function writeElement(payload: PayloadWriter, { key, keyEnd, isEnd, value, comment }: SetElement): void {
  payload.nested(NFTA_SET_ELEM.KEY, (data) => data.attributeBytes(NFTA_DATA.VALUE, key))
  if (keyEnd !== undefined) {
    payload.nested(NFTA_SET_ELEM.KEY_END, (data) => data.attributeBytes(NFTA_DATA.VALUE, keyEnd))
  }
  if (isEnd) payload.attributeU32BigEndian(NFTA_SET_ELEM.FLAGS, NFT_SET_ELEM_INTERVAL_END)
  if (value !== undefined) {
    payload.nested(NFTA_SET_ELEM.DATA, (data) => {
      if (Buffer.isBuffer(value)) data.attributeBytes(NFTA_DATA.VALUE, value)
      else writeVerdict(data, value)
    })
  }
  if (comment !== undefined) payload.attributeBytes(NFTA_SET_ELEM.USERDATA, commentData(comment))
}

const COMMENT = 0

/** As libnftables writes a comment: type, length, and the text with a NUL. */
function commentData(comment: string): Buffer {
  const text = Buffer.from(`${comment}\0`)
  return Buffer.concat([Uint8Array.of(COMMENT, text.length), text])
}

function writeDescription(
  description: PayloadWriter,
  { fields, size, isConcatenated }: Pick<NewSet, 'fields'> & { size: number; isConcatenated: boolean },
): void {
  description.attributeU32BigEndian(NFTA_SET_DESC.SIZE, size)
  if (!isConcatenated) return
  description.nested(NFTA_SET_DESC.CONCAT, (list) => {
    for (const length of fields) {
      list.nested(NFTA_LIST_ELEM, (field) => field.attributeU32BigEndian(NFTA_SET_FIELD_LEN, length))
    }
  })
}

const padded = (bytes: number) => (bytes + 3) & ~3

/** An attribute has 64 KiB at most. */
const MOST_ELEMENTS = 400

function inParts(elements: readonly SetElement[]): (readonly SetElement[])[] {
  const parts = []
  for (let at = 0; at < elements.length; at += MOST_ELEMENTS)
    parts.push(elements.slice(at, at + MOST_ELEMENTS))
  return parts
}

function request(
  operation: string,
  number: number,
  { flags = 0, write }: { flags?: number; write(payload: PayloadWriter): void },
): NetfilterRequest {
  return netfilterRequest({
    operation,
    subsystem: NFNL_SUBSYS.NFTABLES,
    number,
    family: NFPROTO_INET,
    flags,
    write,
  })
}
