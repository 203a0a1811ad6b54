// The places that conetd is given must not be one, nor lie in one another, where one part would take what another one keeps for its own.
import { readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { ConetError, isErrno } from '@conet/sdk'
import { spoolDirectoryOf } from '../shim/spool-path.ts'
import { runRooms } from './run-rooms.ts'
import type { Settings } from './settings.ts'

type Places = Pick<Settings, 'stateDir' | 'runDir' | 'driverDir' | 'socket' | 'runtimeSocket'>

/** Throws `failedPrecondition` that names both. Changes nothing. */
export function assertSeparate({ stateDir, runDir, driverDir, socket, runtimeSocket }: Places): void {
  const state = { what: 'state directory', path: stateDir, flag: '--state-dir' }
  const run = { what: 'run directory', path: runDir, flag: '--run-dir' }
  const drivers = { what: 'driver directory', path: driverDir, flag: '--driver-dir' }
  // The one place for one in another: the driver directory in the run directory, beside conetd's own.
  const inRun = realPlace(runDir)
  refuseIf(realPlace(driverDir) === inRun, drivers, run)
  for (const room of Object.values(runRooms))
    refuseIf(isWithin(realPlace(driverDir), join(inRun, room)), drivers, { ...run, path: join(runDir, room) })
  const spool = spoolDirectoryOf(runtimeSocket)
  refuseIf(isWithin(realPlace(driverDir), realPlace(spool)), drivers, { what: 'spool', path: spool })
  refuseIf(realPlace(driverDir) === realPlace(stateDir), drivers, state)
  refuseIf(isWithin(realPlace(stateDir), inRun), state, run)
  refuseIf(isBelow(run, state), run, state)
  refuseIf(isBelow(drivers, state), drivers, state)
  refuseIf(isBelow(state, drivers), state, drivers)
  refuseIf(isBelow(run, drivers), run, drivers)
  for (const [flag, path] of [
    ['--socket', socket],
    ['--runtime-socket', runtimeSocket],
  ] as const)
    refuseIf(
      isWithin(realPlace(dirname(path)), realPlace(driverDir)),
      { what: 'socket', path, flag },
      drivers,
    )
}

type Place = { readonly what: string; readonly path: string; readonly flag: string }

function refuseIf(isSo: boolean, inner: Place, outer: Omit<Place, 'flag'>): void {
  if (!isSo) return
  const isOne = realPlace(inner.path) === realPlace(outer.path)
  const message = `use ${inner.what} ${inner.path}: it ${isOne ? 'is' : 'lies in'} the ${outer.what} ${outer.path}`
  throw new ConetError('failedPrecondition', message, {
    details: { path: inner.path, within: outer.path },
    help: `choose another place with ${inner.flag}`,
  })
}

/** Both may be one. */
function isBelow(inner: Place, outer: Place): boolean {
  const [one, other] = [realPlace(inner.path), realPlace(outer.path)]
  return one !== other && isWithin(one, other)
}

function isWithin(inner: string, outer: string): boolean {
  const way = relative(outer, inner)
  return way === '' || !(way === '..' || way.startsWith('../'))
}

/** Without links, as far as it is there. What else is wrong with it says who makes it. */
function realPlace(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    const parent = dirname(resolve(path))
    if (!isErrno(error, 'ENOENT') || parent === resolve(path)) return resolve(path)
    const target = targetOf(path)
    return target === undefined ? join(realPlace(parent), basename(path)) : realPlace(resolve(parent, target))
  }
}

/** Of a link to what is not there yet; undefined for what is none. */
function targetOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EINVAL')) return undefined
    throw error
  }
}
