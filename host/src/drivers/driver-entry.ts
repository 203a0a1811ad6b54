// What users see of a driver: one flat record, whatever it comes from.
import type { Capabilities, JsonSchema, Limits, Readiness } from '@conet/sdk'
import type { CallUnderWay, MethodFigures } from './call-ledger.ts'
import type { DiscoveredSocket } from './discovery.ts'
import type { Health } from './prober.ts'
import type { Session } from './session.ts'
import type { SessionFailure } from './session-record.ts'
import { holdsName, type SessionState } from './session-state.ts'
import { isSocketOf } from './socket-name.ts'
import type { SupervisedState } from './supervised-driver.ts'
import type { ViolationKind } from './violations.ts'

export type DriverEntry = {
  /** Undefined as long as the driver has not said it. */
  readonly name: string | undefined
  /** Undefined if there is no socket. */
  readonly socketPath: string | undefined
  readonly state: SessionState
  readonly since: Date | undefined
  /** As what it is used; undefined if it is not. */
  readonly role?: 'active' | 'standby' | 'relieved'
  readonly vendor?: string
  readonly version?: string
  readonly instanceId?: string
  readonly protocolVersion?: string
  readonly capabilities?: Capabilities
  readonly limits?: Limits
  readonly configSchema?: JsonSchema
  readonly attachmentSchema?: JsonSchema
  readonly policySchema?: JsonSchema
  readonly readiness: Readiness | undefined
  readonly health: Health | undefined
  readonly attempts: number
  readonly nextRetry: Date | undefined
  readonly lastError: SessionFailure | undefined
  readonly callsUnderWay: readonly CallUnderWay[]
  readonly figures: readonly MethodFigures[]
  readonly violations: readonly { readonly kind: ViolationKind; readonly count: number }[]
  /** Undefined for a driver that the host did not start. */
  readonly supervised: SupervisedState | undefined
  /** Of a driver that the host started and that runs. */
  readonly pid: number | undefined
}

const nothingHappened = {
  readiness: undefined,
  health: undefined,
  attempts: 0,
  nextRetry: undefined,
  lastError: undefined,
  callsUnderWay: [],
  figures: [],
  violations: [],
} as const

/** `name`: its own, or that of the driver that the host has started at its socket. */
export function entryOfSession(
  session: Session,
  name: string | undefined,
  supervised: SupervisedState | undefined,
): DriverEntry {
  const { socket, state, since, nextRetry, identity, record } = session
  const { readiness, health, attempts, lastError, ledger, violations } = record
  const role = roleIn(state)
  // Another instance of a driver that the host started has a socket of its own.
  const started = name !== undefined && isSocketOf(socket.path, name) ? supervised : undefined
  return {
    ...identity,
    name,
    socketPath: socket.path,
    state,
    since,
    ...(role !== undefined && { role }),
    readiness,
    health,
    attempts,
    nextRetry,
    lastError,
    callsUnderWay: ledger.underWay(),
    figures: ledger.figures(),
    violations: violations.counts(),
    supervised: started,
    pid: pidOf(started),
  }
}

/** A socket that is not even dialled. */
export function entryOfRefusedSocket({ path, refusal, since }: DiscoveredSocket): DriverEntry {
  const message = `${path} is not used: ${refusal?.why}`
  return {
    ...nothingHappened,
    name: undefined,
    socketPath: path,
    state: 'rejected',
    since,
    lastError: { kind: 'permissionDenied', message, at: since, help: refusal?.help },
    supervised: undefined,
    pid: undefined,
  }
}

/** A driver that was seen, or should be there; `since` its last socket went, undefined if there never was one. */
export function entryWithoutSocket(
  name: string,
  supervised: SupervisedState | undefined,
  since: Date | undefined,
): DriverEntry {
  return {
    ...nothingHappened,
    name,
    socketPath: undefined,
    state: 'gone',
    since,
    supervised,
    pid: pidOf(supervised),
  }
}

function roleIn(state: SessionState): DriverEntry['role'] {
  if (holdsName(state)) return 'active'
  if (state === 'standby') return 'standby'
  return state === 'draining' ? 'relieved' : undefined
}

function pidOf(supervised: SupervisedState | undefined): number | undefined {
  return supervised?.state === 'running' ? supervised.pid : undefined
}
