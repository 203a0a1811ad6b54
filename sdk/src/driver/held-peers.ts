// Which version of each network's directory the driver holds, so that no change is missed: a batch that builds on
// another version is refused, and the host then sends the whole. The peers themselves are the author's. docs/protocol-peers.md
import { ConetError } from '../errors/index.ts'
import type { PeersParams, PeersResult } from '../protocol/index.ts'
import type { Call, Driver, PeersBatch } from './driver.ts'

type Held = { readonly version: string; readonly isInSnapshot: boolean }

export class HeldPeers {
  readonly #driver: Driver
  readonly #held = new Map<string, Held>()

  constructor(driver: Driver) {
    this.#driver = driver
  }

  /** Throws `peersGap` for a batch that builds on what is not held. One that was applied already does nothing. */
  async apply(params: PeersParams, call: Call): Promise<PeersResult> {
    const { networkId, base, version, more } = params
    const held = this.#held.get(networkId)
    if (base !== null && held?.version === version) return { version }
    if (base !== null && held?.version !== base) throw gap(params, held)
    const isInSnapshot = base === null || held?.isInSnapshot === true
    await this.#hand(params, { isInSnapshot, isBegin: base === null }, call)
    this.#held.set(networkId, { version, isInSnapshot: isInSnapshot && more })
    return { version }
  }

  /** Nothing is held of the network: it is gone, or another instance may have changed it. */
  forget(networkId: string): void {
    this.#held.delete(networkId)
  }

  /** A sync has named all networks. */
  keepOnly(networks: ReadonlySet<string>): void {
    for (const networkId of this.#held.keys()) if (!networks.has(networkId)) this.forget(networkId)
  }

  async #hand(
    { networkId, remove, set, more }: PeersParams,
    { isInSnapshot, isBegin }: { isInSnapshot: boolean; isBegin: boolean },
    call: Call,
  ): Promise<void> {
    const driver = this.#driver
    if (driver.peers === undefined) throw new ConetError('unsupported', `driver "${driver.name}": no peers`)
    const batch: PeersBatch = {
      networkId,
      remove,
      set,
      beginsSnapshot: isBegin,
      endsSnapshot: isInSnapshot && !more,
    }
    try {
      await driver.peers(batch, call)
    } catch (error) {
      if (!ConetError.is(error) || error.operationState !== 'not-started') this.forget(networkId)
      throw error
    }
  }
}

function gap({ networkId, base, version }: PeersParams, held: Held | undefined): ConetError {
  const found = held === undefined ? 'none' : `"${held.version}"`
  return new ConetError(
    'peersGap',
    `peers of network ${networkId}: "${version}" builds on "${base}", and this driver holds ${found}`,
    { details: { held: held?.version ?? null }, help: 'Send a snapshot: a batch with base null.' },
  )
}
