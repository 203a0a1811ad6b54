// Multicast messages of rtnetlink as they come. Node can wait for no file descriptor that it does not know the type
// of, so the kernel says by a signal, SIGIO, that something has arrived (fcntl(2), signal-driven I/O).
import { isMainThread } from 'node:worker_threads'
import { KernelError } from '../kernel-error.ts'
import { RouteSocket } from './route-socket.ts'

const OPERATION = 'receive events of rtnetlink'
/** Read in one go before others have their turn. */
const MAX_DATAGRAMS_AT_ONCE = 256

const openSockets = new Set<EventSocket>()
let isHandlingSignal = false

export type EventSocketOptions = {
  /** RTNLGRP_…. */
  groups: readonly number[]
  receiveBufferBytes?: number | undefined
  /** The datagram is valid during the call only. */
  onDatagram: (datagram: Buffer) => void
  /** Messages were lost; later ones follow. */
  onLoss: () => void
  /** Nothing will come any more. */
  onFailure: (error: unknown) => void
}

/** Opens in the namespace of the calling thread, which must be the main one: only that one gets signals from Node. */
export class EventSocket {
  readonly #options: EventSocketOptions
  readonly #socket: RouteSocket

  constructor(options: EventSocketOptions) {
    if (!isMainThread) throw new Error('rtnetlink events can be watched on the main thread only')
    const { groups, receiveBufferBytes } = options
    this.#options = options
    this.#socket = new RouteSocket(receiveBufferBytes === undefined ? {} : { receiveBufferBytes })
    handleSignal()
    openSockets.add(this)
    try {
      this.#socket.subscribe(groups)
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Reads what waits. One signal may stand for many messages, on any of the sockets. */
  drain(): void {
    for (let count = 0; count < MAX_DATAGRAMS_AT_ONCE; count++) {
      if (!openSockets.has(this) || !this.#readOne()) return
    }
    setImmediate(() => this.drain())
  }

  /** May be repeated. */
  close(): void {
    openSockets.delete(this)
    this.#socket.close()
  }

  /** Whether there may be more. */
  #readOne(): boolean {
    try {
      const datagram = this.#socket.receiveWaiting(OPERATION)
      if (datagram !== undefined) this.#options.onDatagram(datagram)
      return datagram !== undefined
    } catch (error) {
      if (KernelError.is(error, 'ENOBUFS')) {
        this.#options.onLoss()
        return true
      }
      this.close()
      this.#options.onFailure(error)
      return false
    }
  }
}

/** For good: a signal that is still under way when the last socket is closed would end the process. */
function handleSignal(): void {
  if (isHandlingSignal) return
  isHandlingSignal = true
  process.on('SIGIO', () => {
    for (const socket of openSockets) socket.drain()
  })
}
