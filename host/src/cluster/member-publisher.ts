// What this node says of its endpoints to the other nodes. What it should say is here, in memory; what it does say is in
// the store. Each change is written as soon as the store takes it, many in one transaction; after any doubt the node's own
// entries are listed and compared, so that nothing is left behind and nothing is forgotten.
import { setTimeout as sleep } from 'node:timers/promises'
import { Backoff } from '../retry/backoff.ts'
import { keys } from './keys.ts'
import { holding } from './node-holdings.ts'
import type { SharedMember, UnpluggedAddresses } from './records.ts'
import type { Condition, SharedChange, SharedStore } from './shared-store.ts'

/** etcd takes 128 operations in one transaction, if nobody has configured it otherwise. */
const operationsAtOnce = 120
/** What `holding` puts with the first endpoint of a network. */
const operationsPerNetwork = 2

export type MemberPublisherOptions = {
  readonly store: SharedStore
  readonly node: string
  /** On which every write depends: the node is registered. */
  condition(): Condition | undefined
  /** The store does not take what is written because the condition does not hold. */
  refused(): void
  /** Each time the store could not be written. */
  failed?(reason: unknown): void
}

type Entry = { networkId: string; text: string | undefined }

export class MemberPublisher {
  readonly #options: MemberPublisherOptions
  /** All keys that should be there. */
  readonly #wanted = new Map<string, { networkId: string; text: string }>()
  /** What differs in the store, as far as it is known. */
  readonly #changes = new Map<string, Entry>()
  readonly #waiting = new Map<string, Set<() => void>>()
  readonly #backoff = new Backoff({ firstMs: 100, mostMs: 5_000 })
  #isInDoubt = true
  #wake: () => void = () => undefined

  constructor(options: MemberPublisherOptions) {
    this.#options = options
  }

  /** What is to be said of an endpoint from now on. Settles when the store has it; never rejects. */
  publish(networkId: string, endpointId: string, member: SharedMember): Promise<void> {
    return this.#change(keys.member(networkId, this.#options.node, endpointId), {
      networkId,
      text: JSON.stringify(member),
    })
  }

  /** Nothing is to be said of it any more. Settles when nobody can read it. */
  withdraw(networkId: string, endpointId: string): Promise<void> {
    return this.#change(keys.member(networkId, this.#options.node, endpointId), {
      networkId,
      text: undefined,
    })
  }

  /** How many addresses of each subnet endpoints hold that are not published. Settles when the store has it; never rejects. */
  publishUnplugged(networkId: string, addresses: UnpluggedAddresses['addresses']): Promise<void> {
    const { node } = this.#options
    const record: UnpluggedAddresses = { unpluggedOf: node, addresses }
    const text = Object.keys(addresses).length === 0 ? undefined : JSON.stringify(record)
    return this.#change(keys.unplugged(networkId, node), { networkId, text })
  }

  /** How many changes the store does not have yet. */
  get behind(): number {
    return this.#changes.size
  }

  /** Whether all that is wanted is in the store. */
  get isCurrent(): boolean {
    return !this.#isInDoubt && this.#changes.size === 0
  }

  /** The store may hold something else than was written: all of this node's is compared. */
  doubt(): void {
    this.#isInDoubt = true
    this.#wake()
  }

  /** Writes until the signal aborts. Called once. */
  async follow(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#wake(), { once: true })
    while (!signal.aborted) {
      try {
        await this.#writeAll(signal)
        if (this.isCurrent && !signal.aborted) await new Promise<void>((wake) => (this.#wake = wake))
      } catch (error) {
        if (signal.aborted) return
        this.#isInDoubt = true
        this.#options.failed?.(error)
        await sleep(this.#backoff.nextMs(), undefined, { signal }).catch(() => undefined)
      }
    }
  }

  #change(key: string, { networkId, text }: Entry): Promise<void> {
    if (text === undefined) this.#wanted.delete(key)
    else this.#wanted.set(key, { networkId, text })
    this.#changes.set(key, { networkId, text })
    this.#wake()
    return new Promise((resolve) => {
      const others = this.#waiting.get(key)
      if (others === undefined) this.#waiting.set(key, new Set([resolve]))
      else others.add(resolve)
    })
  }

  async #writeAll(signal: AbortSignal): Promise<void> {
    if (this.#isInDoubt) await this.#compare(signal)
    while (this.#changes.size > 0 && !signal.aborted) {
      const some = this.#nextChanges()
      await this.#write(some, signal)
      for (const [key, entry] of some) this.#written(key, entry)
    }
    this.#backoff.reset()
  }

  /** As many as one transaction takes, with what says that this node has something of their networks. */
  #nextChanges(): [string, Entry][] {
    const some: [string, Entry][] = []
    const networks = new Set<string>()
    for (const [key, entry] of this.#changes) {
      if (entry.text !== undefined) networks.add(entry.networkId)
      if (some.length + 1 + operationsPerNetwork * networks.size > operationsAtOnce) break
      some.push([key, entry])
    }
    return some
  }

  async #write(some: readonly [string, Entry][], signal: AbortSignal): Promise<void> {
    const { store, node, condition, refused } = this.#options
    const registered = condition()
    if (registered === undefined) throw new Error('the node is not registered yet')
    const networks = new Set(
      some.filter(([, { text }]) => text !== undefined).map(([, { networkId }]) => networkId),
    )
    const changes: SharedChange[] = some.map(([key, { text }]) =>
      text === undefined ? { delete: key } : { put: key, value: text },
    )
    const holds = [...networks].flatMap((networkId) => holding(networkId, node))
    const { committed } = await store.commit([registered], [...changes, ...holds], { signal })
    if (committed) return
    refused()
    throw new Error('the node is not registered any more')
  }

  #written(key: string, entry: Entry): void {
    // It may have changed again meanwhile.
    if (this.#changes.get(key)?.text !== entry.text) return
    this.#changes.delete(key)
    for (const resolve of this.#waiting.get(key) ?? []) resolve()
    this.#waiting.delete(key)
  }

  /** Everything of this node's in the store against everything that should be. */
  async #compare(signal: AbortSignal): Promise<void> {
    const { store, node } = this.#options
    const { entries } = await store.list(keys.heldBy(node), { signal })
    const held = entries.map(({ key }) => key.slice(keys.heldBy(node).length))
    const networks = new Set([...held, ...[...this.#wanted.values()].map(({ networkId }) => networkId)])
    for (const networkId of networks) {
      const members = await store.list(keys.membersOf(networkId, node), { signal })
      const unplugged = await store.get(keys.unplugged(networkId, node), { signal })
      const found = unplugged === undefined ? members.entries : [...members.entries, unplugged]
      for (const { key, value } of found) this.#compareOne(key, networkId, value)
      const there = new Set(found.map(({ key }) => key))
      for (const [key, wanted] of this.#wanted)
        if (wanted.networkId === networkId && !there.has(key)) this.#changes.set(key, wanted)
    }
    this.#isInDoubt = false
  }

  #compareOne(key: string, networkId: string, found: string): void {
    const text = this.#wanted.get(key)?.text
    if (text !== found) this.#changes.set(key, { networkId, text })
  }
}
