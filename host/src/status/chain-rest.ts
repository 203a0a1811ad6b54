// What a chain of nftables does with packets that no rule with a condition takes. Conditions are not weighed: that is the
// kernel's work. One alone is none here: that a packet is of IPv4, or of IPv6, which each packet is. nft leaves out what the
// answer of a `reject` says already: the family, and in a table of one family that it is for TCP.
import type { ChainRest } from '@conet/sdk/linux'

type Verdict = ChainRest['verdict']

/** As `nft --json` lists rules. */
export type ChainRules = {
  /** Of a chain of the same table. */
  rulesOf(chain: string): readonly unknown[]
  /** Of which packets it is asked. */
  readonly packets: 'ipv4' | 'ipv6'
}

/** By the first rule that takes whatever comes, also behind jumps that all take; by the policy where there is none. */
export function restOf({ name, policy }: { name: string; policy: string }, rules: ChainRules): ChainRest {
  const verdict = verdictIn(name, rules, new Map())
  if (verdict !== undefined) return { verdict, by: 'rule' }
  return { verdict: policy === 'drop' ? 'drop' : 'accept', by: 'policy' }
}

/** The member `key` of what may be an object; '' unless it is a text. */
export function textOf(object: unknown, key: string): string {
  const value: unknown = memberOf(object, key)
  return typeof value === 'string' ? value : ''
}

/** Undefined: it goes on behind the jump. `known`: each chain is looked at once, since many jumps may lead to it. */
function verdictIn(
  chain: string,
  rules: ChainRules,
  known: Map<string, Verdict | undefined>,
): Verdict | undefined {
  if (known.has(chain)) return known.get(chain)
  known.set(chain, undefined)
  let verdict: Verdict | undefined
  for (const rule of rules.rulesOf(chain)) {
    const statement = statementForAll(rule, rules.packets)
    if (statement === undefined) continue
    const [word = '', target] = statement
    const isLeft = word === 'return' || word === 'goto'
    verdict = verdicts.get(word) ?? (target === undefined ? undefined : verdictIn(target, rules, known))
    if (verdict !== undefined || isLeft) break
  }
  known.set(chain, verdict)
  return verdict
}

/**
 * `{"expr": [{"counter": …}, {"accept": null}], …}`: what the rule does, and with a jump where it leads; undefined for a
 * rule with conditions, and for one that does nothing more than count.
 */
function statementForAll(
  rule: unknown,
  packets: ChainRules['packets'],
): [word: string, target?: string] | undefined {
  const expressions = memberOf(rule, 'expr')
  if (!Array.isArray(expressions)) return undefined
  const [statement, ...others] = expressions.filter((one) => !isPassedBy(one, packets))
  const [word] = wordOf(statement)
  if (others.length > 0 || word === undefined) return undefined
  if (word === 'reject' && !isAnswerTo(packets, textOf(memberOf(statement, word), 'type'))) return undefined
  return word === 'jump' || word === 'goto' ? [word, textOf(memberOf(statement, word), 'target')] : [word]
}

/** What neither decides nor asks for anything, of these packets. */
function isPassedBy(expression: unknown, packets: ChainRules['packets']): boolean {
  const words = wordOf(expression)
  if (words.length > 0 && words.every((word) => leavesPackets.has(word))) return true
  const match = memberOf(expression, 'match')
  const isOfFamily = textOf(memberOf(memberOf(match, 'left'), 'meta'), 'key') === 'nfproto'
  return isOfFamily && textOf(match, 'op') === '==' && textOf(match, 'right') === packets
}

/** Whether all of these packets can be answered by a `reject` of that type. */
function isAnswerTo(packets: ChainRules['packets'], type: string): boolean {
  if (type === 'icmp') return packets === 'ipv4'
  if (type === 'icmpv6') return packets === 'ipv6'
  return type !== 'tcp reset'
}

const leavesPackets = new Set(['counter', 'log', 'match comment'])

const verdicts = new Map<string, Verdict>([
  ['accept', 'accept'],
  ['drop', 'drop'],
  ['reject', 'reject'],
  ['target REJECT', 'reject'],
])

/** The name of a statement; of one that is made by iptables-nft and has none in nft, `match NAME` or `target NAME`. */
function wordOf(statement: unknown): string[] {
  if (typeof statement !== 'object' || statement === null) return []
  const made = memberOf(statement, 'xt')
  return made === undefined ? Object.keys(statement) : [`${textOf(made, 'type')} ${textOf(made, 'name')}`]
}

function memberOf(object: unknown, key: string): unknown {
  return typeof object === 'object' && object !== null ? Reflect.get(object, key) : undefined
}
