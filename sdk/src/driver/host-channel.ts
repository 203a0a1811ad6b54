// From a driver to the hosts that are connected: events, logs, readiness. Nothing here waits or fails: what cannot
// be sent is dropped, since a host that comes back is told what counts by `driver/sync`.
import { ConetError } from '../errors/index.ts'
import type { JsonRpcPeer } from '../jsonrpc/index.ts'
import {
  checkNotification,
  type DriverEvent,
  type DriverLog,
  type NotificationMethod,
  type NotificationParams,
  type Readiness,
} from '../protocol/index.ts'
import type { HostHandle } from './driver.ts'

export type HostChannelOptions = {
  /** Gets a notice of the author's that breaks the protocol, and is not sent. */
  onBadNotice(error: unknown): void
}

export class HostChannel implements HostHandle {
  readonly #peers = new Set<JsonRpcPeer>()
  readonly #options: HostChannelOptions
  #readiness: Readiness = { ready: true }

  constructor(options: HostChannelOptions) {
    this.#options = options
  }

  /** A host is connected and has accepted the driver. Does nothing if it is in already. */
  join(peer: JsonRpcPeer): void {
    if (this.#peers.has(peer)) return
    this.#peers.add(peer)
    peer.onClose(() => this.#peers.delete(peer))
    if (!this.#readiness.ready) send(peer, 'driver/readiness', this.#readiness)
  }

  event(event: DriverEvent): void {
    this.#broadcast('driver/event', event)
  }

  log(line: DriverLog): void {
    this.#broadcast('driver/log', line)
  }

  readiness(ready: boolean, reason?: string): void {
    this.#readiness = { ready, ...(reason !== undefined && { reason }) }
    this.#broadcast('driver/readiness', this.#readiness)
  }

  #broadcast<M extends NotificationMethod>(method: M, params: NotificationParams<M> & object): void {
    try {
      checkNotification(method, params)
    } catch (error) {
      this.#options.onBadNotice(error)
      return
    }
    for (const peer of this.#peers) send(peer, method, params)
  }
}

function send(peer: JsonRpcPeer, method: string, params: object): void {
  try {
    peer.notify(method, { ...params })
  } catch (error) {
    // The connection has just ended, or the host reads too slowly: see above.
    if (!ConetError.is(error)) throw error
  }
}
