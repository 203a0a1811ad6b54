// Multicast messages of rtnetlink, read by the event loop: the npm package netlink, behind the types that we use of it.
// Its own would pull in a second, older @types/node; and its main module loads protocols that conet does not speak.
import { createRequire } from 'node:module'

type NativeSocket = {
  on(event: 'message' | 'truncatedMessage', listener: (datagram: Buffer) => void): unknown
  on(event: 'error', listener: (error: Error & { errno?: number }) => void): unknown
  addMembership(group: number): void
  close(): void
}

type NativeModule = {
  RawNetlinkSocket: new (protocol: number, options: { recvBufferSize?: number }) => NativeSocket
}

const native: NativeModule = createRequire(import.meta.url)('netlink/dist/raw.js')

const NETLINK_ROUTE = 0

export type EventSocketOptions = {
  /** RTNLGRP_…. */
  groups: readonly number[]
  receiveBufferBytes?: number | undefined
  onDatagram: (datagram: Buffer) => void
  /** The socket lost messages or broke, and was closed. */
  onLoss: () => void
}

/** Opens in the namespace of the calling thread. It keeps the process alive until it is closed. */
export class EventSocket {
  readonly #socket: NativeSocket
  #isOpen = true

  constructor({ groups, receiveBufferBytes, onDatagram, onLoss }: EventSocketOptions) {
    const options = receiveBufferBytes === undefined ? {} : { recvBufferSize: receiveBufferBytes }
    this.#socket = new native.RawNetlinkSocket(NETLINK_ROUTE, options)
    this.#socket.on('message', onDatagram)
    // ENOBUFS reaches us as a polling error after which libuv listens no more, so every error means: open another.
    this.#socket.on('truncatedMessage', () => this.#lose(onLoss))
    this.#socket.on('error', () => this.#lose(onLoss))
    for (const group of groups) this.#socket.addMembership(group)
  }

  /** May be repeated. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#socket.close()
  }

  #lose(onLoss: () => void): void {
    if (!this.#isOpen) return
    this.close()
    onLoss()
  }
}
