// Whether the chains and sets of policies say in the kernel what they were told.
import { createHash } from 'node:crypto'
import {
  areSameElements,
  type FoundElement,
  type FoundRule,
  isSameRule,
  type NftablesClient,
  toldBy,
} from '../../linux/netfilter/index.ts'
import { chainName, type PolicyChain } from './policy-chains.ts'
import type { KnownChain } from './policy-content.ts'

type FoundPolicy = { readonly rules: readonly FoundRule[]; readonly sets: readonly FoundElement[][] }

export class PolicyComparison {
  /** As each was found the last time that it was compared and fine: what has not moved since costs little. */
  readonly #fine = new WeakMap<PolicyChain, string>()

  /** The names of those that say something else. `rules`: all of the table. */
  damaged(
    client: NftablesClient,
    { table, chains, rules }: { table: string; chains: Iterable<KnownChain>; rules: readonly FoundRule[] },
  ): string[] {
    const rulesOf = byChain(rules)
    return [...chains].flatMap(({ chain, name }) => {
      // Of a chain of a former process only the name is known, until somebody tells what is to be in it.
      if (chain === undefined) return []
      const sets = chain.sets.map((set) => client.elements({ table, name: set }))
      return this.#isIntact(chain, { sets, rules: rulesOf.get(chainName(name)) ?? [] }) ? [] : [name]
    })
  }

  #isIntact(chain: PolicyChain, found: FoundPolicy): boolean {
    const digest = digestOf(found)
    if (this.#fine.get(chain) === digest) return true
    if (!isAsTold(chain, found)) return false
    this.#fine.set(chain, digest)
    return true
  }
}

function isAsTold(chain: PolicyChain, { rules, sets }: FoundPolicy): boolean {
  const told = toldBy(chain.objects)
  return (
    rules.length === told.rules.length &&
    told.rules.every((rule, at) => isSameRule(rules[at] ?? rule, rule)) &&
    chain.sets.every((name, at) => areSameElements(sets[at] ?? [], told.elements.get(name) ?? []))
  )
}

/** With the numbers that the kernel gave to the rules: the same written anew is another. */
function digestOf({ rules, sets }: FoundPolicy): string {
  const elements = sets.flatMap((set) =>
    set.flatMap(({ key, keyEnd, isEnd }) => [key, keyEnd ?? none, isEnd ? end : start]),
  )
  const bytes = Buffer.concat([...rules.map((rule) => rule.bytes), ...elements])
  return createHash('sha256').update(bytes).digest('base64')
}

const none = Buffer.alloc(0)
const start = Buffer.of(0)
const end = Buffer.of(1)

function byChain(rules: readonly FoundRule[]): ReadonlyMap<string, readonly FoundRule[]> {
  const chains = new Map<string, FoundRule[]>()
  for (const rule of rules) {
    const others = chains.get(rule.chain)
    if (others === undefined) chains.set(rule.chain, [rule])
    else others.push(rule)
  }
  return chains
}
