// Tells drivers which endpoints a network of the cluster has on other hosts: the whole when nobody knows what the driver
// holds, then what changes, one batch of a network at a time. Rules: docs/protocol-peers.md.
import { setTimeout as sleep } from 'node:timers/promises'
import { ConetError } from '@conet/sdk'
import type { PeersDifference } from '../cluster/network-peers.ts'
import type { NetworkRecord } from '../domain/network.ts'
import { Backoff } from '../retry/backoff.ts'
import type { ClusterAccess } from './cluster-access.ts'
import type { DriverAccess, DriverSession } from './driver-access.ts'
import { isDriverAway } from './driver-call.ts'
import type { HostContext } from './host-context.ts'
import { peerBatches } from './peer-batches.ts'

/** The part of the host that is needed. */
export type FedHost = {
  readonly inventory: { readonly networks: ReadonlyMap<string, Pick<NetworkRecord, 'id' | 'type'>> }
  readonly cluster?: { readonly networks: Pick<ClusterAccess['networks'], 'peersOf'> } | undefined
  readonly drivers: Pick<DriverAccess, 'require'>
  readonly log: Pick<HostContext['log'], 'error' | 'debug'>
  readonly made: { isMade(networkId: string): boolean }
  /** Why the driver does not take them; undefined: it does, or need not. */
  untold(networkId: string, reason: string | undefined): void
}

export class PeerFeeder implements Disposable {
  readonly #host: FedHost
  readonly #feeding = new Map<string, Promise<void>>()
  /** Something came meanwhile. */
  readonly #again = new Set<string>()
  /** How often each network was told to a driver anew: an answer of an earlier connection says nothing of this one. */
  readonly #rounds = new Map<string, number>()
  readonly #ending = new AbortController()

  constructor(host: FedHost) {
    this.#host = host
  }

  /** A driver has just been told of the network, and holds nothing of its directory. */
  begin(networkId: string): void {
    this.#rounds.set(networkId, this.#roundOf(networkId) + 1)
    this.#host.cluster?.networks.peersOf(networkId)?.forgotten()
    this.feed(networkId)
  }

  /** A driver can be called from now on: a sync that took longer than its calls wait has left them untold. */
  feedAll(driver: string): void {
    for (const { id, type } of this.#host.inventory.networks.values()) if (type === driver) this.feed(id)
  }

  /** There may be something new to tell. Returns at once. */
  feed(networkId: string): void {
    if (this.#ending.signal.aborted) return
    if (this.#feeding.has(networkId)) {
      this.#again.add(networkId)
      return
    }
    const feeding = this.#feed(networkId)
      .catch((err: unknown) => this.#host.log.error({ networkId, err }, 'a driver is not told of its peers'))
      .finally(() => {
        this.#feeding.delete(networkId)
        if (this.#again.delete(networkId)) this.feed(networkId)
      })
    this.#feeding.set(networkId, feeding)
  }

  [Symbol.dispose](): void {
    this.#ending.abort()
  }

  async #feed(networkId: string): Promise<void> {
    const backoff = new Backoff({ firstMs: 100, mostMs: 10_000 })
    const { signal } = this.#ending
    let gaps = 0
    while (!signal.aborted) {
      const next = this.#next(networkId)
      if (next === undefined) return this.#host.untold(networkId, undefined)
      const { type, peers, difference } = next
      const round = this.#roundOf(networkId)
      try {
        const session = await this.#host.drivers.require(type, { signal })
        if (!session.driver.capabilities.methods.includes('network/peers')) return
        await this.#tell(session, { networkId, difference })
        if (round === this.#roundOf(networkId)) peers.told(difference)
        backoff.reset()
        gaps = 0
      } catch (error) {
        if (signal.aborted) return
        const isAway = isDriverAway(error)
        // It is told the whole once it can be called again: what changes until then need not be kept.
        if (isAway || isHeldUnknown(error)) peers.forgotten()
        if (isAway) return
        this.#host.log.debug({ networkId, err: error }, 'a driver did not take its peers; told again')
        // Told the whole at once; who finds a gap in that too has lost his way.
        if (ConetError.is(error, 'peersGap') && ++gaps === 1) continue
        this.#host.untold(networkId, error instanceof Error ? error.message : String(error))
        await sleep(backoff.nextMs(), undefined, { signal }).catch(() => undefined)
      }
    }
  }

  /** Undefined: nothing is to be told, or nobody is to be told. */
  #next(networkId: string) {
    const { inventory, cluster, made } = this.#host
    const type = inventory.networks.get(networkId)?.type
    const peers = cluster?.networks.peersOf(networkId)
    if (type === undefined || peers === undefined || !made.isMade(networkId)) return undefined
    const difference = peers.next()
    return difference && { type, peers, difference }
  }

  async #tell(
    session: DriverSession,
    { networkId, difference }: { networkId: string; difference: PeersDifference },
  ): Promise<void> {
    const { maxMessageBytes } = session.driver.limits
    const operationId = `peers-${networkId.slice(0, 12)}-${difference.version}`
    for (const batch of peerBatches(difference, maxMessageBytes)) {
      await session.call(
        'network/peers',
        { networkId, ...batch },
        { operationId, signal: this.#ending.signal },
      )
    }
  }

  #roundOf(networkId: string): number {
    return this.#rounds.get(networkId) ?? 0
  }
}

/** PEER-5. */
function isHeldUnknown(error: unknown): boolean {
  if (!ConetError.is(error)) return true
  return error.kind === 'peersGap' || error.operationState !== 'not-started'
}
