// What the host knows: networks, containers, sandboxes, endpoints. Kept in memory with its indexes, written
// through to the stores. Decides nothing.
import type { ContainerRecord, SandboxRecord } from '../domain/container.ts'
import type { EndpointRecord } from '../domain/endpoint.ts'
import type { NetworkRecord } from '../domain/network.ts'
import type { Changes, Purpose } from '../store/index.ts'
import { EndpointIndex, type EndpointListener } from './endpoint-index.ts'
import { failpoint } from './failpoints.ts'
import { type InventoryStores, type InventoryTables, openTables } from './inventory-tables.ts'

/** One step's records, written together. */
export type Change = {
  putSandbox(record: SandboxRecord): void
  deleteSandbox(handle: string): void
  putEndpoint(record: EndpointRecord): void
  deleteEndpoint(id: string): void
  /** A configuration changed by plug or unplug: on tmpfs at once, on the disk soon after. */
  putContainer(record: ContainerRecord): void
  /** Where the next free address of a subnet is looked for. */
  putCursor(subnetKey: string, address: string): void
}

/** How long a configuration that plug or unplug changed may wait for the disk; many changes share one write. */
const flushDelayMs = 250
const flushRetryMs = 1000

export class Inventory implements Disposable {
  readonly networks = new Map<string, NetworkRecord>()
  readonly containers = new Map<string, ContainerRecord>()
  readonly sandboxes = new Map<string, SandboxRecord>()
  readonly cursors = new Map<string, string>()
  readonly #endpoints = new EndpointIndex()
  readonly #stores: InventoryStores
  readonly #onFlushError: (error: unknown) => void
  readonly #tables: InventoryTables
  readonly #unflushed = new Set<string>()
  #flushTimer: NodeJS.Timeout | undefined
  #nextOrder = 1
  #changes = 0

  /** `onFlushError` hears of changes that cannot reach the disk now; they are tried again. */
  constructor(stores: InventoryStores, onFlushError: (error: unknown) => void) {
    this.#stores = stores
    this.#onFlushError = onFlushError
    this.#tables = openTables(stores)
    this.#load()
  }

  get endpoints(): ReadonlyMap<string, EndpointRecord> {
    return this.#endpoints.byId
  }

  /** How often records of networks, endpoints or sandboxes have changed: nothing has while it stays the same. */
  get changes(): number {
    return this.#changes
  }

  /** One more than the newest endpoint's. */
  nextOrder(): number {
    return this.#nextOrder++
  }

  endpointsOfNetwork(networkId: string): EndpointRecord[] {
    return this.#endpoints.ofNetwork(networkId)
  }

  /**
   * Another number after each change of the network's endpoints, of their containers or of their sandboxes: what a driver
   * is told of them is the same while it stays the same.
   */
  revisionOf(networkId: string): number {
    return this.#endpoints.revisionOf(networkId)
  }

  /** Called after each change of an endpoint's record, from now on. It must not throw. */
  onEndpoint(listener: EndpointListener): void {
    this.#endpoints.listen(listener)
  }

  /** Whether any endpoint of the network is on record. */
  isUsed(networkId: string): boolean {
    return this.#endpoints.hasOfNetwork(networkId)
  }

  /** In the order in which they were made. */
  endpointsOfContainer(handle: string): EndpointRecord[] {
    return this.#endpoints.ofContainer(handle)
  }

  /** Those of one container in one network. */
  endpointsBetween(sides: { handle: string; networkId: string }): EndpointRecord[] {
    return this.#endpoints.between(sides)
  }

