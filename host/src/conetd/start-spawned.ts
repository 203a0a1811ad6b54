// Starts the drivers that conetd is to keep running, but for those from which an instance of somebody else's has taken over.
import { isSocketOf, type SeatRecord } from '../drivers/index.ts'
import type { DaemonOptions } from './daemon-options.ts'
import type { DriverRoom } from './driver-room.ts'

/** An instance that goes on beside conetd has its socket already: it needs no longer to be heard of. */
const successorWithinMs = 2_000

/** Who had the names of the drivers that are to run. Read before any of them is connected: whoever comes first has it again. */
export type FormerSeats = ReadonlyMap<string, SeatRecord | undefined>

export function formerSeats(drivers: readonly string[], { seats }: DriverRoom): FormerSeats {
  return new Map(drivers.map((driver) => [driver, seats.get(driver)]))
}

export async function startSpawned(
  { log }: Pick<DaemonOptions, 'log'>,
  room: DriverRoom,
  former: FormerSeats,
): Promise<void> {
  await Promise.all(
    [...former].map(async ([driver, seat]) => {
      const socket = await successorOf(driver, seat, room)
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

/** The socket of the instance that had the name last, if it is there and none of conetd's. */
async function successorOf(
  driver: string,
  seat: SeatRecord | undefined,
  { registry }: DriverRoom,
): Promise<string | undefined> {
  if (seat === undefined || seat.relieved.length === 0) return undefined
  const { socket } = seat
  if (socket === undefined || isSocketOf(socket, driver)) return undefined
  return (await registry.isSeatedAt(driver, socket, successorWithinMs)) ? socket : undefined
}
