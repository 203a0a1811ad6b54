// What a chain of nftables does with packets that no rule with a condition takes. Conditions are not weighed: that is the
// kernel's work.
import type { ChainRest } from '@conet/sdk/linux'

/** By the first rule that takes whatever comes, as `nft --json` lists rules; by the policy where there is none. */
export function restOf(rules: readonly unknown[], policy: string): ChainRest {
  for (const rule of rules) {
    const verdict = verdictForAll(rule)
    if (verdict !== undefined) return { verdict, by: 'rule' }
  }
  return { verdict: policy === 'drop' ? 'drop' : 'accept', by: 'policy' }
}

/** The member `key` of what may be an object; '' unless it is a text. */
export function textOf(object: unknown, key: string): string {
  const value: unknown = memberOf(object, key)
  return typeof value === 'string' ? value : ''
}

/** `{"expr": [{"counter": …}, {"accept": null}], …}`; undefined for a rule with conditions, and for one that ends nothing. */
function verdictForAll(rule: unknown): ChainRest['verdict'] | undefined {
  const statements = memberOf(rule, 'expr')
  if (!Array.isArray(statements)) return undefined
  const [statement, ...others] = statements.flatMap(wordOf).filter((word) => !leavesPackets.has(word))
  return others.length > 0 || statement === undefined ? undefined : verdicts.get(statement)
}

/** What neither decides nor asks for anything. */
const leavesPackets = new Set(['counter', 'log', 'match comment'])

const verdicts = new Map<string, ChainRest['verdict']>([
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
