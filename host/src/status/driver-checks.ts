// Which drivers are not as they should be. Each code is explained in docs/operating.md.
import { basename } from 'node:path'
import type { DriverView } from '@conet/sdk/api'
import { type Check, some } from './check.ts'

const working = new Set(['ready', 'degraded', 'standby', 'draining'])

/** On the way to being ready. */
const coming = new Set(['initializing', 'syncing'])

/** A driver that nobody uses may be away; one whose networks wait for it may not. */
export const driverNotReady: Check = ({ drivers, networks, withoutProgram }) =>
  drivers
    .filter((driver) => isAway(driver) && !isReplacedIn(drivers, driver))
    .map((driver) => {
      const names = networks.filter(({ type }) => type === driver.name).map(({ name }) => name)
      const affected = names.length === 0 ? 'no network uses it' : waiting(names)
      return {
        severity: names.length === 0 ? 'info' : 'error',
        code: 'driver-not-ready',
        message: `driver ${driver.name} is ${driver.state}: ${affected}${lastError(driver)}`,
        help: `${whatToDo(driver, { isUsed: names.length > 0, isForeign: withoutProgram.has(driver.name) })}; conet driver inspect ${driver.name} shows more`,
      }
    })

function whatToDo(
  driver: DriverView,
  { isUsed, isForeign }: { isUsed: boolean; isForeign: boolean },
): string {
  const { name, state, pid, last_error } = driver
  if (last_error?.kind === 'deadlineExceeded' && state !== 'gone' && state !== 'syncing')
    return pid === undefined
      ? 'it does not answer: end it, and start it anew'
      : `its process ${pid} does not answer: conetd ends it and starts it anew when that has lasted 30 s; sooner: conet driver stop ${name}, then conet driver start ${name}`
  if (coming.has(state)) return 'it is there, and conetd is telling it what should be: ask again in a moment'
  // The name is that of a socket, and not for sure a driver's.
  if (isSocketAlone(driver) && !isUsed && last_error?.help !== undefined) return last_error.help
  if (pid === undefined && isForeign) return 'its owner has to start it: conetd has no program of that name'
  if (pid === undefined) return `start it, or let conetd do so: conet driver start ${name}`
  return `its process ${pid} is there: ask again in a moment; if that lasts: conet driver stop ${name}, then conet driver start ${name}`
}

/** Nobody has been heard of there since conetd began. */
function isSocketAlone({ state, protocol_version: spoken, pid }: DriverView): boolean {
  return state === 'closed' && spoken === undefined && pid === undefined
}

/** What is left of an instance that crashed, or one that does not answer, while another one does its work. */
export const driverSocketDead: Check = ({ drivers }) =>
  drivers
    .filter((driver) => isAway(driver) && driver.socket !== undefined && isReplacedIn(drivers, driver))
    .map((driver) => ({
      severity: 'info',
      code: 'driver-socket-dead',
      message: `driver ${driver.name} works; another instance of it, at ${driver.socket}, is ${driver.state}${lastError(driver)}`,
      help: `if that instance is not to come back: rm ${driver.socket}`,
    }))

export function isAway({ state }: DriverView): boolean {
  return !working.has(state) && state !== 'rejected'
}

function isReplacedIn(drivers: readonly DriverView[], { name, socket }: DriverView): boolean {
  return drivers.some((other) => other.name === name && other.role === 'active' && other.socket !== socket)
}

/** A driver's socket file that is none is a mistake that is hard to see. */
export const driverFileIgnored: Check = ({ strays }) =>
  strays.length === 0
    ? []
    : [
        {
          severity: 'info',
          code: 'driver-file-ignored',
          message: `${some(strays)}: not looked at, since only sockets are drivers`,
          help: 'drivers make their sockets there; move anything else to another place',
        },
      ]

/** By the kind of the reason; any other one is a fault of the driver's. */
const rejectionCodes: Readonly<Record<string, string>> = {
  duplicateName: 'driver-duplicate',
  unsupportedProtocolVersion: 'driver-incompatible',
  versionRefused: 'driver-incompatible',
}

/** It stays so until its socket changes, or the name is free that another one has. */
export const driverRejected: Check = ({ drivers }) =>
  drivers
    .filter(
      ({ state, attempts, last_error: error }) =>
        state === 'rejected' && attempts > 0 && error?.kind !== 'replaced',
    )
    .map(({ name, socket, last_error: error }) => ({
      severity: 'error',
      code: rejectionCodes[error?.kind ?? ''] ?? 'driver-rejected',
      message: `driver ${name} at ${socket ?? 'no socket'} is not used: ${error?.message ?? 'for no known reason'}`,
      help: error?.help ?? 'mend or replace the driver; it is looked at again when it makes its socket anew',
    }))

export const driverDegraded: Check = ({ drivers }) =>
  drivers
    .filter(({ state }) => state === 'degraded')
    .map((driver) => ({
      severity: 'warning',
      code: 'driver-degraded',
      message: `driver ${driver.name} left a call unanswered within its time${lastError(driver)}`,
      help: `look at the driver's log: ${basename(driver.socket ?? driver.name, '.sock')}.log for one that conetd started`,
    }))

/** What it depends on is not as it should be, by its own word; calls go to it all the same. */
export const driverUnhealthy: Check = ({ drivers }) =>
  drivers.flatMap(({ name, probe, readiness }) => {
    const failed = probe === undefined ? [] : probe.checks.filter(({ ok }) => !ok)
    const reasons = failed.map(
      (check) => `${check.name}${check.message === undefined ? '' : ` (${check.message})`}`,
    )
    if (probe?.error !== undefined) reasons.push(`its probe failed: ${probe.error}`)
    if (readiness?.ready === false)
      reasons.push(`it is not ready: ${readiness.reason ?? 'it does not say why'}`)
    if (probe?.healthy === false && reasons.length === 0) reasons.push('it does not say why')
    if (reasons.length === 0) return []
    return [
      {
        severity: 'warning',
        code: 'driver-unhealthy',
        message: `driver ${name} is not well: ${some(reasons)}`,
        help: `mend what it depends on; conet driver inspect ${name} shows what it finds`,
      },
    ]
  })

/** A file in the driver directory that is never dialled. */
export const driverSocketRefused: Check = ({ drivers }) =>
  drivers
    .filter(({ state, attempts }) => state === 'rejected' && attempts === 0)
    .map(({ socket, last_error: error }) => ({
      severity: 'warning',
      code: 'driver-socket-refused',
      message: error?.message ?? `${socket} is not used`,
      help: error?.help ?? 'give the socket to root, and take write permission from others',
    }))

function waiting(names: readonly string[]): string {
  return names.length === 1 ? `network ${names[0]} waits for it` : `networks ${some(names)} wait for it`
}

function lastError({ last_error }: DriverView): string {
  return last_error === undefined ? '' : `; last error: ${last_error.message}`
}
