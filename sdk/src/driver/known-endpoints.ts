// What this process knows of the endpoints: one entry for each, for all who want to know, since a sync asks for each of
// thousands.
import type { DesiredEndpoint, EndpointRef, Sandbox } from '../protocol/index.ts'
import type { EndpointContent } from './told-content.ts'

/** What the host has said last of an endpoint that was made so. */
export type ToldEndpoint = {
  /** What a sync has said of it; the same object when the next one says the same. */
  readonly said?: DesiredEndpoint
  readonly content: EndpointContent
  readonly addresses: readonly string[]
  /** Where it is plugged. */
  sandboxPath: string | undefined
}

export class KnownEndpoint {
  readonly endpointId: string
  networkId: string
  /** Created in this life, and not deleted since. */
  isCreated = false
  /** Into which it is plugged, if it was plugged in this life. */
  sandbox: Sandbox | undefined
  /** The sandbox in which a sync wanted it, whether or not it could be plugged there. */
  wantedIn: string | undefined
  /** Undefined: whatever comes next counts. */
  told: ToldEndpoint | undefined
  /** When the host has named it last: `KnownEndpoints.now`. */
  namedAt = 0
  /** It is not this entry any more that stands for the endpoint. */
  isForgotten = false
  /** Which one was named after it: most likely the next time, too. */
  next: KnownEndpoint | undefined

  constructor({ networkId, endpointId }: EndpointRef) {
    this.networkId = networkId
    this.endpointId = endpointId
  }
}

export class KnownEndpoints {
  readonly #byId = new Map<string, KnownEndpoint>()
  #named: KnownEndpoint | undefined
  /** Goes forward with each sync that begins. */
  now = 0

  find(endpointId: string): KnownEndpoint | undefined {
    return this.#byId.get(endpointId)
  }

  /** The entry, made if there is none. */
  of(ref: EndpointRef): KnownEndpoint {
    const known = this.#byId.get(ref.endpointId)
    if (known !== undefined) return known
    const made = new KnownEndpoint(ref)
    this.#byId.set(ref.endpointId, made)
    return made
  }

  /** The host speaks of it. */
  name(ref: EndpointRef): KnownEndpoint {
    const before = this.#named
    const next = before?.next
    // A map of thousands is in no cache.
    const isNext = next !== undefined && next.endpointId === ref.endpointId && !next.isForgotten
    const known = isNext ? next : this.of(ref)
    if (before !== undefined && !isNext) before.next = known
    known.namedAt = this.now
    this.#named = known
    return known
  }

  forget(endpointId: string): void {
    const known = this.#byId.get(endpointId)
    if (known === undefined) return
    known.isForgotten = true
    known.next = undefined
    this.#byId.delete(endpointId)
  }

  all(): IterableIterator<KnownEndpoint> {
    return this.#byId.values()
  }

  /** Those of them that the host has not named from then on. */
  created(notSince = Number.POSITIVE_INFINITY): EndpointRef[] {
    const refs: EndpointRef[] = []
    for (const { networkId, endpointId, isCreated, namedAt } of this.#byId.values())
      if (isCreated && namedAt < notSince) refs.push({ networkId, endpointId })
    return refs
  }
}
