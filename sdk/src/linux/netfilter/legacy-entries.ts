// The rules of a legacy table as the kernel gives them: struct ipt_entry and ip6t_entry of <linux/netfilter_ipv4/ip_tables.h>
// and <linux/netfilter_ipv6/ip6_tables.h>, one after another.
import { littleEndian, viewOf } from '../netlink/host-order.ts'

/** Where the parts of an entry are; the selector is what addresses, interfaces and protocol it asks for. */
export type EntryLayout = { readonly selector: number; readonly offsets: number; readonly header: number }

/** What becomes of packets that no rule with a condition has taken. */
export type ChainRest = {
  readonly verdict: 'accept' | 'drop' | 'reject'
  /** A rule without conditions, or the policy of the chain. */
  readonly by: 'rule' | 'policy'
}

/** struct xt_entry_match and xt_entry_target: length, name, revision; a verdict follows where the name is empty. */
const EXTENSION = { NAME: 2, NAME_LENGTH: 29, LENGTH: 32 } as const
/** -NF_DROP - 1 and -NF_ACCEPT - 1; numbers from 0 on are jumps. */
const VERDICT = { DROP: -1, ACCEPT: -2 } as const

type Chain = { readonly start: number; readonly policy: number }

/** `start` and `policy` are the offsets of the chain's first entry, and of the last, which is its policy. */
export function restOf(entries: Buffer, { start, policy }: Chain, layout: EntryLayout): ChainRest {
  for (let at = start; at < policy; ) {
    const { length, verdict, isUnconditional } = entryAt(entries.subarray(at), layout)
    if (isUnconditional && verdict !== undefined) return { verdict, by: 'rule' }
    at += length
  }
  return { verdict: entryAt(entries.subarray(policy), layout).verdict ?? 'accept', by: 'policy' }
}

function entryAt(bytes: Buffer, { selector, offsets, header }: EntryLayout) {
  const view = viewOf(bytes)
  const target = view.getUint16(offsets, littleEndian)
  const length = view.getUint16(offsets + 2, littleEndian)
  const selectsNothing = bytes.subarray(0, selector).every((byte) => byte === 0)
  const isUnconditional = selectsNothing && matchesOf(bytes.subarray(header, target)).every(isComment)
  return { length, verdict: verdictOf(bytes.subarray(target)), isUnconditional }
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

/** Undefined for what goes on: a jump, a return, a log. */
function verdictOf(target: Buffer): ChainRest['verdict'] | undefined {
  const name = nameOf(target)
  if (name === 'REJECT') return 'reject'
  if (name !== '') return undefined
  const verdict = viewOf(target).getInt32(EXTENSION.LENGTH, littleEndian)
  if (verdict === VERDICT.DROP) return 'drop'
  return verdict === VERDICT.ACCEPT ? 'accept' : undefined
}

function nameOf(extension: Buffer): string {
  const name = extension.toString('latin1', EXTENSION.NAME, EXTENSION.NAME + EXTENSION.NAME_LENGTH)
  return name.slice(0, name.indexOf('\0'))
}