  putNetwork(record: NetworkRecord): void {
    const purpose = record.state === 'deleting' ? 'removal' : 'change'
    this.#stores.durable.transaction(
      (changes) => this.#tables.networks.put(changes, record.id, record),
      purpose,
    )
    this.networks.set(record.id, record)
    this.#changes += 1
  }

  deleteNetwork(id: string): void {
    this.#stores.durable.transaction((changes) => this.#tables.networks.delete(changes, id), 'removal')
    this.networks.delete(id)
    this.#endpoints.forgetNetwork(id)
    this.#changes += 1
    const keys = [...this.cursors.keys()].filter((key) => key.startsWith(`${id}/`))
    if (keys.length === 0) return
    this.#stores.volatile.transaction((changes) => {
      for (const key of keys) this.#tables.cursors.delete(changes, key)
    }, 'removal')
    for (const key of keys) this.cursors.delete(key)
  }

  /** A configuration given by a client as a whole: on the disk when this returns. */
  putConfiguration(record: ContainerRecord, purpose: Purpose = 'change'): void {
    const { handle } = record
    this.#stores.durable.transaction(
      (changes) => this.#tables.containers.put(changes, handle, record),
      purpose,
    )
    this.#dropOverlay(record.handle)
    this.#keepContainer(record)
  }

  deleteContainer(handle: string): void {
    this.#stores.durable.transaction((changes) => this.#tables.containers.delete(changes, handle), 'removal')
    this.#dropOverlay(handle)
    this.containers.delete(handle)
    this.#endpoints.containerChanged(handle)
  }

  /** Writes what `work` says in one transaction of the volatile store. A removal goes through on a full disk too. */
  commit(work: (change: Change) => void, purpose: Purpose = 'change'): void {
    let applied: (() => void)[] = []
    this.#stores.volatile.transaction((changes) => {
      applied = []
      work(this.#change(changes, applied))
    }, purpose)
    for (const apply of applied) apply()
    this.#changes += 1
  }

  /** Writes what waits for the disk now. */
  flush(): void {
    clearTimeout(this.#flushTimer)
    this.#flushTimer = undefined
    if (this.#unflushed.size === 0) return
    const handles = [...this.#unflushed]
    failpoint('host:flush:before')
    this.#stores.durable.transaction((changes) => {
      for (const handle of handles) this.#writeDurably(changes, handle)
    })
    failpoint('host:flush:written')
    this.#unflushed.clear()
    this.#stores.volatile.transaction((changes) => {
      for (const handle of handles) this.#tables.overlay.delete(changes, handle)
    })
  }

  [Symbol.dispose](): void {
    this.flush()
  }

  #change(changes: Changes, applied: (() => void)[]): Change {
    const tables = this.#tables
    return {
      putSandbox: (record) => {
        tables.sandboxes.put(changes, record.handle, record)
        applied.push(() => {
          this.sandboxes.set(record.handle, record)
          this.#endpoints.containerChanged(record.handle)
        })
      },
      deleteSandbox: (handle) => {
        tables.sandboxes.delete(changes, handle)
        applied.push(() => {
          this.sandboxes.delete(handle)
          this.#endpoints.containerChanged(handle)
        })
      },
      putEndpoint: (record) => {
        tables.endpoints.put(changes, record.id, record)
        applied.push(() => this.#index(record))
      },
      deleteEndpoint: (id) => {
        tables.endpoints.delete(changes, id)
        applied.push(() => this.#endpoints.delete(id))
      },
      putContainer: (record) => {
        tables.overlay.put(changes, record.handle, record)
        applied.push(() => this.#flushSoon(record))
      },
      putCursor: (subnetKey, address) => {
        tables.cursors.put(changes, subnetKey, address)
        applied.push(() => this.cursors.set(subnetKey, address))
      },
    }
  }

  #keepContainer(record: ContainerRecord): void {
    this.containers.set(record.handle, record)
    this.#endpoints.containerChanged(record.handle)
  }

  #flushSoon(record: ContainerRecord): void {
    this.#keepContainer(record)
    this.#unflushed.add(record.handle)
    this.#flushTimer ??= setTimeout(() => this.#tryFlush(), flushDelayMs)
  }

  /** On a full disk the changes wait on tmpfs, where a restart finds them too. */
  #tryFlush(): void {
    try {
      this.flush()
    } catch (error) {
      this.#onFlushError(error)
      this.#flushTimer = setTimeout(() => this.#tryFlush(), flushRetryMs)
    }
  }

  #writeDurably(changes: Changes, handle: string): void {
    const record = this.containers.get(handle)
    if (record !== undefined) this.#tables.containers.put(changes, handle, record)
  }

  #dropOverlay(handle: string): void {
    this.#unflushed.delete(handle)
    if (!this.#tables.overlay.has(handle)) return
    this.#stores.volatile.transaction((changes) => this.#tables.overlay.delete(changes, handle), 'removal')
  }

  #index(record: EndpointRecord): void {
    this.#endpoints.put(record)
    this.#nextOrder = Math.max(this.#nextOrder, record.order + 1)
  }

  #load(): void {
    const { networks, containers, overlay, sandboxes, endpoints, cursors } = this.#tables
    for (const { record } of networks.list()) this.networks.set(record.id, record)
    for (const { record } of containers.list()) this.containers.set(record.handle, record)
    for (const { record } of overlay.list()) this.#flushSoon(record)
    for (const { record } of sandboxes.list()) this.sandboxes.set(record.handle, record)
    const inOrder = endpoints.list().sort((a, b) => a.record.order - b.record.order)
    for (const { record } of inOrder) this.#index(record)
    for (const { key, record } of cursors.list()) this.cursors.set(key, record)
  }
}
