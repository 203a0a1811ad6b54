// A driver as clients see it.
import { basename } from 'node:path'
import type { CallView, DriverView, MethodView, ProbeView } from '@conet/sdk/api'
import type { CallUnderWay, DriverEntry, MethodFigures } from '../../drivers/index.ts'

/** `knownSince` stands in for a driver that was never there: since conetd looks. */
export function driverView(entry: DriverEntry, knownSince: Date): DriverView {
  const { socketPath, instanceId, protocolVersion, configSchema, attachmentSchema, policySchema } = entry
  return {
    name: nameOf(entry),
    state: entry.state,
    since: (entry.since ?? knownSince).toISOString(),
    ...defined({ role: entry.role, limits: limitsView(entry) }),
    ...defined({ socket: socketPath, version: entry.version, vendor: entry.vendor }),
    ...defined({ instance_id: instanceId, protocol_version: protocolVersion, pid: entry.pid }),
    ...defined({ capabilities: entry.capabilities, config_schema: configSchema }),
    ...defined({ attachment_schema: attachmentSchema, policy_schema: policySchema }),
    attempts: entry.attempts,
    ...defined({ next_retry: entry.nextRetry?.toISOString() }),
    ...lastError(entry, knownSince),
    ...defined({ readiness: entry.readiness, probe: probeView(entry) }),
    calls_in_flight: entry.callsUnderWay.map(callView),
    methods: entry.figures.map(methodView),
    violations: [...entry.violations],
  }
}

function limitsView({ limits }: DriverEntry): DriverView['limits'] {
  if (limits === undefined) return undefined
  const { maxMessageBytes, maxInFlight } = limits
  return { max_message_bytes: maxMessageBytes, ...defined({ max_in_flight: maxInFlight }) }
}

function probeView({ health }: DriverEntry): ProbeView | undefined {
  if (health === undefined) return undefined
  const { healthy, checks, error, at } = health
  return { healthy, checks, ...defined({ error }), at: at.toISOString() }
}

function callView({ method, operationId, attempt, since, progress }: CallUnderWay): CallView {
  const call = { method, operation_id: operationId, attempt, since: since.toISOString() }
  return { ...call, ...defined({ progress }) }
}

function methodView({ method, count, failed, p50Ms, p99Ms }: MethodFigures): MethodView {
  return { method, count, failed, ...defined({ p50_ms: rounded(p50Ms), p99_ms: rounded(p99Ms) }) }
}

/** To microseconds. */
function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 1000) / 1000
}

/** A driver that has not said its name yet goes by that of its socket. */
function nameOf({ name, socketPath }: DriverEntry): string {
  return name ?? basename(socketPath ?? '', '.sock')
}

/** Of one that conetd cannot keep running: why, and not what followed from that. */
function lastError(entry: DriverEntry, knownSince: Date): Pick<DriverView, 'last_error'> {
  const { state, supervised, lastError } = entry
  if (supervised?.state === 'waiting' && (state === 'closed' || lastError === undefined)) {
    const at = lastError?.at ?? knownSince
    return {
      last_error: { kind: 'driverUnavailable', message: supervised.why, at: at.toISOString() },
    }
  }
  if (lastError === undefined) return {}
  const { kind, message, at = knownSince, help } = lastError
  return { last_error: { kind, message, at: at.toISOString(), ...defined({ help }) } }
}

/** Without the members that are undefined. */
function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept: { [K in keyof T]?: Exclude<T[K], undefined> } = {}
  for (const key in members) {
    const value = members[key]
    if (isDefined(value)) kept[key] = value
  }
  return kept
}

function isDefined<V>(value: V): value is Exclude<V, undefined> {
  return value !== undefined
}
