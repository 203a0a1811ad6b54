// What the store says that this node holds of networks, which it may use no more: from an earlier run, or in an older copy.
import type { Logger } from 'pino'
import type { ClusterListener } from './cluster-listener.ts'
import { keys } from './keys.ts'
import type { SharedStore } from './shared-store.ts'

export type HeldNetworksOptions = {
  readonly store: Pick<SharedStore, 'list'>
  readonly node: string
  readonly log: Pick<Logger, 'debug'>
  readonly signal: AbortSignal
  /** Undefined before the node has started. */
  listener(): Pick<ClusterListener, 'networksHeld'> | undefined
}

export class HeldNetworks {
  readonly #options: HeldNetworksOptions

  constructor(options: HeldNetworksOptions) {
    this.#options = options
  }

  /** Never rejects. May be repeated. */
  async tell(): Promise<void> {
    const { store, node, log, signal, listener } = this.#options
    try {
      const prefix = keys.heldBy(node)
      const { entries } = await store.list(prefix, { signal })
      listener()?.networksHeld(entries.map(({ key }) => key.slice(prefix.length)))
    } catch (err) {
      // The next registration asks again.
      log.debug({ err }, 'cluster: what this node holds is not known yet')
    }
  }
}
