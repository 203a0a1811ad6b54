// What is done to what this node has of a network: one after the other, only while the node is registered, and what may be
// others' only from a store that is whole.
import { KeyedQueue } from '@conet/sdk'
import type { ClaimGateAccess } from './claim-gate.ts'
import type { CallLimits, Condition } from './shared-store.ts'

export type NetworkTurnsOptions = {
  /** The network's name. */
  readonly network: string
  readonly gate: ClaimGateAccess
  /** What every write depends on; throws while the node is not registered. `what` begins the message. */
  registered(what: string, limits: CallLimits): Promise<Condition>
}

export class NetworkTurns {
  readonly #options: NetworkTurnsOptions
  readonly #queue = new KeyedQueue()
  /** Who waits until the store is whole. */
  #waiting = 0

  constructor(options: NetworkTurnsOptions) {
    this.#options = options
  }

  /** Something is being done, or waits for it. */
  get isBusy(): boolean {
    return this.#queue.size + this.#waiting > 0
  }

  /** Runs it after all else. */
  readonly run = <T>(work: () => Promise<T>): Promise<T> => this.#queue.run('', work)

  /** What every write depends on; throws while the node is not registered. `what` begins the message. */
  readonly registered = (
    limits: CallLimits,
    what = `take addresses of network ${this.#options.network}`,
  ): Promise<Condition> => this.#options.registered(what, limits)

  /** Outside of the turn: a store that is being put back needs it. */
  readonly gate: ClaimGateAccess = {
    run: async (what, work, limits) => {
      this.#waiting++
      try {
        return await this.#options.gate.run(what, work, limits)
      } finally {
        this.#waiting--
      }
    },
  }

  /** Resolves when nothing is being done. */
  idle(): Promise<void> {
    return this.#queue.idle()
  }
}
