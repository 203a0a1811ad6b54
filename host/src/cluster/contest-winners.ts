// Endpoints that claim one MAC or one address, as where a host was fenced that still ran: a driver would refuse all that it is
// told with both of them. One counts: that of the node whose block the address is in, else always the same one.
import type { MirrorChange } from './mirror.ts'
import type { SharedMember } from './records.ts'

export type ContestWinnersOptions = {
  /** All that are known, by key. */
  readonly members: () => ReadonlyMap<string, SharedMember>
  /** Whether the member is in a block of its own node. */
  isAtHome(key: string, member: SharedMember): boolean
}

/** `claim` is a MAC or an address; `own` and `rival` are keys of members. */
export type Dispute = { readonly claim: string; readonly own: string; readonly rival: string }

export class ContestWinners {
  readonly #options: ContestWinnersOptions
  /** By claim: nearly always it is one's alone. */
  readonly #claimants = new Map<string, string | Set<string>>()
  readonly #contested = new Set<string>()

  constructor(options: ContestWinnersOptions) {
    this.#options = options
  }

  /** Answers the keys of others that may count now, or no longer. */
  note(changes: readonly MirrorChange<SharedMember>[]): Set<string> {
    const rivals = new Set<string>()
    for (const { key, before, after } of changes) {
      for (const claim of claimsOf(before)) this.#drop(claim, key, rivals)
      for (const claim of claimsOf(after)) this.#add(claim, key, rivals)
    }
    return rivals
  }

  /** The keys of all who share a claim: blocks have changed hands. */
  all(): Set<string> {
    return new Set([...this.#contested].flatMap((claim) => [...this.#of(claim)]))
  }

  /** Each claim that a member that `isOwn` shares with another one. */
  *disputes(isOwn: (key: string) => boolean): Generator<Dispute> {
    for (const claim of this.#contested) {
      const keys = [...this.#of(claim)]
      for (const own of keys.filter(isOwn))
        for (const rival of keys.filter((key) => !isOwn(key))) yield { claim, own, rival }
    }
  }

  /** Whether the member is the one that counts in all that it claims. */
  counts(key: string, member: SharedMember): boolean {
    if (this.#contested.size === 0) return true
    return claimsOf(member).every((claim) => !this.#contested.has(claim) || this.#winnerOf(claim) === key)
  }

  #winnerOf(claim: string): string | undefined {
    const members = this.#options.members()
    const isAtHome = (key: string) => {
      const member = members.get(key)
      return member !== undefined && this.#options.isAtHome(key, member)
    }
    const claimants = [...this.#of(claim)].sort()
    return claimants.find(isAtHome) ?? claimants[0]
  }

  #of(claim: string): Iterable<string> {
    const found = this.#claimants.get(claim) ?? []
    return typeof found === 'string' ? [found] : found
  }

  #add(claim: string, key: string, rivals: Set<string>): void {
    const others = [...this.#of(claim)].filter((other) => other !== key)
    for (const other of others) rivals.add(other)
    this.#put(claim, [...others, key])
  }

  #drop(claim: string, key: string, rivals: Set<string>): void {
    const others = [...this.#of(claim)].filter((other) => other !== key)
    for (const other of others) rivals.add(other)
    this.#put(claim, others)
  }

  #put(claim: string, keys: readonly string[]): void {
    const [first] = keys
    if (first === undefined) this.#claimants.delete(claim)
    else this.#claimants.set(claim, keys.length === 1 ? first : new Set(keys))
    if (keys.length > 1) this.#contested.add(claim)
    else this.#contested.delete(claim)
  }
}

function claimsOf(member: SharedMember | undefined): string[] {
  return member === undefined ? [] : [member.macAddress, ...member.addresses]
}
