// The places that conetd needs for itself alone: its directories and its sockets.
import { resolve } from 'node:path'
import type { Rollback } from '@conet/sdk'
import { assertListenable } from '../api/unix-socket.ts'
import { assertTrustedDirectory } from '../drivers/index.ts'
import { makeDirectories } from './directories.ts'
import { lockDirectories } from './directory-locks.ts'
import { assertSeparate } from './separate-places.ts'
import type { Settings } from './settings.ts'

/**
 * To be called before a record is read or a driver is told anything, so that a conetd that may not run has changed nothing.
 * `parts` lets go of the places when conetd stops, `undo` takes away what was made when it does not start.
 * Throws `failedPrecondition` that names the place.
 */
export async function takePlaces(settings: Settings, parts: Rollback, undo: Rollback): Promise<void> {
  assertSeparate(settings)
  makeDirectories(settings, undo)
  lockDirectories(settings, parts)
  await assertTrustedDirectory(resolve(settings.driverDir))
  await assertListenable(settings.runtimeSocket)
  await assertListenable(settings.socket)
}
