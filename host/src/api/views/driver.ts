// A driver as clients see it.
import { basename } from 'node:path'
import type { DriverView } from '@conet/sdk/api'
import type { DriverEntry } from '../../drivers/index.ts'

/** `knownSince` stands in for a driver that was never there: since conetd looks. */
export function driverView(entry: DriverEntry, knownSince: Date): DriverView {
  const { socketPath, instanceId, protocolVersion, configSchema, attachmentSchema, policySchema } = entry
  return {
    name: nameOf(entry),
    state: entry.state,
    since: (entry.since ?? knownSince).toISOString(),
    ...defined({ socket: socketPath, version: entry.version, vendor: entry.vendor }),
    ...defined({ instance_id: instanceId, protocol_version: protocolVersion, pid: entry.pid }),
    ...defined({ capabilities: entry.capabilities, config_schema: configSchema }),
    ...defined({ attachment_schema: attachmentSchema, policy_schema: policySchema }),
    attempts: entry.attempts,
    ...lastError(entry, knownSince),
  }
}

/** A driver that has not said its name yet goes by that of its socket. */
function nameOf({ name, socketPath }: DriverEntry): string {
  return name ?? basename(socketPath ?? '', '.sock')
}

function lastError({ lastError, supervised }: DriverEntry, knownSince: Date): Pick<DriverView, 'last_error'> {
  if (lastError !== undefined) {
    const { kind, message, at = knownSince } = lastError
    return { last_error: { kind, message, at: at.toISOString() } }
  }
  if (supervised?.state !== 'waiting') return {}
  const message = `its process ended: ${supervised.lastExit}`
  return { last_error: { kind: 'driverUnavailable', message, at: knownSince.toISOString() } }
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
