// Whether the kernel has what it was told: requests that made rules and elements, against what it lists.
import { Attributes } from '../netlink/attributes.ts'
import { messageType, NFNL_SUBSYS, NFT_MSG } from './constants.ts'
import type { NetfilterRequest } from './netfilter-request.ts'
import { NFTA_SET_ELEM_LIST } from './nftables-attributes.ts'
import {
  attributesOf,
  expressionsOf,
  type FoundElement,
  type FoundRule,
  parseElements,
  ruleIn,
} from './nftables-listing.ts'

/** What requests make of rules and elements. */
export type Told = {
  /** Of one chain, in their order. */
  readonly rules: readonly FoundRule[]
  /** By the names of their sets. */
  readonly elements: ReadonlyMap<string, readonly FoundElement[]>
}

export function toldBy(requests: readonly NetfilterRequest[]): Told {
  const rules: FoundRule[] = []
  const elements = new Map<string, FoundElement[]>()
  for (const request of requests) {
    // Of one that another thread has made it is no Buffer.
    const payload = Buffer.from(request.payload.buffer, request.payload.byteOffset, request.payload.length)
    const set = attributesOf(payload).string(NFTA_SET_ELEM_LIST.SET) ?? ''
    if (request.type === newRule) rules.push(...[ruleIn(payload) ?? []].flat())
    const added = parseElements({ type: request.type, payload })
    if (added !== undefined) elements.set(set, [...(elements.get(set) ?? []), ...added])
  }
  return { rules, elements }
}

const newRule = messageType(NFNL_SUBSYS.NFTABLES, NFT_MSG.NEWRULE)

/** Whether two rules do the same. */
export function isSameRule(found: FoundRule, told: FoundRule): boolean {
  const [one, other] = [expressionsOf(found), expressionsOf(told)].map((list) => new Attributes(list).all())
  if (one === undefined || other === undefined || one.length !== other.length) return false
  return one.every((expression, at) => saysSame(expression, other[at] ?? nothing))
}

/** Whether two sets have the same elements, in whatever order. */
export function areSameElements(found: readonly FoundElement[], told: readonly FoundElement[]): boolean {
  if (found.length !== told.length) return false
  const texts = new Set(told.map(textOf))
  return found.every((element) => texts.has(textOf(element)))
}

const textOf = ({ key, keyEnd, isEnd }: FoundElement) =>
  `${key.toString('latin1')} ${keyEnd?.toString('latin1') ?? ''} ${isEnd}`

const nothing = Buffer.alloc(0)

/** The kernel has its own order of attributes, and lists what it was not told as zeros. Only requests say what is nested. */
function saysSame(found: Buffer, told: Buffer): boolean {
  if (found.equals(told)) return true
  const [one, other] = [new Attributes(found), new Attributes(told)]
  const isSameAttribute = (type: number) => {
    const [value, expected] = [one.bytes(type) ?? nothing, other.bytes(type) ?? nothing]
    if (other.isNested(type)) return saysSame(value, expected)
    return value.equals(expected) || (isZero(value) && isZero(expected))
  }
  return [...one.types()].every(isSameAttribute) && [...other.types()].every(isSameAttribute)
}

const isZero = (bytes: Buffer) => bytes.every((byte) => byte === 0)
