// Which instances of a driver had its name before the one that has it. On record, so that none of them relieves in turn the
// one that relieved it, after a restart of the host neither.
import { type Static, Type } from 'typebox'

export const SeatRecord = Type.Object({
  /** The instance that had the name last. */
  holder: Type.Optional(Type.String()),
  /** Where it listened. */
  socket: Type.Optional(Type.String()),
  /** Those that it, or one before it, has relieved; the youngest last. */
  relieved: Type.Array(Type.String()),
})
export type SeatRecord = Static<typeof SeatRecord>

/** Where it is kept, by the name of the driver. */
export type SeatRecords = {
  get(driver: string): SeatRecord | undefined
  put(driver: string, record: SeatRecord): void
  delete(driver: string): void
}

export const noSeatRecords: SeatRecords = {
  get: () => undefined,
  put: () => undefined,
  delete: () => undefined,
}

/** Older ones have long ended. */
const mostRemembered = 64

export type SeatOrderOptions = {
  readonly driver: string
  readonly records: SeatRecords
  onError(error: unknown): void
}

export class SeatOrder {
  readonly #options: SeatOrderOptions
  readonly #relieved: Set<string>
  #holder: string | undefined
  #socket: string | undefined

  constructor(options: SeatOrderOptions) {
    this.#options = options
    const { holder, socket, relieved = [] } = options.records.get(options.driver) ?? {}
    this.#holder = holder
    this.#socket = socket
    this.#relieved = new Set(relieved)
  }

  isRelieved(instanceId: string): boolean {
    return this.#relieved.has(instanceId)
  }

  /** The instance at that socket has the name from now on. */
  sits(instanceId: string, socket: string): void {
    if (this.#holder === instanceId && this.#socket === socket) return
    const comesBack = this.#relieved.delete(instanceId) || this.#holder === instanceId
    // One that was relieved has the name while its successor is away, who takes over again when it is back.
    if (!comesBack && this.#holder !== undefined) this.#relieved.add(this.#holder)
    this.#holder = instanceId
    this.#socket = socket
    this.#trim()
    this.#record((records, driver) => records.put(driver, this.#asRecord()))
  }

  forget(): void {
    this.#record((records, driver) => records.delete(driver))
  }

  #trim(): void {
    const [oldest] = this.#relieved
    if (oldest !== undefined && this.#relieved.size > mostRemembered) this.#relieved.delete(oldest)
  }

  #asRecord(): SeatRecord {
    const [holder, socket] = [this.#holder, this.#socket]
    return {
      ...(holder !== undefined && { holder }),
      ...(socket !== undefined && { socket }),
      relieved: [...this.#relieved],
    }
  }

  /** A failure ends nothing: the record is missed at the next start of the host only. */
  #record(write: (records: SeatRecords, driver: string) => void): void {
    const { driver, records, onError } = this.#options
    try {
      write(records, driver)
    } catch (error) {
      onError(error)
    }
  }
}
