// The endpoints of one network on other nodes, as a driver is told of them: a snapshot first, then differences, each from
// the version that the driver holds. Follows the store only while somebody here is on the network.
import { randomUUID } from 'node:crypto'
import { isInSubnet } from '../ipam/index.ts'
import { ContestWinners, type Dispute } from './contest-winners.ts'
import { keys } from './keys.ts'
import { Mirror, type MirrorChange } from './mirror.ts'
import { reader, SharedMember } from './records.ts'
import type { SharedStore } from './shared-store.ts'
import { isTunnelPartner } from './tunnel-partner.ts'

export type PeerEntry = { readonly endpointId: string } & SharedMember

export type NetworkPeersOptions = {
  readonly store: SharedStore
  readonly networkId: string
  readonly node: string
  /** Of this node: endpoints to which no tunnel leads from there are left out. Absent: all are told. */
  readonly underlayAddress?: string | undefined
  /** Whether the store has lost something just now. */
  isLoss?(): Promise<boolean>
  /** The node that has the block of an address, as far as is known. */
  ownerOf?(address: string): string | undefined
  /** There is something that was not taken yet. It must not throw. */
  changed(): void
  /** What has changed on other nodes; `disputes` knows it. It must not throw. */
  noted?(changes: readonly MirrorChange<SharedMember>[]): void
}

/** What has changed since the last time it was taken, and the version that this makes. */
export type PeersDifference = {
  readonly base: string | null
  readonly version: string
  readonly remove: readonly string[]
  readonly set: readonly PeerEntry[]
}

