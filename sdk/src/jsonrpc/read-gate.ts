// Whether a socket is read. Two have reasons of their own to stop it, and neither may undo what the other one did.
import type { Socket } from 'node:net'

/** `backlog`: the other side leaves too much unread. `pace`: it sends too much unasked. */
export type ShutReason = 'backlog' | 'pace'

export class ReadGate {
  readonly #socket: Socket
  readonly #reasons = new Set<ShutReason>()

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Nothing is read until it is opened for this reason. May be repeated. */
  shut(reason: ShutReason): void {
    this.#reasons.add(reason)
    this.#socket.pause()
  }

  /** Reads on when no other reason is left. May be repeated; nothing when it was not shut. */
  open(reason: ShutReason): void {
    if (this.#reasons.delete(reason) && this.#reasons.size === 0) this.#socket.resume()
  }
}
