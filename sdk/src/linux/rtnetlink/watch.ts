// Changes of links, addresses and routes as they happen.
import { addAbortListener } from 'node:events'
import type { NamespaceHandle } from '../namespace-handle.ts'
import { EventSocket } from '../netlink/event-socket.ts'
import { messagesIn, type NetlinkMessage } from '../netlink/message.ts'
import { type Address, parseAddress } from './address.ts'
import { RTM } from './constants.ts'
import { type Link, parseLink } from './link.ts'
import { parseRoute, type Route } from './route.ts'

/** RTNLGRP_…, IPv4 and IPv6. */
const groups = { link: [1], address: [5, 9], route: [7, 11] } as const

const removals: ReadonlySet<number> = new Set([RTM.DELLINK, RTM.DELADDR, RTM.DELROUTE])
const MAX_WAITING_EVENTS = 4096

/** What can be watched. */
export type WatchedObject = keyof typeof groups

/** `present`: new or changed; the kernel does not say which. */
type Change = 'present' | 'gone'

/** What has changed. An object comes as it is after the change, or as it was before it went. */
export type RouteEvent =
  | { object: 'link'; change: Change; link: Link }
  | { object: 'address'; change: Change; address: Address }
  | { object: 'route'; change: Change; route: Route }
  /** Events were lost. Read the tables again; what changes from now on is reported. */
  | { object: 'overflow' }

/** What to watch, and where. */
export type WatchOptions = {
  objects: readonly WatchedObject[]
  /** Of the calling thread otherwise. May be closed afterwards. */
  namespace?: NamespaceHandle
  /** Ends the watch. */
  signal?: AbortSignal
  /** Of the kernel's queue, before it overflows. Default: 4 MiB, some thousand events. */
  receiveBufferBytes?: number
}

/**
 * An endless sequence for one `for await`; it begins with the call of the constructor, so watch first and read the tables
 * then. Ends with `close`, the signal, or `break`. Throws out of the loop only when it cannot listen any more. On the
 * main thread only; does not keep the process alive.
 */
export class RouteWatch implements AsyncIterableIterator<RouteEvent, undefined>, Disposable {
  readonly #options: WatchOptions
  readonly #abortListener: Disposable | undefined
  #events: RouteEvent[] = []
  #socket: EventSocket | undefined
  #failure: { error: unknown } | undefined
  #wake: (() => void) | undefined

  constructor(options: WatchOptions) {
    this.#options = options
    options.signal?.throwIfAborted()
    this.#socket = this.#open()
    this.#abortListener = options.signal && addAbortListener(options.signal, () => this.close())
  }

  async next(): Promise<IteratorResult<RouteEvent, undefined>> {
    while (this.#events.length === 0 && this.#socket !== undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    if (this.#failure !== undefined) throw this.#failure.error
    const event = this.#socket && this.#events.shift()
    return event === undefined ? { done: true, value: undefined } : { done: false, value: event }
  }

  async return(): Promise<IteratorResult<RouteEvent, undefined>> {
    this.close()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** May be repeated. Events not yet read are dropped. */
  close(): void {
    this.#socket?.close()
    this.#socket = undefined
    this.#abortListener?.[Symbol.dispose]()
    this.#notify()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #open(): EventSocket {
    const { objects, namespace, receiveBufferBytes } = this.#options
    const open = () =>
      new EventSocket({
        groups: objects.flatMap((object) => groups[object]),
        receiveBufferBytes,
        onDatagram: (datagram) => this.#read(datagram),
        onLoss: () => this.#overflow(),
        onFailure: (error) => this.#fail(error),
      })
    return namespace === undefined ? open() : namespace.run(open)
  }

  #fail(error: unknown): void {
    this.#failure = { error }
    this.close()
  }

  #read(datagram: Buffer): void {
    for (const message of messagesIn(datagram)) {
      const event = parseEvent(message)
      if (event === undefined) continue
      if (this.#events.length >= MAX_WAITING_EVENTS) this.#overflow()
      else this.#events.push(event)
    }
    this.#notify()
  }

  /** What waits is out of date as well. */
  #overflow(): void {
    this.#events = [{ object: 'overflow' }]
    this.#notify()
  }

  #notify(): void {
    this.#wake?.()
    this.#wake = undefined
  }
}

function parseEvent(message: NetlinkMessage): RouteEvent | undefined {
  const change = removals.has(message.type) ? 'gone' : 'present'
  const link = parseLink(message)
  if (link !== undefined) return { object: 'link', change, link }
  const address = parseAddress(message)
  if (address !== undefined) return { object: 'address', change, address }
  const route = parseRoute(message)
  return route && { object: 'route', change, route }
}
