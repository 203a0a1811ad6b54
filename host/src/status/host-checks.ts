// What within conet is not as it should be. Each code is explained in docs/operating.md.
import { basename } from 'node:path'
import type { DriverView } from '@conet/sdk/api'
import { type Check, some } from './check.ts'

const working = new Set(['ready', 'degraded'])

/** A driver that nobody uses may be away; one whose networks wait for it may not. */
export const driverNotReady: Check = ({ drivers, networks }) =>
  drivers
    .filter(({ state }) => !working.has(state) && state !== 'rejected')
    .map((driver) => {
      const names = networks.filter(({ type }) => type === driver.name).map(({ name }) => name)
      const affected = names.length === 0 ? 'no network uses it' : `networks ${some(names)} wait for it`
      return {
        severity: names.length === 0 ? 'info' : 'error',
        code: 'driver-not-ready',
        message: `driver ${driver.name} is ${driver.state}: ${affected}${lastError(driver)}`,
        help: `start it, or let conetd do so: conetd --spawn ${driver.name}; conet driver inspect ${driver.name} shows more`,
      }
    })

/** It stays so until its socket changes. */
export const driverRejected: Check = ({ drivers }) =>
  drivers
    .filter(({ state, attempts }) => state === 'rejected' && attempts > 0)
    .map((driver) => ({
      severity: 'error',
      code: 'driver-rejected',
      message: `driver ${driver.name} at ${driver.socket ?? 'no socket'} is not used${lastError(driver)}`,
      help: 'mend or replace the driver; it is looked at again when it makes its socket anew',
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

/** A file in the driver directory that is never dialled. */
export const driverSocketRefused: Check = ({ drivers }) =>
  drivers
    .filter(({ state, attempts }) => state === 'rejected' && attempts === 0)
    .map(({ socket, last_error }) => ({
      severity: 'warning',
      code: 'driver-socket-refused',
      message: last_error?.message ?? `${socket} is not used`,
      help: 'give the socket to root, and take write permission from others',
    }))

export const recordsQuarantined: Check = ({ quarantined }) => {
  if (quarantined.length === 0) return []
  const named = some(quarantined.map(({ table, key }) => `${table}/${key}`))
  return [
    {
      severity: 'error',
      code: 'records-quarantined',
      message: `${quarantined.length} records could not be read and were set aside: ${named} (${quarantined[0]?.reason})`,
      help: 'make those objects again; the log of conetd has the reason for each',
    },
  ]
}

export const endpointsInTrouble: Check = ({ endpoints }) => {
  const failed = endpoints.filter(({ lastError }) => lastError !== undefined)
  if (failed.length === 0) return []
  return [
    {
      severity: 'error',
      code: 'endpoint-in-trouble',
      message: `${failed.length} endpoints are not as they should be: ${some(
        failed.map(({ id, handle, lastError }) => `${id.slice(0, 12)} of ${handle} (${lastError})`),
      )}`,
      help: 'unplug them and plug them again; a driver that comes back mends its own first',
    },
  ]
}

export const deletionsPending: Check = ({ endpoints, networks }) => {
  const waiting = [...networks, ...endpoints].filter(({ state }) => state === 'deleting')
  if (waiting.length === 0) return []
  return [
    {
      severity: 'warning',
      code: 'deletions-pending',
      message: `${waiting.length} deletions wait for their driver: ${some(waiting.map(({ id }) => id.slice(0, 12)))}`,
      help: 'they are tried again until the driver confirms; their addresses stay reserved until then',
    },
  ]
}

function lastError({ last_error }: DriverView): string {
  return last_error === undefined ? '' : `; last error: ${last_error.message}`
}
