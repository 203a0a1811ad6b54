// Puts rules into layers: what is in one layer has one outcome, and may be looked up in any order. There are as many
// as rules of different outcomes lie on top of each other, not as there are rules.
import type { Family, IpRange } from './ranges.ts'
import type { EgressPolicy, Rule } from './rules.ts'

export type Layer = Pick<Rule, 'verdict' | 'isLogged'> & { readonly rules: readonly Rule[] }

/** The layers of one family, in the order in which they count. What `usual` says anyway is left out. */
export function layersOf({ usual, rules }: EgressPolicy, family: Family): Layer[] {
  const levels: Layers[] = []
  for (const rule of rules.flatMap((each) => ofFamily(each, family))) {
    const level = levelBelow(levels, rule)
    levels[level] ??= new Map()
    put(levels[level], rule)
  }
  const layers = levels.flatMap((level) => [...level.values()])
  while (layers.at(-1)?.verdict === usual && layers.at(-1)?.isLogged === false) layers.pop()
  return layers
}

type Layers = Map<string, Layer & { rules: Rule[] }>

const outcomeOf = ({ verdict, isLogged }: Layer | Rule) => `${verdict} ${isLogged}`

function put(layers: Layers, rule: Rule): void {
  const { verdict, isLogged } = rule
  const layer = layers.get(outcomeOf(rule))
  if (layer === undefined) layers.set(outcomeOf(rule), { verdict, isLogged, rules: [rule] })
  else layer.rules.push(rule)
}

/** The first level that lies below all rules of another outcome which count before this one and meet it. */
function levelBelow(levels: readonly Layers[], rule: Rule): number {
  const outcome = outcomeOf(rule)
  for (let level = levels.length - 1; level >= 0; level--) {
    for (const [other, { rules }] of levels[level] ?? []) {
      if (other !== outcome && rules.some((each) => meet(each, rule))) return level + 1
    }
  }
  return 0
}

function meet(one: Rule, other: Rule): boolean {
  const isOneProtocol = one.protocol === undefined || other.protocol === undefined
  if (!isOneProtocol && one.protocol !== other.protocol) return false
  return overlap<number>(one.selectors, other.selectors) && overlap<bigint>(one.networks, other.networks)
}

type Range<N> = Readonly<Record<'start' | 'end', N>>

function overlap<N extends number | bigint>(ones: readonly Range<N>[], others: readonly Range<N>[]): boolean {
  return ones.some((one) => others.some((other) => one.start <= other.end && other.start <= one.end))
}

function ofFamily(rule: Rule, family: Family): Rule[] {
  const networks = rule.networks.filter((network: IpRange) => network.family === family)
  return networks.length === 0 ? [] : [{ ...rule, networks }]
}
