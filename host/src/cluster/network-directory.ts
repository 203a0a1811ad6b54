// The networks of the cluster as the store has them. That one is gone is believed once the store is known to be whole.
import type { Logger } from 'pino'
import type { ClusterListener } from './cluster-listener.ts'
import { keys } from './keys.ts'
import { Mirror, type MirrorChange } from './mirror.ts'
import type { Trouble } from './node-presence.ts'
import { reader, SharedNetwork } from './records.ts'
import type { SharedStore } from './shared-store.ts'
import { unattended } from './unattended.ts'

export type NetworkDirectoryOptions = {
  readonly store: SharedStore
  /** Rejects when the node stops. */
  assureWhole(): Promise<void>
  /** The store was away, or is: it is looked at before it is believed. */
  lost(): void
  /** Whether the store can be read, maybe. */
  changed(): void
  /** Undefined before the node has started. */
  listener(): Pick<ClusterListener, 'networkSeen' | 'networkGone' | 'networksKnown'> | undefined
  /** Ends all of it. */
  readonly signal: AbortSignal
  readonly log: Pick<Logger, 'error'>
}

export class NetworkDirectory {
  readonly #options: NetworkDirectoryOptions
  readonly #mirror: Mirror<SharedNetwork>
  #trouble: Trouble | undefined

  constructor(options: NetworkDirectoryOptions) {
    this.#options = options
    this.#mirror = new Mirror({
      store: options.store,
      prefix: keys.networks,
      parse: reader(SharedNetwork),
      changed: (changes) => this.#changed(changes),
      listed: () => {
        this.#tell(undefined)
        this.#whenWhole(() => options.listener()?.networksKnown(new Set(this.#mirror.records.keys())))
      },
      lost: (error, { followed }) => {
        options.lost()
        if (!followed) this.#tell({ since: this.#trouble?.since ?? new Date(), error })
      },
    })
  }

  /** Until the signal aborts. Called once. */
  follow(): Promise<void> {
    return this.#mirror.follow(this.#options.signal)
  }

  /** Whether the store was there when it was last asked. */
  get isCurrent(): boolean {
    return this.#mirror.isCurrent
  }

  /** Whether the store has ever been there. */
  get wasRead(): boolean {
    return this.#mirror.revision > 0
  }

  /** Why the store cannot be read now. */
  get trouble(): Trouble | undefined {
    return this.#trouble
  }

  /** Nothing of it is here any more: it may have gone while it was. Asked of the store where the list has not heard of it. */
  tellIfGone(id: string): void {
    if (!this.#mirror.isCurrent || this.#mirror.records.has(id)) return
    this.#whenWhole(async () => {
      const { store, listener } = this.#options
      if ((await store.get(keys.network(id))) === undefined) listener()?.networkGone(id)
    })
  }

  #tell(trouble: Trouble | undefined): void {
    this.#trouble = trouble
    this.#options.changed()
  }

  #changed(changes: readonly MirrorChange<SharedNetwork>[]): void {
    const { listener } = this.#options
    for (const { key, after } of changes)
      if (after !== undefined) listener()?.networkSeen(after)
      else
        this.#whenWhole(() => {
          if (!this.#mirror.records.has(key)) listener()?.networkGone(key)
        })
  }

  /** What a store does not hold says nothing before it is known that it has lost nothing. */
  #whenWhole(then: () => void | Promise<void>): void {
    const tell = async () => {
      await this.#options.assureWhole()
      await then()
    }
    // A store that is away is listed when it is back.
    unattended('a network that is gone stays on record', tell, this.#options)
  }
}
