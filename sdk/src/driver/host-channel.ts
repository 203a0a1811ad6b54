// From a driver to the hosts that are connected: events, logs, readiness; and what they said of themselves. Nothing
// here waits or fails: what cannot be sent is dropped, since a host that comes back is told what counts by
// `driver/sync`.
import { ConetError } from '../errors/index.ts'
import type { JsonRpcPeer } from '../jsonrpc/index.ts'
import {
  checkNotification,
  type DriverEvent,
  type DriverLog,
  type InitializeParams,
  type NotificationMethod,
  type NotificationParams,
  type Readiness,
  type Role,
  type Timeouts,
} from '../protocol/index.ts'
import type { HostHandle, HostIdentity } from './driver.ts'

/** Of the schema. */
const maxReasonLength = 4096

export type HostChannelOptions = {
  /** Gets a notice of the author's that breaks the protocol, and is not sent. */
  onBadNotice(error: unknown): void
}

export class HostChannel implements HostHandle {
  readonly #peers = new Set<JsonRpcPeer>()
  readonly #options: HostChannelOptions
  #readiness: Readiness = { ready: true }
  identity: HostIdentity | undefined
  timeouts: Timeouts | undefined
  role: Role = 'active'

  constructor(options: HostChannelOptions) {
    this.#options = options
  }

  /** A host has introduced itself. */
  meet({ host, nodeId, underlayAddress, timeouts }: InitializeParams): void {
    this.identity = { ...host, nodeId, ...(underlayAddress !== undefined && { underlayAddress }) }
    this.timeouts = timeouts
  }

  /** A host is connected and has accepted the driver. Does nothing if it is in already. */
  join(peer: JsonRpcPeer): void {
    if (this.#peers.has(peer)) return
    this.#peers.add(peer)
    peer.onClose(() => this.#peers.delete(peer))
    if (!this.#readiness.ready) notifyIfPossible(peer, 'driver/readiness', this.#readiness)
  }

  event(event: DriverEvent): void {
    this.#broadcast('driver/event', event)
  }

  log(line: DriverLog): void {
    this.#broadcast('driver/log', line)
  }

  readiness(ready: boolean, reason?: string): void {
    this.#readiness = { ready, ...(reason !== undefined && { reason: reason.slice(0, maxReasonLength) }) }
    this.#broadcast('driver/readiness', this.#readiness)
  }

  #broadcast<M extends NotificationMethod>(method: M, params: NotificationParams<M> & object): void {
    try {
      checkNotification(method, params)
    } catch (error) {
      this.#options.onBadNotice(error)
      return
    }
    for (const peer of this.#peers) notifyIfPossible(peer, method, params)
  }
}

/** Drops the message when the connection has just ended, or the host reads too slowly. */
export function notifyIfPossible(peer: JsonRpcPeer, method: NotificationMethod, params: object): void {
  try {
    peer.notify(method, { ...params })
  } catch (error) {
    if (!ConetError.is(error)) throw error
  }
}
