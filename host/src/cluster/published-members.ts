// Which endpoints of this node the others can read of, and which not yet.
import { addAbortListener } from 'node:events'
import type { MemberPublisher } from './member-publisher.ts'
import type { SharedMember, UnpluggedAddresses } from './records.ts'

export type Member = Omit<SharedMember, 'tunnelAddress'> & {
  readonly networkId: string
  readonly endpointId: string
}

export class PublishedMembers {
  readonly #publisher: MemberPublisher
  readonly #tunnelAddress: string
  readonly #published = new Set<string>()
  /** Changes that the store does not have yet, by network. */
  readonly #pending = new Map<string, Set<Promise<void>>>()
  readonly #waiting = new Map<string, Promise<void>>()

  constructor(publisher: MemberPublisher, tunnelAddress: string) {
    this.#publisher = publisher
    this.#tunnelAddress = tunnelAddress
  }

  /** From now on the others are to know this of an endpoint. May be repeated. */
  publish({ networkId, endpointId, ...member }: Member): void {
    this.#published.delete(endpointId)
    const tunnelAddress = this.#tunnelAddress
    const change = this.#publisher.publish(networkId, endpointId, { ...member, tunnelAddress })
    const written = this.#track(networkId, change).then(() => {
      if (this.#waiting.get(endpointId) !== written) return
      this.#waiting.delete(endpointId)
      this.#published.add(endpointId)
    })
    this.#waiting.set(endpointId, written)
  }

  /** From now on the others are to know nothing of it. May be repeated. */
  withdraw({ networkId, endpointId }: Pick<Member, 'networkId' | 'endpointId'>): void {
    this.#published.delete(endpointId)
    this.#waiting.delete(endpointId)
    void this.#track(networkId, this.#publisher.withdraw(networkId, endpointId))
  }

  /** From now on the others are to know that endpoints which they do not know hold so many addresses, by subnet. */
  publishUnplugged(networkId: string, addresses: UnpluggedAddresses['addresses']): void {
    void this.#track(networkId, this.#publisher.publishUnplugged(networkId, addresses))
  }

  isPublished(endpointId: string): boolean {
    return this.#published.has(endpointId)
  }

  /** Waits so long at most until the others can read of the endpoint. */
  async published(endpointId: string, timeoutMs: number): Promise<void> {
    const written = this.#waiting.get(endpointId)
    if (written === undefined) return
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs)
    })
    await Promise.race([written, patience])
    clearTimeout(timer)
  }

  /** Settles when the store has all that was said of the network; rejects when the signal aborts first. */
  async settled(networkId: string, signal: AbortSignal): Promise<void> {
    const pending = Promise.all(this.#pending.get(networkId) ?? [])
    await new Promise<void>((resolve, reject) => {
      const listener = addAbortListener(signal, () => reject(signal.reason))
      void pending.then(() => {
        listener[Symbol.dispose]()
        resolve()
      })
    })
  }

  async #track(networkId: string, change: Promise<void>): Promise<void> {
    const pending = this.#pending.get(networkId) ?? new Set()
    this.#pending.set(networkId, pending)
    pending.add(change)
    await change
    pending.delete(change)
    if (pending.size === 0) this.#pending.delete(networkId)
  }
}
