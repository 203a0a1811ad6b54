// Routing rules, which choose the table by more than the destination: requests, and what the kernel reports.
import { Attributes } from '../netlink/attributes.ts'
import { AF_INET, AF_INET6, AF_UNSPEC, NLM_F } from '../netlink/constants.ts'
import type { NetlinkMessage } from '../netlink/message.ts'
import { PayloadWriter } from '../netlink/payload-writer.ts'
import type { RouteRequest } from '../netlink/request.ts'
import { RTM } from './constants.ts'
import { formatPrefix, type IpPrefix, parsePrefix } from './ip-address.ts'

const HEADER_LENGTH = 12
const FRA = { DST: 1, SRC: 2, PRIORITY: 6, TABLE: 15 } as const
const FR_ACT_TO_TABLE = 1

/** Which table decides for which packets; ip-rule(8). */
export type Rule = {
  family: 'ipv4' | 'ipv6'
  /** Prefix of the source, of the destination; everything when left out. */
  from?: string
  to?: string
  /** Smaller is asked first; the kernel chooses when left out. */
  priority?: number
  /** The table that answers. */
  table: number
}

/** Adds a rule. Fails with EEXIST when there is one that is the same in everything. */
export function addRule(rule: Rule): RouteRequest {
  return ruleRequest('add', RTM.NEWRULE, NLM_F.CREATE | NLM_F.EXCL, rule)
}

/** Deletes the first rule that has all that is given. Fails with ENOENT when there is none. */
export function deleteRule(rule: Rule): RouteRequest {
  return ruleRequest('delete', RTM.DELRULE, 0, rule)
}

export function listRules({ family }: { family?: Rule['family'] }): RouteRequest {
  const number = family === undefined ? AF_UNSPEC : familyNumber(family)
  const payload = new PayloadWriter()
    .u8(number)
    .zeros(HEADER_LENGTH - 1)
    .finish()
  return { operation: 'list routing rules', type: RTM.GETRULE, flags: 0, payload }
}

/** Reads RTM_NEWRULE; undefined for rules that do something else than name a table, and for other families. */
export function parseRule({ type, payload }: NetlinkMessage): Rule | undefined {
  const family = payload.readUInt8(0)
  if (type !== RTM.NEWRULE || (family !== AF_INET && family !== AF_INET6)) return undefined
  if (payload.readUInt8(7) !== FR_ACT_TO_TABLE) return undefined
  const attributes = new Attributes(payload.subarray(HEADER_LENGTH))
  const to = attributes.bytes(FRA.DST)
  const from = attributes.bytes(FRA.SRC)
  return {
    family: family === AF_INET ? 'ipv4' : 'ipv6',
    ...(from && { from: formatPrefix(from, payload.readUInt8(2)) }),
    ...(to && { to: formatPrefix(to, payload.readUInt8(1)) }),
    priority: attributes.u32(FRA.PRIORITY) ?? 0,
    table: attributes.u32(FRA.TABLE) ?? payload.readUInt8(4),
  }
}

function ruleRequest(verb: string, type: number, flags: number, rule: Rule): RouteRequest {
  const from = prefixOf(rule, rule.from)
  const to = prefixOf(rule, rule.to)
  const payload = new PayloadWriter()
    .u8(familyNumber(rule.family))
    .u8(to?.prefixLength ?? 0)
    .u8(from?.prefixLength ?? 0)
    .zeros(4)
    .u8(FR_ACT_TO_TABLE)
    .u32(0)
    .attributeBytes(FRA.SRC, from?.bytes)
    .attributeBytes(FRA.DST, to?.bytes)
    .attributeU32(FRA.PRIORITY, rule.priority)
    .attributeU32(FRA.TABLE, rule.table)
    .finish()
  const operation = `${verb} rule from ${rule.from ?? 'all'} to ${rule.to ?? 'all'} for table ${rule.table}`
  return { operation, type, flags, payload }
}

function familyNumber(family: Rule['family']): number {
  return family === 'ipv4' ? AF_INET : AF_INET6
}

function prefixOf(rule: Rule, text: string | undefined): IpPrefix | undefined {
  const prefix = text === undefined ? undefined : parsePrefix(text)
  if (prefix !== undefined && prefix.family !== familyNumber(rule.family)) {
    throw new TypeError(`${text} is not of the family ${rule.family}`)
  }
  // A prefix of length 0 is everything, which the kernel wants said by leaving it out.
  return prefix?.prefixLength === 0 ? undefined : prefix
}
