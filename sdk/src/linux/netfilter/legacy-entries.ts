// The rules of a legacy table as the kernel gives them: struct ipt_entry and ip6t_entry of <linux/netfilter_ipv4/ip_tables.h>
// and <linux/netfilter_ipv6/ip6_tables.h>, one after another.
import { littleEndian, viewOf } from '../netlink/host-order.ts'

/**
 * Where the parts of an entry are; the selector is what addresses, interfaces and protocol it asks for. One bit of the byte
 * `flags` in it asks for nothing: `goto` makes a jump one that does not come back.
 */
export type EntryLayout = {
  readonly selector: number
  readonly flags: number
  readonly goto: number
  readonly offsets: number
  readonly header: number
}

/** What becomes of packets that no rule with a condition has taken. */
export type ChainRest = {
  readonly verdict: 'accept' | 'drop' | 'reject'
  /** A rule without conditions, or the policy of the chain. */
  readonly by: 'rule' | 'policy'
}

/** struct xt_entry_match and xt_entry_target: length, name, revision; a verdict follows where the name is empty. */
const EXTENSION = { NAME: 2, NAME_LENGTH: 29, LENGTH: 32 } as const
/** -NF_DROP - 1, -NF_ACCEPT - 1 and -NF_REPEAT - 1; numbers from 0 on are where a jump leads. */
const VERDICT = { DROP: -1, ACCEPT: -2, RETURN: -5 } as const

type Verdict = ChainRest['verdict']
type Chain = { readonly start: number; readonly policy: number }

/** `start` and `policy` are the offsets of the chain's first entry, and of the last, which is its policy. */
export function restOf(entries: Buffer, { start, policy }: Chain, layout: EntryLayout): ChainRest {
  const verdict = verdictIn({ entries, layout, known: new Map() }, start, policy)
  if (verdict !== undefined) return { verdict, by: 'rule' }
  return { verdict: entryAt(entries.subarray(policy), layout).verdict ?? 'accept', by: 'policy' }
}

/** `known`: each chain is looked at once, since many jumps may lead to it. */
type Table = {
  readonly entries: Buffer
  readonly layout: EntryLayout
  readonly known: Map<number, Verdict | undefined>
}

/** Undefined: it goes on behind the jump. A chain that is jumped to ends with a return for all. */
function verdictIn(table: Table, start: number, end: number): Verdict | undefined {
  const { entries, layout, known } = table
  if (known.has(start)) return known.get(start)
  known.set(start, undefined)
  let verdict: Verdict | undefined
  for (let at = start; at < end && verdict === undefined; ) {
    const entry = entryAt(entries.subarray(at), layout)
    at += entry.length
    if (!entry.isUnconditional) continue
    // A rule that does nothing is written as a jump to the next one.
    const target = entry.target === at ? undefined : entry.target
    verdict = entry.verdict ?? (target === undefined ? undefined : verdictIn(table, target, entries.length))
    if (entry.isReturn || (target !== undefined && entry.isGoto)) break
  }
  known.set(start, verdict)
  return verdict
}

function entryAt(bytes: Buffer, { selector, flags, goto, offsets, header }: EntryLayout) {
  const view = viewOf(bytes)
  const target = view.getUint16(offsets, littleEndian)
  const length = view.getUint16(offsets + 2, littleEndian)
  const asked = (byte: number, at: number) => (at === flags ? byte & ~goto : byte)
  const selectsNothing = bytes.subarray(0, selector).every((byte, at) => asked(byte, at) === 0)
  const isUnconditional = selectsNothing && matchesOf(bytes.subarray(header, target)).every(isComment)
  const isGoto = (view.getUint8(flags) & goto) !== 0
  return { length, isUnconditional, isGoto, ...doneBy(bytes.subarray(target)) }
}

function matchesOf(bytes: Buffer): string[] {
  const names: string[] = []
  for (let at = 0; at + EXTENSION.LENGTH <= bytes.length; ) {
    const match = bytes.subarray(at)
    names.push(nameOf(match))
    at += Math.max(viewOf(match).getUint16(0, littleEndian), EXTENSION.LENGTH)
  }
  return names
}

const isComment = (match: string) => match === 'comment'

type Done = { readonly verdict?: Verdict; readonly target?: number; readonly isReturn?: true }

/** Nothing for what goes on, such as a log. */
function doneBy(target: Buffer): Done {
  const name = nameOf(target)
  if (name === 'REJECT') return { verdict: 'reject' }
  if (name !== '') return {}
  const verdict = viewOf(target).getInt32(EXTENSION.LENGTH, littleEndian)
  if (verdict >= 0) return { target: verdict }
  if (verdict === VERDICT.RETURN) return { isReturn: true }
  if (verdict === VERDICT.DROP) return { verdict: 'drop' }
  return verdict === VERDICT.ACCEPT ? { verdict: 'accept' } : {}
}

function nameOf(extension: Buffer): string {
  const name = extension.toString('latin1', EXTENSION.NAME, EXTENSION.NAME + EXTENSION.NAME_LENGTH)
  return name.slice(0, name.indexOf('\0'))
}
