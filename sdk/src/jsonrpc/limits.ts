// What one connection may cost. Every number has a default that a session may narrow.

/** What one connection may cost: bytes, milliseconds, and requests at once. */
export type PeerLimits = {
  /** The largest body taken from the other side. */
  readonly maxMessageBytes: number
  /** The largest body the other side takes; a session may learn it later, see `JsonRpcPeer.limitOutgoing`. */
  readonly maxOutgoingBytes: number
  /** From the first byte of a header to its blank line. */
  readonly headerTimeoutMs: number
  /** From the blank line to the last byte of the body, however steadily bytes arrive. */
  readonly bodyTimeoutMs: number
  /** Requests of the other side that are being answered; one more is refused with `overloaded`. */
  readonly maxInFlight: number
  /** Bytes written and not yet taken; above it, own requests are refused with `overloaded`. */
  readonly maxBacklogBytes: number
  /** How long the backlog may stay above its limit before the other side counts as a slow consumer. */
  readonly backlogTimeoutMs: number
}

/** What counts where a peer was given nothing else. */
export const defaultLimits: PeerLimits = {
  maxMessageBytes: 4 * 1024 * 1024,
  maxOutgoingBytes: 4 * 1024 * 1024,
  headerTimeoutMs: 5_000,
  bodyTimeoutMs: 30_000,
  maxInFlight: 1024,
  maxBacklogBytes: 8 * 1024 * 1024,
  backlogTimeoutMs: 30_000,
}
