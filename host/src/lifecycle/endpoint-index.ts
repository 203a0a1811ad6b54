// Endpoints by their ids, by network and by container.
import type { EndpointRecord } from '../domain/endpoint.ts'

/** Hears of one endpoint's record: as it was, if it was there, and as it is, if it still is. */
export type EndpointListener = (before: EndpointRecord | undefined, after: EndpointRecord | undefined) => void

export class EndpointIndex {
  readonly byId = new Map<string, EndpointRecord>()
  readonly #byNetwork = new Map<string, Set<string>>()
  readonly #byContainer = new Map<string, Set<string>>()
  readonly #listeners: EndpointListener[] = []
  readonly #revisions = new Map<string, number>()
  #changes = 0

  /** Calls the listener after each change from now on. */
  listen(listener: EndpointListener): void {
    this.#listeners.push(listener)
  }

  put(record: EndpointRecord): void {
    const before = this.byId.get(record.id)
    this.byId.set(record.id, record)
    addTo(this.#byNetwork, record.networkId, record.id)
    addTo(this.#byContainer, record.handle, record.id)
    this.#revise(record.networkId)
    for (const listener of this.#listeners) listener(before, record)
  }

  delete(id: string): void {
    const record = this.byId.get(id)
    if (record === undefined) return
    this.byId.delete(id)
    removeFrom(this.#byNetwork, record.networkId, id)
    removeFrom(this.#byContainer, record.handle, id)
    this.#revise(record.networkId)
    for (const listener of this.#listeners) listener(record, undefined)
  }

  /** Another number after each change of what its endpoints are and where; 0 for a network that never had one. */
  revisionOf(networkId: string): number {
    return this.#revisions.get(networkId) ?? 0
  }

  /** Something of the container has changed that counts for its endpoints. */
  containerChanged(handle: string): void {
    for (const id of this.#byContainer.get(handle) ?? []) {
      const record = this.byId.get(id)
      if (record !== undefined) this.#revise(record.networkId)
    }
  }

  /** The network is gone. */
  forgetNetwork(networkId: string): void {
    this.#revisions.delete(networkId)
  }

  hasOfNetwork(networkId: string): boolean {
    return this.#byNetwork.has(networkId)
  }

  ofNetwork(networkId: string): EndpointRecord[] {
    return this.#recordsOf(this.#byNetwork.get(networkId))
  }

  /** In the order in which they were made. */
  ofContainer(handle: string): EndpointRecord[] {
    return this.#recordsOf(this.#byContainer.get(handle))
  }

  /** Those of one container in one network. Looks through the smaller side, since the other may be thousands. */
  between({ handle, networkId }: { handle: string; networkId: string }): EndpointRecord[] {
    const inContainer = this.#byContainer.get(handle)
    const inNetwork = this.#byNetwork.get(networkId)
    if (inContainer === undefined || inNetwork === undefined) return []
    const isContainerSmaller = inContainer.size <= inNetwork.size
    const [few, many] = isContainerSmaller ? [inContainer, inNetwork] : [inNetwork, inContainer]
    const ids: string[] = []
    for (const id of few) if (many.has(id)) ids.push(id)
    return this.#recordsOf(ids)
  }

  #revise(networkId: string): void {
    this.#changes += 1
    this.#revisions.set(networkId, this.#changes)
  }

  #recordsOf(ids: Iterable<string> | undefined): EndpointRecord[] {
    const found: EndpointRecord[] = []
    for (const id of ids ?? []) {
      const endpoint = this.byId.get(id)
      if (endpoint !== undefined) found.push(endpoint)
    }
    return found
  }
}

function addTo(index: Map<string, Set<string>>, key: string, id: string): void {
  const ids = index.get(key)
  if (ids === undefined) index.set(key, new Set([id]))
  else ids.add(id)
}

function removeFrom(index: Map<string, Set<string>>, key: string, id: string): void {
  const ids = index.get(key)
  ids?.delete(id)
  if (ids?.size === 0) index.delete(key)
}
