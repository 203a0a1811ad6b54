// Reads the table for policies and ports from the kernel, and compares it with what should be there.
import {
  type ChainVerdict,
  expressionsOf,
  type FoundChain,
  type FoundElement,
  type FoundRule,
  type NftablesClient,
  parseHostOrder,
} from '../../linux/netfilter/index.ts'
import { chainName } from './policy-chains.ts'
import type { PolicyComparison } from './policy-comparison.ts'
import type { KnownChain, OwnedElement, TableContent } from './policy-content.ts'
import { asSetElement, elementId, policyOfElement, type TableElement } from './policy-elements.ts'
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
    client.elements({ table, name: map }).flatMap(({ key, keyEnd, value, comment }): OwnedElement[] => {
      // An element of somebody else's counts as a difference.
      if (comment === undefined) return []
      const element = { map, key, keyEnd, value: elementValue(map, { value, names: policies }) }
      return [{ owner: comment, element }]
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

export type FoundChains = { readonly chains: readonly FoundChain[]; readonly rules: readonly FoundRule[] }

export function baseRulesOf({ chains, rules }: FoundChains): BaseRules {
  const base = rules.filter(({ chain }) => baseChains.includes(chain))
  const hooks = chains
    .filter(({ name }) => baseChains.includes(name))
    .map(({ name, hook }) => `${name} ${hook}`)
  const hookText = hooks.toSorted().join('\n')
  const meanings = base.map((rule) => `${rule.chain} ${expressionsOf(rule).toString('hex')}`)
  return {
    written: [hookText, ...base.map(({ bytes }) => bytes.toString('latin1'))].join(''),
    meaning: [hookText, ...meanings].join('\n'),
  }
}

export type Expected = {
  readonly table: string
  readonly content: TableContent
  readonly baseRules: BaseRules
  readonly comparison: PolicyComparison
}

/** Whether the table in the kernel is what it should be. */
export function isIntact(
  client: NftablesClient,
  { table, content, baseRules, comparison }: Expected,
): boolean {
  const chains = client.chains(table)
  if (content.isEmpty()) return chains.length === 0
  const policies = [...content.chains()]
  if (chains.length !== policies.length + baseChains.length || client.isDormant(table)) return false
  const rules = client.rules(table)
  return (
    baseRulesOf({ chains, rules }).written === baseRules.written &&
    areElementsIntact(client, { table, content }) &&
    comparison.damaged(client, { table, chains: policies, rules }).length === 0
  )
}

/** Those who have an element that is not there, or is another, or leads to a policy that says something else. */
export function ownersLacking(
  client: NftablesClient,
  { table, content, comparison }: Omit<Expected, 'baseRules'>,
): ReadonlySet<string> {
  const found = new Set(foundElements(client, table))
  const chains = { table, chains: content.chains(), rules: client.rules(table) }
  const damaged = new Set(comparison.damaged(client, chains))
  const lacking = expectedElements(content).filter(
    ({ text, policy }) => !found.has(text) || (policy !== undefined && damaged.has(policy)),
  )
  return new Set(lacking.map(({ owner }) => owner))
}

function expectedElements(content: TableContent) {
  const numberOf = (policy: string) => content.numberOf(policy)
  return [...content.elements()].map(({ element, owner }) => {
    const text = textOf(element.map, asSetElement(element, { owner, numberOf }))
    return { owner, text, policy: policyOfElement(element) }
  })
}

function foundElements(client: NftablesClient, table: string): string[] {
  return mapNames.flatMap((map) =>
    client.elements({ table, name: map }).map((element) => textOf(map, element)),
  )
}

function areElementsIntact(
  client: NftablesClient,
  { table, content }: Pick<Expected, 'table' | 'content'>,
): boolean {
  const expected = new Set(expectedElements(content).map(({ text }) => text))
  const found = foundElements(client, table)
  return (
    found.length === expected.size &&
    found.every((text) => expected.has(text)) &&
    arePoliciesLedTo(client.elements({ table, name: policiesMap }), content)
  )
}

function arePoliciesLedTo(found: readonly FoundElement[], content: TableContent): boolean {
  const chains = [...content.chains()].map(({ name, number }) => [number, chainName(name)] as const)
  const expected = new Map([[openPolicy.number, openPolicy.name], ...chains])
  return (
    found.length === expected.size &&
    found.every(({ key, value }) => expected.get(parseHostOrder(key)) === value)
  )
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

type ToldElement = { key: Buffer; keyEnd?: Buffer | undefined; value?: FoundElement['value'] | ChainVerdict }

const textOf = (map: TableMap, { key, keyEnd, value }: ToldElement) =>
  `${elementId({ map, key, keyEnd })} ${Buffer.isBuffer(value) ? value.toString('hex') : ''}`
