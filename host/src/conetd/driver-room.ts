// Puts together what finds drivers, talks to them and keeps them running, and says what they say to the host.
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import {
  Discovery,
  type DriverEntry,
  DriverRegistry,
  type HostIdentity,
  QuietDrivers,
  type SeatRecords,
  type SessionSinks,
  Supervisor,
  type Sync,
} from '../drivers/index.ts'
import type { HostEvent } from '../lifecycle/index.ts'
import { DriverLog } from './driver-log.ts'
import type { Settings } from './settings.ts'

export type DriverRoom = {
  readonly registry: DriverRegistry
  readonly supervisor: Supervisor
  readonly discovery: Discovery
  readonly quiet: QuietDrivers
  readonly seats: SeatRecords
}

export type DriverRoomOptions = {
  readonly settings: Settings
  readonly environment: NodeJS.ProcessEnv
  readonly identity: HostIdentity
  readonly log: Logger
  readonly seats: SeatRecords
  /** Tells a driver what should be, before others may call it. */
  readonly sync: Sync
  /** Others may call the driver now. */
  ready(name: string): void
  event(event: HostEvent): void
  /** The driver directory had been deleted, and stands anew. */
  directoryRenewed(): void
  /** Gets bugs. */
  failed(error: unknown): void
}

export function buildDriverRoom(options: DriverRoomOptions): DriverRoom {
  const { settings, identity, log, sync, failed } = options
  const supervisor = buildSupervisor(settings, options.environment, () => registry.supervisionChanged())
  const driverLog = new DriverLog(log)
  const registry: DriverRegistry = new DriverRegistry({
    host: identity,
    sinks: noticeSinks(options),
    seats: options.seats,
    sync,
    onChange: (entry) => {
      driverLog.tell(entry)
      reportChange(entry, options)
      if (isReplaced(entry)) void supervisor.stop(entry.name).catch(failed)
    },
    onError: failed,
    supervision: supervisor,
    timing: {
      callTimeoutMs: settings.driverCallTimeoutMs,
      mostCallTimeoutMs: settings.driverMostCallTimeoutMs,
      pingIntervalMs: settings.driverPing.intervalMs,
      pingTimeoutMs: settings.driverPing.timeoutMs,
      rollbackWindowMs: settings.driverRollbackMs,
    },
    versionRules: settings.driverVersions,
  })
  const discovery = new Discovery({
    directory: settings.driverDir,
    appeared: (socket) => registry.appeared(socket),
    gone: (socket) => registry.gone(socket),
    failed: (error) =>
      log.error({ err: error, driverDir: settings.driverDir }, 'drivers cannot be looked for'),
    renewed: () => {
      const message = 'the driver directory had been deleted, and stands anew'
      log.warn({ driverDir: settings.driverDir }, message)
      options.event({ type: 'driver-directory.renewed', message: `${message}: ${settings.driverDir}` })
      options.directoryRenewed()
    },
  })
  const quiet = new QuietDrivers({
    supervisor,
    hasAnsweredSince: (name, sinceMs) => registry.hasAnsweredSince(name, sinceMs),
    onRenewal: (driver, pid, why) =>
      log.warn({ driver, process: pid }, `a driver is ended and started anew, since ${why}`),
    onError: failed,
  })
  return { registry, supervisor, discovery, quiet, seats: options.seats }
}

export function buildSupervisor(
  settings: Settings,
  environment: NodeJS.ProcessEnv,
  onChange: () => void = () => undefined,
): Supervisor {
  return new Supervisor({
    runDirectory: settings.runDir,
    driverDirectory: settings.driverDir,
    places: {
      directories: settings.driverProgramDirs,
      packageDirectory: fileURLToPath(new URL('../..', import.meta.url)),
      path: environment.PATH ?? '',
    },
    environment,
    onChange,
  })
}

/** A driver that conetd keeps running is not started again when another instance has taken over from it. */
function isReplaced(entry: DriverEntry): entry is DriverEntry & { name: string } {
  const { name, supervised, state, lastError } = entry
  return (
    name !== undefined && supervised !== undefined && state === 'rejected' && lastError?.kind === 'replaced'
  )
}

function reportChange(entry: DriverEntry, { event, ready }: DriverRoomOptions): void {
  const { name, state, lastError } = entry
  if (name === undefined) return
  event({ type: `driver.${state}`, driver: name, ...(lastError ? { message: lastError.message } : {}) })
  if (state === 'ready') ready(name)
}

function noticeSinks({ log, event }: DriverRoomOptions): SessionSinks {
  return {
    log: (driver, { level, message, fields }) => log[level]({ driver, fields }, message),
    event: (driver, { type, message, networkId, endpointId }) =>
      event({
        type: 'driver.event',
        driver,
        message: `${type}: ${message}`,
        ...(networkId === undefined ? {} : { network_id: networkId }),
        ...(endpointId === undefined ? {} : { endpoint_id: endpointId }),
      }),
    violation: (driver, violation, message) =>
      log.warn({ driver, violation, message }, 'a driver broke the protocol'),
    health: (driver, { healthy, checks, error }) => {
      const failed = checks.filter(({ ok }) => !ok)
      log[healthy ? 'info' : 'warn'](
        { driver, failed, error },
        `driver ${healthy ? 'healthy' : 'not healthy'}`,
      )
    },
    readiness: (driver, { ready, reason }) => {
      log.info({ driver, ready, reason }, 'driver readiness')
      const message = `${ready ? 'ready' : 'not ready'}${reason === undefined ? '' : `: ${reason}`}`
      event({ type: 'driver.readiness', driver, message })
    },
  }
}
