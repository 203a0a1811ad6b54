// Which names of drivers are known, and the seat of each: bounded, since a driver may call itself anything.

import { DriverSeat, type DriverSeatOptions } from './driver-seat.ts'
import type { Session } from './session.ts'

const mostRemembered = 1_000

export type DriverSeatsOptions = Pick<DriverSeatOptions, 'timing' | 'records' | 'onError'> & {
  /** Others may ask for that name again. */
  onFree(name: string): void
}

export class DriverSeats {
  readonly #options: DriverSeatsOptions
  /** Kept as long as the name is known. */
  readonly #seats = new Map<string, DriverSeat>()
  /** Names that were seen or are expected, oldest first, with the time at which the last socket of each went. */
  readonly #known = new Map<string, Date | undefined>()

  constructor(options: DriverSeatsOptions) {
    this.#options = options
  }

  names(): ReadonlySet<string> {
    return new Set(this.#known.keys())
  }

  isKnown(name: string): boolean {
    return this.#known.has(name)
  }

  /** It is the youngest from now on. */
  remember(name: string, goneSince?: Date): void {
    this.#known.delete(name)
    this.#known.set(name, goneSince)
    const [oldest] = this.#known.keys()
    if (oldest !== undefined && this.#known.size > mostRemembered) this.forget(oldest)
  }

  /** As if nobody had ever heard of it, unless somebody has the name. */
  forget(name: string): void {
    this.#known.delete(name)
    const seat = this.#seats.get(name)
    if (!seat?.isEmpty) return
    this.#seats.delete(name)
    seat.forget()
  }

  /** Undefined for a driver that is there, or that never was. */
  goneSince(name: string): Date | undefined {
    return this.#known.get(name)
  }

  /** Made if it is the first time that somebody asks. */
  of(name: string): DriverSeat {
    const known = this.#seats.get(name)
    if (known !== undefined) return known
    const { timing, records, onError, onFree } = this.#options
    const seat = new DriverSeat({ name, timing, records, onFree: () => onFree(name), onError })
    this.#seats.set(name, seat)
    return seat
  }

  /** The instance that has the name, connected and accepted. */
  holder(name: string): Session | undefined {
    return this.#seats.get(name)?.holder
  }

  /** Only if calls go through. */
  available(name: string): DriverSeat | undefined {
    const seat = this.#seats.get(name)
    return seat?.isAvailable ? seat : undefined
  }

  /**
   * Something about the session has changed. A driver that lost its connection loses its name, but those who were
   * refused for it get their chance only when it did not come back at the next try, so that a short break does not
   * hand its networks to another.
   */
  follow(name: string, session: Session): void {
    const seat = this.#seats.get(name)
    if (seat === undefined) return
    const wasHolder = seat.holder === session
    seat.follow(session)
    const lostIt = wasHolder && seat.holder !== session
    const isAway = session.state === 'gone' || (session.state === 'closed' && !lostIt)
    if (isAway && seat.holder === undefined) this.#options.onFree(name)
  }

  close(): void {
    for (const seat of this.#seats.values()) seat.close()
  }
}
