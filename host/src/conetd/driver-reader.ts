// Drivers as the API reads them.
import { ConetError } from '@conet/sdk'
import type { DriverView } from '@conet/sdk/api'
import type { DriverReader } from '../api/api-context.ts'
import { driverView } from '../api/views/driver.ts'
import type { DriverRoom } from './driver-room.ts'

export function driverReader(
  { registry, supervisor }: Pick<DriverRoom, 'registry' | 'supervisor'>,
  startedAt: Date,
): DriverReader {
  const list = () => registry.list().map((entry) => driverView(entry, startedAt))
  return {
    list,
    get: (name) => find(list(), name),
    stateOf: (name) => registry.stateOf(name),
    stop: (name) => supervisor.stop(name),
  }
}

/** Two sockets may claim one name: the one in use counts. */
function find(drivers: readonly DriverView[], name: string): DriverView {
  const named = drivers.filter((driver) => driver.name === name)
  const found = named.find(({ state }) => state === 'ready') ?? named[0]
  if (found !== undefined) return found
  const known = [...new Set(drivers.map((driver) => driver.name))].sort()
  throw new ConetError(
    'notFound',
    `there is no driver "${name}"; known drivers: ${known.join(', ') || 'none'}`,
    { details: { driver: name, known } },
  )
}
