// What within conet is not as it should be. Each code is explained in docs/operating.md.
import { basename } from 'node:path'
import type { DriverView } from '@conet/sdk/api'
import type { EndpointRecord } from '../domain/endpoint.ts'
import type { NetworkRecord } from '../domain/network.ts'
import { type Check, counted, some } from './check.ts'

const working = new Set(['ready', 'degraded', 'standby', 'draining'])

/** A driver that nobody uses may be away; one whose networks wait for it may not. */
export const driverNotReady: Check = ({ drivers, networks }) =>
  drivers
    .filter(({ state }) => !working.has(state) && state !== 'rejected')
    .map((driver) => {
      const names = networks.filter(({ type }) => type === driver.name).map(({ name }) => name)
      const affected = names.length === 0 ? 'no network uses it' : waiting(names)
      return {
        severity: names.length === 0 ? 'info' : 'error',
        code: 'driver-not-ready',
        message: `driver ${driver.name} is ${driver.state}: ${affected}${lastError(driver)}`,
        help: `start it, or let conetd do so: conet driver start ${driver.name}; conet driver inspect ${driver.name} shows more`,
      }
    })

/** It stays so until its socket changes. */
export const driverRejected: Check = ({ drivers }) =>
  drivers
    .filter(
      ({ state, attempts, last_error: error }) =>
        state === 'rejected' && attempts > 0 && error?.kind !== 'replaced',
    )
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
      message: `${counted(quarantined.length, 'record')} could not be read and set aside: ${named} (${quarantined[0]?.reason})`,
      help: 'make those objects again; the log of conetd has the reason for each',
    },
  ]
}

export const endpointsInTrouble: Check = ({ endpoints }) => {
  const failed = endpoints.filter(({ lastError, state }) => lastError !== undefined && state !== 'deleting')
  if (failed.length === 0) return []
  return [
    {
      severity: 'error',
      code: 'endpoint-in-trouble',
      message: `${failed.length === 1 ? '1 endpoint is not as it' : `${failed.length} endpoints are not as they`} should be: ${some(
        failed.map(({ id, handle, lastError }) => `${id.slice(0, 12)} of ${handle} (${lastError})`),
      )}`,
      help: 'unplug them and plug them again; a driver that comes back mends its own first',
    },
  ]
}

/** One for each driver: it is what a person can do something about. */
export const deletionsPending: Check = ({ endpoints, networks, drivers }) =>
  [...new Set(networks.map(({ type }) => type))].flatMap((type) => {
    const own = networks.filter((network) => network.type === type)
    const waiting = own.flatMap((network) => [
      ...endpoints
        .filter(({ networkId, state }) => networkId === network.id && state === 'deleting')
        .map((endpoint) => leavingEndpoint(endpoint, network)),
      ...(network.state === 'deleting' ? [`network ${network.name}${since(network)}`] : []),
    ])
    if (waiting.length === 0) return []
    const state = drivers.find(({ name }) => name === type)?.state ?? 'away'
    const verb = waiting.length === 1 ? 'waits' : 'wait'
    return [
      {
        severity: 'warning' as const,
        code: 'deletions-pending',
        message: `${counted(waiting.length, 'deletion')} ${verb} for driver ${type} (${state}): ${some(waiting)}`,
        help: `start driver ${type} if it is away: it is told at once, and addresses stay reserved until it confirms`,
      },
    ]
  })

function leavingEndpoint(endpoint: EndpointRecord, network: NetworkRecord): string {
  const { id, handle } = endpoint
  return `endpoint ${id.slice(0, 12)} of container ${handle} in network ${network.name}${since(endpoint)}`
}

function since({ buriedAt }: { buriedAt?: string | undefined }): string {
  return buriedAt === undefined ? '' : ` since ${buriedAt}`
}

function waiting(names: readonly string[]): string {
  return names.length === 1 ? `network ${names[0]} waits for it` : `networks ${some(names)} wait for it`
}

function lastError({ last_error }: DriverView): string {
  return last_error === undefined ? '' : `; last error: ${last_error.message}`
}
