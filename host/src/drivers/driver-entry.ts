// What users see of a driver: one flat record, whatever it comes from.
import type { Capabilities, JsonSchema, Readiness } from '@conet/sdk'
import type { DiscoveredSocket } from './discovery.ts'
import type { Session, SessionFailure } from './session.ts'
import type { SessionState } from './session-state.ts'
import type { SupervisedState } from './supervised-driver.ts'

export type DriverEntry = {
  /** Undefined as long as the driver has not said it. */
  readonly name: string | undefined
  /** Undefined if there is no socket. */
  readonly socketPath: string | undefined
  readonly state: SessionState
  readonly since: Date | undefined
  readonly vendor?: string
  readonly version?: string
  readonly instanceId?: string
  readonly protocolVersion?: string
  readonly capabilities?: Capabilities
  readonly configSchema?: JsonSchema
  readonly attachmentSchema?: JsonSchema
  readonly policySchema?: JsonSchema
  readonly readiness: Readiness | undefined
  readonly attempts: number
  readonly lastError: SessionFailure | undefined
  /** Undefined for a driver that the host did not start. */
  readonly supervised: SupervisedState | undefined
  /** Of a driver that the host started and that runs. */
  readonly pid: number | undefined
}

export function entryOfSession(session: Session, supervised: SupervisedState | undefined): DriverEntry {
  const { socket, state, since, identity, readiness, attempts, lastError } = session
  return {
    ...identity,
    name: identity?.name,
    socketPath: socket.path,
    state,
    since,
    readiness,
    attempts,
    lastError,
    supervised,
    pid: pidOf(supervised),
  }
}

/** A socket that is not even dialled. */
export function entryOfRefusedSocket({ path, refusal }: DiscoveredSocket): DriverEntry {
  const message = `${path} is not used: ${refusal}`
  return {
    name: undefined,
    socketPath: path,
    state: 'rejected',
    since: undefined,
    readiness: undefined,
    attempts: 0,
    lastError: { kind: 'permissionDenied', message, at: undefined },
    supervised: undefined,
    pid: undefined,
  }
}

/** A driver that was seen, or should be there. */
export function entryWithoutSocket(name: string, supervised: SupervisedState | undefined): DriverEntry {
  return {
    name,
    socketPath: undefined,
    state: 'gone',
    since: undefined,
    readiness: undefined,
    attempts: 0,
    lastError: undefined,
    supervised,
    pid: pidOf(supervised),
  }
}

function pidOf(supervised: SupervisedState | undefined): number | undefined {
  return supervised?.state === 'running' ? supervised.pid : undefined
}
