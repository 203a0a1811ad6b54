// Policies from container to container, and the members of the network that they are about: who may send what to whom.
import type { ContainerPolicy } from './document.ts'
import { mergePorts, type PortRange } from './ranges.ts'
import { protocols } from './rules.ts'

/** A member as policies mean it, and what its own document says. */
export type PairMember = {
  /** Any of them names it. */
  readonly ids: readonly string[]
  readonly addresses: readonly Buffer[]
  readonly entries: readonly ContainerPolicy[]
  /** Equal where the entries are: many members have the document of their network. */
  readonly text: string
}

/** What may be sent from one address to another of the same family. */
export type Pair = {
  readonly source: Buffer
  readonly destination: Buffer
  readonly protocol: number
  readonly ports: PortRange
}

type List = { readonly entries: readonly ContainerPolicy[]; users: number }

/** The members of one network by their names. The entries of all of them count, each once. */
export class PairMembers {
  readonly #members = new Map<string, PairMember>()
  readonly #byId = new SetsByKey<string>()
  readonly #byAddress = new Map<string, string>()
  readonly #lists = new Map<string, List>()
  readonly #bySource = new SetsByKey<ContainerPolicy>()
  readonly #byDestination = new SetsByKey<ContainerPolicy>()

  get(name: string): PairMember | undefined {
    return this.#members.get(name)
  }

  names(): string[] {
    return [...this.#members.keys()]
  }

  hasEntries(): boolean {
    return this.#lists.size > 0
  }

  /** Undefined: it is gone. Answers those whose pairs that may change: what `pairsFrom` says of others stays as it is. */
  set(name: string, member: PairMember | undefined): ReadonlySet<string> {
    const former = this.#members.get(name)
    const concerned = new Set([name])
    const isSameOne = isSame(former, member)
    if (!isSameOne) this.#forget(name, former, concerned)
    if (former?.text !== member?.text) this.#unlist(former, concerned)
    if (member === undefined) this.#members.delete(name)
    else this.#members.set(name, member)
    if (former?.text !== member?.text) this.#list(member, concerned)
    if (!isSameOne) this.#know(name, member, concerned)
    return concerned
  }

  /**
   * What a member may send to others that there are. Ranges that overlap or touch are one, so no two to the same address and protocol have a
   * port in common.
   */
  pairsFrom(name: string): Pair[] {
    const from = this.#members.get(name)
    if (from === undefined) return []
    const pairs = [...this.#entriesFrom(from)].flatMap((entry) =>
      [...this.#byId.of(entry.destination.id)].flatMap((other) => {
        const to = other === name ? undefined : this.#members.get(other)
        return to === undefined ? [] : between(from, to, entry)
      }),
    )
    return mergedPairs(pairs)
  }

  /** Whether there is such a pair. */
  allows({ source, destination, protocol, port }: Omit<Pair, 'ports'> & { port: number }): boolean {
    const [from, to] = [this.#at(source), this.#at(destination)]
    if (from === undefined || to === undefined || from === to) return false
    return [...this.#entriesFrom(from)].some(
      ({ destination: { id, protocol: name, ports } }) =>
        to.ids.includes(id) && protocols[name] === protocol && ports.start <= port && port <= ports.end,
    )
  }

  #at(address: Buffer): PairMember | undefined {
    return this.#members.get(this.#byAddress.get(hex(address)) ?? '')
  }

  #entriesFrom({ ids }: PairMember): ReadonlySet<ContainerPolicy> {
    return new Set(ids.flatMap((id) => [...this.#bySource.of(id)]))
  }

  #know(name: string, member: PairMember | undefined, concerned: Set<string>): void {
    for (const id of member?.ids ?? []) this.#byId.add(id, name)
    for (const address of member?.addresses ?? []) this.#byAddress.set(hex(address), name)
    this.#concernSourcesTo(member, concerned)
  }

  #forget(name: string, member: PairMember | undefined, concerned: Set<string>): void {
    this.#concernSourcesTo(member, concerned)
    for (const id of member?.ids ?? []) this.#byId.delete(id, name)
    for (const address of member?.addresses ?? []) this.#byAddress.delete(hex(address))
  }

  #concernSourcesTo(member: PairMember | undefined, concerned: Set<string>): void {
    for (const id of member?.ids ?? []) {
      for (const { source } of this.#byDestination.of(id)) this.#concern(source.id, concerned)
    }
  }

  #concern(id: string, concerned: Set<string>): void {
    for (const name of this.#byId.of(id)) concerned.add(name)
  }

  #list(member: PairMember | undefined, concerned: Set<string>): void {
    if (member === undefined || member.entries.length === 0) return
    const { text, entries } = member
    const known = this.#lists.get(text)
    if (known !== undefined) known.users += 1
    else {
      this.#lists.set(text, { entries, users: 1 })
      for (const entry of entries) {
        this.#bySource.add(entry.source.id, entry)
        this.#byDestination.add(entry.destination.id, entry)
        this.#concern(entry.source.id, concerned)
      }
    }
  }

  #unlist(member: PairMember | undefined, concerned: Set<string>): void {
    const list = this.#lists.get(member?.text ?? '')
    if (member === undefined || list === undefined) return
    list.users -= 1
    if (list.users > 0) return
    this.#lists.delete(member.text)
    for (const entry of list.entries) {
      this.#bySource.delete(entry.source.id, entry)
      this.#byDestination.delete(entry.destination.id, entry)
      this.#concern(entry.source.id, concerned)
    }
  }
}

/** The same in as few as possible. */
export function mergedPairs(pairs: Iterable<Pair>): Pair[] {
  const groups = new Map<string, { first: Pair; ranges: PortRange[] }>()
  for (const pair of pairs) {
    const key = pairKey(pair)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { first: pair, ranges: [pair.ports] })
    else group.ranges.push(pair.ports)
  }
  return [...groups.values()].flatMap(({ first, ranges }) =>
    ranges.length === 1 ? [first] : mergePorts(ranges).map((ports) => ({ ...first, ports })),
  )
}

/** What tells pairs apart, but for their ports. */
export function pairKey({ source, destination, protocol }: Omit<Pair, 'ports'>): string {
  return `${hex(source)} ${hex(destination)} ${protocol}`
}

class SetsByKey<T> {
  readonly #sets = new Map<string, Set<T>>()

  of(key: string): Iterable<T> {
    return this.#sets.get(key) ?? []
  }

  add(key: string, value: T): void {
    const set = this.#sets.get(key)
    if (set === undefined) this.#sets.set(key, new Set([value]))
    else set.add(value)
  }

  delete(key: string, value: T): void {
    const set = this.#sets.get(key)
    set?.delete(value)
    if (set?.size === 0) this.#sets.delete(key)
  }
}

function between(from: PairMember, to: PairMember, { destination }: ContainerPolicy): Pair[] {
  const { protocol: name, ports } = destination
  const protocol = protocols[name]
  return from.addresses.flatMap((source) =>
    to.addresses
      .filter(({ length }) => length === source.length)
      .map((address) => ({ source, destination: address, protocol, ports })),
  )
}

function isSame(one: PairMember | undefined, other: PairMember | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  const textOf = ({ ids, addresses }: PairMember) => JSON.stringify([ids, addresses.map(hex)])
  return textOf(one) === textOf(other)
}

const hex = (address: Buffer) => address.toString('hex')
