// What is in the table, by owner, and what a change of it means: which elements and chains come and go.
import { addElements, deleteElements, type NetfilterRequest } from '../../linux/netfilter/index.ts'
import { addPolicy, deletePolicy, type PolicyChain } from './policy-chains.ts'
import {
  asSetElement,
  elementId,
  type Holding,
  isSameValue,
  policyOfElement,
  type TableElement,
} from './policy-elements.ts'
import { openPolicy } from './policy-ruleset.ts'

/** An element and whose it is. */
export type OwnedElement = { readonly element: TableElement; readonly owner: string }

/** A chain that is there. */
export type KnownChain = {
  readonly name: string
  /** By which elements name it to the kernel. */
  readonly number: number
  readonly sets: readonly string[]
  /** Undefined: a former process has made it, and nobody has told this one what is in it. */
  readonly chain: PolicyChain | undefined
}

export type ContentChange = {
  readonly owner: string
  readonly added: readonly TableElement[]
  readonly removed: readonly OwnedElement[]
  readonly newChains: readonly (KnownChain & { readonly chain: PolicyChain })[]
  readonly deadChains: readonly KnownChain[]
  /** All policies of the owner's new holding. */
  readonly chains: readonly PolicyChain[]
  /** The number of a policy, a new one too. */
  numberOf(policy: string): number
  readonly isNothing: boolean
}

/** A queue that looked would take such a number for priority 0. */
const numberStep = 0x10
const firstNumber = 0x100
const mostNumber = 0xffff_0000

export class TableContent {
  readonly #elements = new Map<string, OwnedElement>()
  readonly #byOwner = new Map<string, Map<string, TableElement>>()
  readonly #chains = new Map<string, KnownChain>()
  readonly #uses = new Map<string, number>()
  #lastNumber = firstNumber

  /** What was found, with what this content knows of the chains. */
  readAs(elements: readonly OwnedElement[], chains: readonly KnownChain[]): TableContent {
    const read = new TableContent()
    for (const known of chains)
      read.#chains.set(known.name, { ...known, chain: this.#chains.get(known.name)?.chain })
    for (const owned of elements) read.#add(owned)
    return read
  }

  /** 0 for a policy that is not there. */
  numberOf(policy: string): number {
    if (policy === openPolicy.name) return openPolicy.number
    return this.#chains.get(policy)?.number ?? 0
  }

  isEmpty(): boolean {
    return this.#elements.size === 0
  }

