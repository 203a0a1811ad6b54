// Reads the table for policies and ports from the kernel, and compares it with what should be there.
import {
  type ChainVerdict,
  expressionsOf,
  type FoundElement,
  type FoundRule,
  type NftablesClient,
  parseHostOrder,
} from '../../linux/netfilter/index.ts'
import { chainName } from './policy-chains.ts'
import type { KnownChain, OwnedElement, TableContent } from './policy-content.ts'
import { asSetElement, type TableElement } from './policy-elements.ts'
import { baseChains, openPolicy, policiesMap, type TableMap, tableMaps } from './policy-ruleset.ts'

export type FoundContent = {
  readonly elements: readonly OwnedElement[]
  readonly chains: readonly KnownChain[]
}

/** Undefined where there is no table. */
export function readContent(client: NftablesClient, table: string): FoundContent | undefined {
  if (client.chains(table).length === 0) return undefined
  const sets = client.sets(table)
  const chains = client.elements({ table, name: policiesMap }).flatMap(({ key, value }) => {
    if (typeof value !== 'string' || value === openPolicy.name) return []
    const own = sets.filter((set) => set.startsWith(`${value}_`))
    return [
      { name: value.slice(chainName('').length), number: parseHostOrder(key), sets: own, chain: undefined },
    ]
  })
  const policies = new Map([
    [openPolicy.number, openPolicy.name],
    ...chains.map(({ name, number }) => [number, name] as const),
  ])
  const elements = mapNames.flatMap((map) =>
    client.elements({ table, name: map }).flatMap(({ key, value, comment }): OwnedElement[] => {
      // An element of somebody else's counts as a difference.
      if (comment === undefined) return []
      return [{ owner: comment, element: { map, key, value: elementValue(map, { value, names: policies }) } }]
    }),
  )
  return { elements, chains }
}

/** The rules that all policies share. */
export type BaseRules = {
  /** As the kernel describes them: they differ when the same are written anew. */
  readonly written: string
  /** What they do. */
  readonly meaning: string
}

export const noBaseRules: BaseRules = { written: '', meaning: '' }

export function baseRulesOf(rules: readonly FoundRule[]): BaseRules {
  const base = rules.filter(({ chain }) => baseChains.includes(chain))
  const meanings = base.map((rule) => `${rule.chain} ${expressionsOf(rule).toString('hex')}`)
  return { written: base.map(({ bytes }) => bytes.toString('latin1')).join(''), meaning: meanings.join('\n') }
}

export type Expected = {
  readonly table: string
  readonly content: TableContent
  readonly baseRules: BaseRules
}

/** Whether the table in the kernel is what it should be. */
export function isIntact(client: NftablesClient, { table, content, baseRules }: Expected): boolean {
  const names = client.chains(table)
  if (content.isEmpty()) return names.length === 0
  const chains = [...content.chains()]
  if (names.length !== chains.length + baseChains.length || client.isDormant(table)) return false
  const rules = client.rules(table)
  return (
    baseRulesOf(rules).written === baseRules.written &&
    areElementsIntact(client, { table, content }) &&
    areChainsIntact(client, { table, chains, rules })
  )
}

/** Those who have an element that is not there, or is another. */
export function ownersLacking(
  client: NftablesClient,
  { table, content }: Omit<Expected, 'baseRules'>,
): ReadonlySet<string> {
  const found = new Set(foundElements(client, table))
  const lacking = expectedElements(content).filter(({ text }) => !found.has(text))
  return new Set(lacking.map(({ owner }) => owner))
}

function expectedElements(content: TableContent) {
  const numberOf = (policy: string) => content.numberOf(policy)
  return [...content.elements()].map(({ element, owner }) => {
    return { owner, text: textOf(element.map, asSetElement(element, { owner, numberOf })) }
  })
}

function foundElements(client: NftablesClient, table: string): string[] {
  return mapNames.flatMap((map) =>
    client.elements({ table, name: map }).map((element) => textOf(map, element)),
  )
}

function areElementsIntact(client: NftablesClient, { table, content }: Omit<Expected, 'baseRules'>): boolean {
  const expected = new Set(expectedElements(content).map(({ text }) => text))
  const found = foundElements(client, table)
  const policies = client.elements({ table, name: policiesMap }).length
  return (
    found.length === expected.size &&
    found.every((text) => expected.has(text)) &&
    policies === 1 + [...content.chains()].length
  )
}

type ChainsFound = { table: string; chains: readonly KnownChain[]; rules: readonly FoundRule[] }

/** Of a chain of a former process only the name is known, which says what was in it. */
function areChainsIntact(client: NftablesClient, { table, chains, rules }: ChainsFound): boolean {
  const counts = new Map<string, number>()
  for (const { chain } of rules) counts.set(chain, (counts.get(chain) ?? 0) + 1)
  return chains.every(({ chain }) => {
    if (chain === undefined) return true
    if ((counts.get(chainName(chain.name)) ?? 0) !== chain.rules) return false
    return chain.sets.every(({ name, elements }) => client.elements({ table, name }).length === elements)
  })
}

const mapNames = Object.keys(tableMaps).filter((name): name is TableMap => name in tableMaps)

const isOfPolicies = (map: TableMap) => tableMaps[map].endsWith(': classid')

function elementValue(
  map: TableMap,
  { value, names }: { value: FoundElement['value']; names: ReadonlyMap<number, string> },
): TableElement['value'] {
  if (!Buffer.isBuffer(value)) return undefined
  return isOfPolicies(map) ? { policy: names.get(parseHostOrder(value)) ?? '' } : value
}

const textOf = (
  map: TableMap,
  { key, value }: { key: Buffer; value?: FoundElement['value'] | ChainVerdict },
) => `${map} ${key.toString('hex')} ${Buffer.isBuffer(value) ? value.toString('hex') : ''}`
