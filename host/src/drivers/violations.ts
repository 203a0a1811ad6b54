// What a driver did against the protocol without an end of its connection: counted by kind, and told, but not each
// time: a driver that floods must not fill the log.
import type { ViolationKind as PeerViolationKind } from '@conet/sdk/jsonrpc'
import { TokenBucket } from './token-bucket.ts'

export type ViolationKind =
  | PeerViolationKind
  /** A notification that breaks its schema. */
  | 'bad-notice'
  /** Events or log lines beyond what is taken; each that was dropped counts. */
  | 'flood'
  /** Progress of a call that is not open. */
  | 'unknown-progress'
  /** A percentage that falls. */
  | 'falling-progress'
  /** An answer that breaks its schema. */
  | 'bad-answer'
  /** A driver asks the host nothing. */
  | 'request-to-host'
  /** Bytes that are no message, a message over the limit, an answer to `initialize` that cannot be used. */
  | 'broken-connection'

export class Violations {
  readonly #counts = new Map<ViolationKind, number>()
  readonly #tell: (kind: ViolationKind, message: string) => void
  readonly #lines = new TokenBucket({ perSecond: 1, burst: 20 })

  constructor(tell: (kind: ViolationKind, message: string) => void) {
    this.#tell = tell
  }

  add(kind: ViolationKind, message: string): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1)
    if (this.#lines.take()) this.#tell(kind, message)
  }

  counts(): { kind: ViolationKind; count: number }[] {
    return [...this.#counts].map(([kind, count]) => ({ kind, count }))
  }
}
