// What one owner (a network, an endpoint) has in the table for policies and ports: elements, and the chains they lead to.
import { hostOrder, type SetElement } from '../../linux/netfilter/index.ts'
import type { PolicyChain } from './policy-chains.ts'
import { openPolicy, type TableMap } from './policy-ruleset.ts'

/** An element of one of the maps. */
export type TableElement = {
  readonly map: TableMap
  readonly key: Buffer
  /** The last key, in a set of ranges. */
  readonly keyEnd?: Buffer | undefined
  /** What it leads to: a policy by its name, `openPolicy` too. Undefined in a set. */
  readonly value: Buffer | { readonly policy: string } | undefined
}

/** All that an owner wants to be in the table. */
export type Holding = {
  readonly elements: readonly TableElement[]
  /** The policies that elements lead to. */
  readonly chains: readonly PolicyChain[]
}

export const emptyHolding: Holding = { elements: [], chains: [] }

/** Tells elements apart. */
export const elementId = ({ map, key, keyEnd }: Pick<TableElement, 'map' | 'key' | 'keyEnd'>) =>
  `${map} ${key.toString('hex')}${keyEnd === undefined ? '' : `-${keyEnd.toString('hex')}`}`

export function isSameValue(one: TableElement['value'], other: TableElement['value']): boolean {
  if (Buffer.isBuffer(one) && Buffer.isBuffer(other)) return one.equals(other)
  return policyOf(one) === policyOf(other)
}

/** The policy that an element leads to, where it is one that has to be made. */
export function policyOfElement({ value }: Pick<TableElement, 'value'>): string | undefined {
  const policy = policyOf(value)
  return policy === openPolicy.name ? undefined : policy
}

/** As the kernel is told it; the owner's name is its comment. */
export function asSetElement(
  { key, keyEnd, value }: TableElement,
  { owner, numberOf }: { owner: string; numberOf(policy: string): number },
): SetElement {
  if (keyEnd !== undefined) return { key, keyEnd, comment: owner }
  if (value === undefined) return { key, comment: owner }
  return { key, comment: owner, value: Buffer.isBuffer(value) ? value : hostOrder(numberOf(value.policy)) }
}

function policyOf(value: TableElement['value']): string | undefined {
  return value === undefined || Buffer.isBuffer(value) ? undefined : value.policy
}

/** What of the one the other does not have so. */
export function differing({ elements }: Holding, other: Holding): TableElement[] {
  const others = new Map(other.elements.map((element) => [elementId(element), element]))
  return elements.filter((element) => {
    const same = others.get(elementId(element))
    return same === undefined || !isSameValue(same.value, element.value)
  })
}