export class NetworkPeers {
  readonly #options: NetworkPeersOptions
  readonly #members: Mirror<SharedMember>
  readonly #contested = new ContestWinners({
    members: () => this.#members.records,
    isAtHome: (key, { addresses }) =>
      addresses.some((address) => this.#options.ownerOf?.(address) === nodeOf(key)),
  })
  /** Of this directory in this process: a store that was restored has its revisions a second time. */
  readonly #name = randomUUID().slice(0, 8)
  #states = 0
  /** Keys that changed since the driver was told. */
  readonly #pending = new Set<string>()
  #told: string | null = null
  /** False: the driver is to be told the whole, which will say all changes until then. */
  #isWholeOut = false

  constructor(options: NetworkPeersOptions) {
    this.#options = options
    const { store, networkId, isLoss = async () => false } = options
    this.#members = new Mirror({
      store,
      prefix: keys.members(networkId),
      parse: (text, key) => this.#read(text, key),
      isLoss,
      changed: (changes) => this.#note(changes),
      // An empty directory is told too: until then a driver keeps what an earlier instance made.
      listed: () => this.#options.changed(),
    })
  }

  follow(signal: AbortSignal): Promise<void> {
    return this.#members.follow(signal)
  }

  /** Settles when the store was read. */
  current(signal: AbortSignal): Promise<void> {
    return this.#members.current(signal)
  }

  /** Whose the blocks of addresses are. */
  blocksChanged(): void {
    this.#concern([...this.#contested.all()].filter((key) => this.#isOther(key)))
  }

  /** What endpoints of this node and of others both claim. */
  disputes(): Iterable<Dispute> {
    return this.#contested.disputes((key) => !this.#isOther(key))
  }

  /** Endpoints by node, the own ones too. */
  get all(): ReadonlyMap<string, SharedMember> {
    return this.#members.records
  }

  /** Of each node, the own one too: how many addresses of a subnet endpoints have; undefined before the first reading. */
  addressesIn(subnet: string): Record<string, number> | undefined {
    if (this.#members.revision === 0) return undefined
    const counts: Record<string, number> = {}
    for (const [key, { addresses }] of this.#members.records) {
      const node = nodeOf(key)
      const within = addresses.filter((address) => isInSubnet(address, subnet))
      counts[node] = (counts[node] ?? 0) + within.length
    }
    return counts
  }

  /** The node and the container that have a MAC on another node. */
  holderOf(macAddress: string): { node: string; container: string } | undefined {
    for (const { node, member } of this.others())
      if (member.macAddress === macAddress) return { node, container: member.container }
    return undefined
  }

  /** The endpoints on other nodes. */
  *others(): Generator<{ readonly node: string; readonly member: SharedMember }> {
    for (const [key, member] of this.#members.records)
      if (this.#isOther(key)) yield { node: nodeOf(key), member }
  }

  /** The next thing to tell: undefined when there is nothing new. Before the first reading nothing is known. */
  next(): PeersDifference | undefined {
    if (this.#members.revision === 0) return undefined
    if (this.#told === null) return this.#snapshot()
    if (this.#pending.size === 0) return undefined
    const entries = [...this.#pending].map((key) => ({ key, member: this.#counting(key) }))
    return {
      base: this.#told,
      version: this.#version,
      remove: entries.filter(({ member }) => member === undefined).map(({ key }) => endpointOf(key)),
      set: entries.flatMap(({ key, member }) => (member === undefined ? [] : [peer(key, member)])),
    }
  }

  /** The driver holds this version. What came after `next` is still to be told. */
  told({ version, remove, set }: PeersDifference): void {
    this.#told = version
    const sent = new Map(set.map((entry) => [entry.endpointId, entry]))
    const gone = new Set(remove)
    for (const key of this.#pending) {
      const member = this.#counting(key)
      const before = sent.get(endpointOf(key))
      const isSame = member === undefined ? gone.has(endpointOf(key)) : isEqual(before, member)
      if (isSame) this.#pending.delete(key)
    }
  }

  /** Nobody knows what the driver holds: the whole is what is next. */
  forgotten(): void {
    this.#told = null
    this.#isWholeOut = false
    this.#pending.clear()
  }

  get #version(): string {
    return `${this.#name}-${this.#states}`
  }

  #snapshot(): PeersDifference {
    this.#isWholeOut = true
    this.#pending.clear()
    const others = [...this.#members.records].filter(
      ([key, member]) => this.#isOther(key) && this.#contested.counts(key, member),
    )
    return {
      base: null,
      version: this.#version,
      remove: [],
      set: others.map(([key, member]) => peer(key, member)),
    }
  }

  /** Undefined: it is gone, or another one counts. */
  #counting(key: string): SharedMember | undefined {
    const member = this.#members.records.get(key)
    return member !== undefined && this.#contested.counts(key, member) ? member : undefined
  }

  #note(changes: readonly MirrorChange<SharedMember>[]): void {
    const others = changes.filter(({ key }) => this.#isOther(key))
    const rivals = this.#contested.note(changes)
    this.#options.noted?.(others)
    this.#concern([...others.map(({ key }) => key), ...[...rivals].filter((key) => this.#isOther(key))])
  }

  /** They are to be told anew. */
  #concern(keys: readonly string[]): void {
    if (keys.length === 0) return
    this.#states += 1
    if (this.#isWholeOut) for (const key of keys) this.#pending.add(key)
    this.#options.changed()
  }

  /** A driver would refuse all with one of them. */
  #read(text: string, key: string): SharedMember | undefined {
    const { underlayAddress: own } = this.#options
    const member = readMember(text)
    if (member === undefined || own === undefined || !this.#isOther(key)) return member
    return isTunnelPartner(own, member.tunnelAddress) ? member : undefined
  }

  #isOther(key: string): boolean {
    return !key.startsWith(`${this.#options.node}/`)
  }
}

const readMember = reader(SharedMember)

/** Of a key below `members/NETWORK/`. */
export function nodeOf(key: string): string {
  return key.slice(0, key.indexOf('/'))
}

/** As `nodeOf`. */
export function endpointOf(key: string): string {
  return key.slice(key.indexOf('/') + 1)
}

function peer(key: string, member: SharedMember): PeerEntry {
  return { endpointId: endpointOf(key), ...member }
}

function isEqual(a: PeerEntry | undefined, b: SharedMember): boolean {
  if (a === undefined) return false
  const { endpointId: _id, ...member } = a
  return JSON.stringify(member) === JSON.stringify(b)
}
