// What is shown of a session beside its state: what went wrong, what was asked, how the driver says it fares.
import { ConetError, type ErrorKind, type Readiness } from '@conet/sdk'
import { CallLedger } from './call-ledger.ts'
import type { Health } from './prober.ts'
import { type ViolationKind, Violations } from './violations.ts'

export type SessionFailure = {
  readonly kind: ErrorKind
  readonly message: string
  readonly at: Date | undefined
  /** What a person can do about it. */
  readonly help?: string | undefined
}

export class SessionRecord {
  readonly ledger = new CallLedger()
  readonly violations: Violations
  /** How often the socket was dialled. */
  attempts = 0
  lastError: SessionFailure | undefined
  /** When the driver last answered a handshake, well or badly, or a connection to it that had one ended (`Date.now()`). */
  answeredMs: number | undefined
  /** What the driver said of itself last; undefined if nothing. */
  readiness: Readiness | undefined
  /** What the last probe found; undefined if there was none. */
  health: Health | undefined

  constructor(tellViolation: (kind: ViolationKind, message: string) => void) {
    this.violations = new Violations(tellViolation)
  }

  /** What belongs to one connection begins anew with the next. */
  forgetConnection(): void {
    this.readiness = undefined
    this.health = undefined
  }

  note(error: unknown): void {
    const kind = ConetError.is(error) ? error.kind : 'internal'
    const message = error instanceof Error ? error.message : String(error)
    const help = ConetError.is(error) ? error.help : undefined
    this.lastError = { kind, message, at: new Date(), ...(help !== undefined && { help }) }
    if (kind === 'protocolViolation') this.violations.add('broken-connection', message)
  }
}
