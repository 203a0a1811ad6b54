// The places that conetd needs for itself alone: its directories and its sockets.
import { resolve } from 'node:path'
import type { Rollback } from '@conet/sdk'
import { assertListenable } from '../api/unix-socket.ts'
import { assertTrustedDirectory } from '../drivers/index.ts'
import type { DaemonOptions } from './daemon-options.ts'
import { makeDirectories } from './directories.ts'
import { lockDirectories } from './directory-locks.ts'
import { assertApart, type OwnPlace } from './neighbours.ts'
import { assertSeparate } from './separate-places.ts'

/**
 * To be called before a record is read or a driver is told anything, so that a conetd that may not run has changed nothing.
 * `parts` lets go of the places when conetd stops, `undo` takes away what was made when it does not start.
 * Throws `failedPrecondition` that names the place.
 */
export async function takePlaces(
  { settings, pid }: Pick<DaemonOptions, 'settings' | 'pid'>,
  parts: Rollback,
  undo: Rollback,
): Promise<void> {
  const { stateDir, runDir, socket, runtimeSocket } = settings
  assertSeparate(settings)
  makeDirectories(settings, undo)
  const directories = [
    { path: stateDir, what: 'state directory', flag: '--state-dir' },
    { path: runDir, what: 'run directory', flag: '--run-dir' },
    driverPlace(settings),
  ]
  const sockets = [
    { path: socket, what: 'socket', flag: '--socket' },
    { path: runtimeSocket, what: 'socket', flag: '--runtime-socket' },
  ]
  lockDirectories(directories, parts)
  assertApart({ directories, sockets, pid })
  await assertTrustedDirectory(resolve(settings.driverDir))
  await assertListenable(settings.runtimeSocket)
  await assertListenable(settings.socket)
}

/** Locks the driver directory that stands in the place of a deleted one, whose lock nobody else meets any more. */
export function lockDriversAnew(
  { settings, log }: Pick<DaemonOptions, 'settings' | 'log'>,
  parts: Rollback,
): void {
  try {
    lockDirectories([driverPlace(settings)], parts)
  } catch (err) {
    log.error({ err }, 'another conetd may use the drivers of this one')
  }
}

function driverPlace({ driverDir: path }: DaemonOptions['settings']): OwnPlace {
  return { path, what: 'driver directory', flag: '--driver-dir' }
}