  owners(): string[] {
    return [...this.#byOwner.keys()]
  }

  elements(): Iterable<OwnedElement> {
    return this.#elements.values()
  }

  chains(): Iterable<KnownChain> {
    return this.#chains.values()
  }

  /** Whether it is there, and nobody has told this process what is in it. */
  isUntold(policy: string): boolean {
    const known = this.#chains.get(policy)
    return known !== undefined && known.chain === undefined
  }

  /** Undefined where the owner has nothing. */
  holdingOf(owner: string): Holding | undefined {
    const elements = [...(this.#byOwner.get(owner)?.values() ?? [])]
    if (elements.length === 0) return undefined
    const names = new Set(elements.flatMap((element) => policyOfElement(element) ?? []))
    return { elements, chains: [...names].flatMap((name) => this.#chains.get(name)?.chain ?? []) }
  }

  /** What has to happen so that the owner has this and nothing else. Changes nothing. */
  changeFor(owner: string, { elements, chains }: Holding): ContentChange {
    const wanted = new Map(elements.map((element) => [elementId(element), element]))
    const isSame = (id: string, element: TableElement) => {
      const found = this.#elements.get(id)
      return found?.owner === owner && isSameValue(found.element.value, element.value)
    }
    const added = [...wanted].filter(([id, element]) => !isSame(id, element))
    const gone = [...(this.#byOwner.get(owner) ?? [])].filter(([id]) => !wanted.has(id))
    const replaced = added.flatMap(([id]) => this.#elements.get(id) ?? [])
    const removed = [...gone.map(([, element]) => ({ element, owner })), ...replaced]
    const change = { owner, chains, removed, added: added.map(([, element]) => element) }
    const isNothing = added.length === 0 && removed.length === 0
    return { ...change, isNothing, ...this.#chainsOf(change) }
  }

  /** The change has happened. */
  commit({ owner, added, removed, newChains, deadChains, chains }: ContentChange): void {
    for (const { element, owner: former } of removed) this.#remove(element, former)
    for (const element of added) this.#add({ element, owner })
    for (const { name } of deadChains) this.#chains.delete(name)
    for (const known of newChains) this.#chains.set(known.name, known)
    for (const chain of chains) {
      const known = this.#chains.get(chain.name)
      if (known !== undefined) this.#chains.set(chain.name, { ...known, chain })
    }
  }

  /** Without what leads to chains that nobody has told this process the content of. */
  forgetUnknown(): void {
    for (const { element, owner } of [...this.#elements.values()]) {
      const name = policyOfElement(element)
      if (name !== undefined && this.#chains.get(name)?.chain === undefined) this.#remove(element, owner)
    }
    for (const [name, { chain }] of this.#chains) if (chain === undefined) this.#chains.delete(name)
  }

  #chainsOf({ chains, added, removed }: Pick<ContentChange, 'chains' | 'added' | 'removed'>) {
    const uses = new Map<string, number>()
    const count = (element: TableElement, step: number) => {
      const name = policyOfElement(element)
      if (name !== undefined) uses.set(name, (uses.get(name) ?? this.#uses.get(name) ?? 0) + step)
    }
    for (const element of added) count(element, 1)
    for (const { element } of removed) count(element, -1)
    const missing = chains.filter(({ name }) => !this.#chains.has(name) && (uses.get(name) ?? 0) > 0)
    const numbers = this.#freeNumbers(missing.length)
    const newChains = missing.map((chain, at) => {
      const { name, sets } = chain
      return { name, number: numbers[at] ?? 0, sets, chain }
    })
    const deadChains = [...uses].flatMap(([name, count]) => (count > 0 ? [] : (this.#chains.get(name) ?? [])))
    const made = new Map(newChains.map(({ name, number }) => [name, number]))
    const numberOf = (policy: string) => made.get(policy) ?? this.numberOf(policy)
    return { newChains, deadChains, numberOf }
  }

  /** A number of a deleted policy is used again only when all have been. */
  #freeNumbers(count: number): number[] {
    const taken = new Set([...this.#chains.values()].map(({ number }) => number))
    const numbers: number[] = []
    while (numbers.length < count) {
      this.#lastNumber = this.#lastNumber >= mostNumber ? firstNumber : this.#lastNumber + numberStep
      if (!taken.has(this.#lastNumber)) numbers.push(this.#lastNumber)
    }
    return numbers
  }

  #add({ element, owner }: OwnedElement): void {
    const id = elementId(element)
    this.#elements.set(id, { element, owner })
    const owned = this.#byOwner.get(owner) ?? new Map<string, TableElement>()
    this.#byOwner.set(owner, owned.set(id, element))
    this.#use(element, 1)
  }

  #remove(element: TableElement, owner: string): void {
    const id = elementId(element)
    this.#elements.delete(id)
    const owned = this.#byOwner.get(owner)
    owned?.delete(id)
    if (owned?.size === 0) this.#byOwner.delete(owner)
    this.#use(element, -1)
  }

  #use(element: TableElement, step: number): void {
    const name = policyOfElement(element)
    if (name === undefined) return
    const uses = (this.#uses.get(name) ?? 0) + step
    if (uses > 0) this.#uses.set(name, uses)
    else this.#uses.delete(name)
  }
}

/** In one transaction: a key that gets another value is deleted and added, and traffic meets the one or the other. */
export function requestsOf(change: ContentChange, table: string): NetfilterRequest[] {
  const { owner, added, removed, newChains, deadChains, numberOf } = change
  return [
    ...newChains.flatMap(({ chain, number }) => addPolicy(table, { ...chain, number })),
    ...byMap(removed.map(({ element }) => element)).flatMap(([name, elements]) =>
      deleteElements(
        { table, name },
        elements.map(({ key, keyEnd }) => (keyEnd === undefined ? { key } : { key, keyEnd })),
      ),
    ),
    ...byMap(added).flatMap(([name, elements]) =>
      addElements(
        { table, name },
        elements.map((element) => asSetElement(element, { owner, numberOf })),
      ),
    ),
    ...deadChains.flatMap((dead) => deletePolicy(table, dead)),
  ]
}

/** Everything, for a table that is empty. */
export function wholeContent(content: TableContent, table: string): NetfilterRequest[] {
  const owned = [...content.elements()]
  const numberOf = (policy: string) => content.numberOf(policy)
  const names = new Set(owned.map(({ element }) => element.map))
  return [
    ...[...content.chains()].flatMap(({ chain, number }) =>
      chain === undefined ? [] : addPolicy(table, { ...chain, number }),
    ),
    ...[...names].flatMap((name) =>
      addElements(
        { table, name },
        owned
          .filter(({ element }) => element.map === name)
          .map(({ element, owner }) => asSetElement(element, { owner, numberOf })),
      ),
    ),
  ]
}

function byMap(elements: readonly TableElement[]): [string, TableElement[]][] {
  const maps = new Map<string, TableElement[]>()
  for (const element of elements) {
    const others = maps.get(element.map)
    if (others === undefined) maps.set(element.map, [element])
    else others.push(element)
  }
  return [...maps]
}
