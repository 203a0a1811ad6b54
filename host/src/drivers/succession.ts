// How one instance of a driver takes over from another while calls go on: the newcomer is told what should be while the
// old one works; then calls are held for a moment, those under way end, the newcomer is told what has changed, and calls
// go to it. If the newcomer fails before that nothing has changed; what happens after it is the seat's business.
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { deadline } from '@conet/sdk'
import { Backoff } from '../retry/backoff.ts'
import type { DriverLink } from './driver-link.ts'
import type { DriverSeat } from './driver-seat.ts'
import type { Session } from './session.ts'
import type { SessionTiming, Sync } from './session-options.ts'
import { takesCalls } from './session-state.ts'

export type SuccessionOptions = {
  readonly seat: DriverSeat
  readonly standby: Session
  readonly link: DriverLink
  readonly sync: Sync
  readonly timing: SessionTiming
  /** Aborts with the connection of the standby. */
  readonly signal: AbortSignal
}

/** So much of a call's time a switch may take: what is held must still have time for its own work. */
const switchShare = 1 / 3
const firstPauseMs = 100
const mostPauseMs = 5_000

/** Returns when the standby holds the name. Throws when the standby fails. */
export async function takeOver(options: SuccessionOptions): Promise<void> {
  const { sync, link, signal } = options
  await sync(link, { signal, isStandby: true })
  const pauses = new Backoff({ firstMs: firstPauseMs, mostMs: mostPauseMs })
  while (!(await trySwitch(options))) await sleep(pauses.nextMs(), undefined, { signal })
}

/** False when it is not the moment: a call under way takes long, or the old instance is not itself. */
async function trySwitch({ seat, standby, link, sync, timing, signal }: SuccessionOptions): Promise<boolean> {
  const { holder } = seat
  if (holder !== undefined && !takesCalls(holder.state)) return false
  const timeoutMs = timing.callTimeoutMs * switchShare
  using _held = seat.hold()
  using limit = deadline(timeoutMs, `switch driver "${seat.name}" to another instance`, signal)
  try {
    await holder?.link?.idle(limit.signal)
    // What has just been answered is on record a turn later.
    await turn()
    await sync(link, { signal: limit.signal })
  } catch (error) {
    if (limit.signal.aborted && !signal.aborted) return false
    throw error
  }
  signal.throwIfAborted()
  if (seat.holder !== holder && seat.holder !== undefined) return false
  seat.handOver(standby)
  return true
}
