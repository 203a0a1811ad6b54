// Starts the drivers that conetd is to keep running, but for those from which an instance of somebody else's has taken over.
import { ConetError } from '@conet/sdk'
import type { DaemonOptions } from './daemon-options.ts'
import type { DriverRoom } from './driver-room.ts'

/** An instance that goes on beside conetd has its socket already: it needs no longer to be heard of. */
const successorWithinMs = 2_000

export async function startSpawned(
  { settings, log }: Pick<DaemonOptions, 'settings' | 'log'>,
  room: DriverRoom,
): Promise<void> {
  await Promise.all(
    settings.spawn.map(async (driver) => {
      const socket = await successorOf(driver, room)
      if (socket === undefined) return room.supervisor.start(driver)
      // One more instance would be the youngest, and relieve it.
      await room.supervisor.stop(driver)
      log.warn(
        { driver, socket },
        `the driver is not started: the instance at ${socket} has taken over; conet driver start ${driver} starts it nevertheless`,
      )
    }),
  )
}

/** The socket of the instance that works under the name and is none of conetd's. */
async function successorOf(driver: string, { registry, seats }: DriverRoom): Promise<string | undefined> {
  if ((seats.get(driver)?.relieved.length ?? 0) === 0) return undefined
  await registry.require(driver, { timeoutMs: successorWithinMs }).catch(ignoreAbsence)
  return registry.elsewhere(driver)
}

function ignoreAbsence(error: unknown): void {
  if (!ConetError.is(error, 'driverUnavailable')) throw error
}
