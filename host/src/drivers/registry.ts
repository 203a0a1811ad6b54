// Which drivers are there, by name: makes a session for each socket, gives a name to one driver at a time, and says
// at once, or after a short wait for one that is coming, whether a driver can be called.
import { type ConetError, deadline, type ErrorKind } from '@conet/sdk'
import { ChangeWaits } from './change-waits.ts'
import type { DiscoveredSocket } from './discovery.ts'
import { absenceOf, takesTooLong, waitGivenUp } from './driver-absence.ts'
import type { Role } from './driver-connection.ts'
import { type DriverEntry, entryOfRefusedSocket, entryOfSession, entryWithoutSocket } from './driver-entry.ts'
import type { DriverCalls } from './driver-link.ts'
import { DriverSeats } from './driver-seats.ts'
import type { DriverIdentity } from './handshake.ts'
import { IsolatedChecks } from './isolated-checks.ts'
import type { RegistryOptions, RequireOptions } from './registry-options.ts'
import { noSeatRecords } from './seat-order.ts'
import { Session } from './session.ts'
import { defaultSessionTiming, type SessionTiming } from './session-options.ts'
import { holdsName, isConnected, isUnderWay, takesCalls } from './session-state.ts'
import { isSocketOf, mayBeSocketOf } from './socket-name.ts'
import { takeOver } from './succession.ts'
import { SyncAnswers } from './sync-answers.ts'
import { versionRefusal } from './version-rules.ts'

/** Refused for what may change without the socket. */
const nameRefusals: ReadonlySet<ErrorKind | undefined> = new Set<ErrorKind>(['duplicateName', 'replaced'])

const mostWaitMs = 5_000

export class DriverRegistry {
  readonly #options: RegistryOptions
  readonly #timing: SessionTiming
  readonly #sessions = new Map<string, Session>()
  readonly #refused = new Map<string, DiscoveredSocket>()
  readonly #seats: DriverSeats
  readonly #waits = new ChangeWaits()
  readonly #isolatedChecks = new IsolatedChecks()
  /** Outlives sessions: a driver that comes back answers as before. */
  readonly #syncAnswers = new SyncAnswers()
  #isClosed = false

  constructor(options: RegistryOptions) {
    this.#options = options
    this.#timing = { ...defaultSessionTiming, ...options.timing }
    this.#seats = new DriverSeats({
      timing: this.#timing,
      records: options.seats ?? noSeatRecords,
      onFree: (name) => this.#reconsider(name),
      onError: options.onError,
    })
  }

  /** Discovery found a socket. */
  appeared(socket: DiscoveredSocket): void {
    if (this.#isClosed) return
    if (socket.refusal !== undefined) {
      this.#refused.set(socket.identity, socket)
      this.#announce(entryOfRefusedSocket(socket))
      return
    }
    const { host, sinks, sync, onError } = this.#options
    const timing = this.#timing
    const session = new Session({
      socket,
      host,
      sinks,
      sync,
      onError,
      isolatedChecks: this.#isolatedChecks,
      syncAnswers: this.#syncAnswers,
      timing,
      admit: (newcomer, driver) => this.#admit(newcomer, driver),
      succeed: (standby, link, signal) =>
        takeOver({ seat: this.#seats.of(link.driver.name), standby, link, sync, timing, signal }),
      onChange: (changed) => this.#onChange(changed),
    })
    this.#sessions.set(socket.identity, session)
    session.start()
  }

  /** Discovery misses a socket. */
  gone(socket: DiscoveredSocket): void {
    this.#refused.delete(socket.identity)
    const session = this.#sessions.get(socket.identity)
    this.#sessions.delete(socket.identity)
    if (session === undefined) return
    const name = session.identity?.name
    if (name !== undefined && this.#seats.isKnown(name)) this.#seats.remember(name, new Date())
    void session.remove().catch(this.#options.onError)
  }

  /** Drivers of these names are not unknown, only not there: networks on record need them. */
  expect(names: Iterable<string>): void {
    for (const name of names) this.#seats.remember(name)
  }

  /** A driver that is gone is not shown any more. Nothing changes for one that has a socket, or that the host starts. */
  forget(name: string): void {
    this.#seats.forget(name)
  }

  /** The instance that works under that name, if it takes calls now. */
  ready(name: string): Session | undefined {
    const session = this.#seats.holder(name)
    return session !== undefined && takesCalls(session.state) ? session : undefined
  }

  /** The driver of that name, if calls go through now. */
  available(name: string): DriverCalls | undefined {
    return this.#seats.available(name)
  }

  /**
   * The driver of that name, whichever instance it is. `unknownDriver` at once for a name nobody has heard of,
   * `driverUnavailable` for one that is not connected: at once, or after a wait if it is being connected, started or
   * synced.
   */
  async require(name: string, { timeoutMs = mostWaitMs, signal }: RequireOptions = {}): Promise<DriverCalls> {
    const available = this.available(name)
    if (available !== undefined) return available
    using limit = deadline(Math.min(timeoutMs, mostWaitMs), `wait for driver "${name}"`, signal)
    const awaited = await this.#waits.until(limit.signal, () => {
      const seat = this.available(name)
      return seat !== undefined || this.#isComing(name) ? seat : 'none'
    })
    if (awaited !== undefined && awaited !== 'none') return awaited
    if (signal?.aborted) throw waitGivenUp(name, signal)
    throw this.#absence(name)
  }

  /** The driver at that name's own socket, where the host starts it: resolves when that very instance takes calls. */
  async serving(name: string, timeoutMs: number): Promise<void> {
    using limit = deadline(timeoutMs, `wait for driver "${name}"`)
    const isServing = await this.#waits.until(limit.signal, () => this.#isServing(name) || undefined)
    if (!isServing) throw takesTooLong(name, { timeoutMs, why: this.#absence(name) })
  }

  /** Whether the instance at that socket has the name, or is to take over; of one that is being connected, once that is known. */
  async isSeatedAt(name: string, socketPath: string, timeoutMs: number): Promise<boolean> {
    using limit = deadline(timeoutMs, `wait for driver "${name}" at ${socketPath}`)
    const isSeated = await this.#waits.until(limit.signal, () => {
      const session = [...this.#sessions.values()].find(({ socket }) => socket.path === socketPath)
      const state = session?.state ?? 'gone'
      if (session?.identity?.name === name && (holdsName(state) || state === 'standby')) return true
      const mayBeSoon = isUnderWay(state) || state === 'closed'
      return mayBeSoon ? undefined : false
    })
    return isSeated ?? false
  }

  /** The driver at that name's own socket: whether it is connected, or has answered since (`Date.now()`). */
  hasAnsweredSince(name: string, sinceMs: number): boolean {
    const goneMs = this.#seats.goneSince(name)?.getTime()
    if (goneMs !== undefined && goneMs >= sinceMs) return true
    return [...this.#sessions.values()].some(
      ({ socket, state, record: { answeredMs = Number.NEGATIVE_INFINITY } }) =>
        isSocketOf(socket.path, name) &&
        (isConnected(state) || state === 'rejected' || answeredMs >= sinceMs),
    )
  }

  /** Whether a driver of that name is connected, or may be in a moment. */
  isThere(name: string): boolean {
    return this.#isComing(name) || this.#candidates(name).some(({ state }) => isConnected(state))
  }

  /** `ready`, or what stands in the way, for people. */
  stateOf(name: string): string {
    if (this.#seats.available(name) !== undefined) return 'ready'
    return this.#absence(name).message
  }

  /** Something about the drivers that the supervisor starts has changed. */
  supervisionChanged(): void {
    this.#waits.changed()
  }

  /** Every driver there is, should be, or was refused. */
  list(): DriverEntry[] {
    const sessions = [...this.#sessions.values()].map((session) => this.#entry(session))
    const refused = [...this.#refused.values()].map(entryOfRefusedSocket)
    const named = new Set(sessions.map(({ name }) => name))
    const missing = [...this.#knownNames()].filter((name) => !named.has(name))
    return [
      ...sessions,
      ...refused,
      ...missing.map((name) =>
        entryWithoutSocket(name, this.#options.supervision?.stateOf(name), this.#seats.goneSince(name)),
      ),
    ]
  }

  /** Ends all sessions; calls under way may finish within `timeoutMs`. Says nothing any more. */
  async close(timeoutMs = 5_000): Promise<void> {
    this.#isClosed = true
    this.#seats.close()
    await Promise.all([...this.#sessions.values()].map((session) => session.close(timeoutMs)))
    // One instance may just have taken over from another.
    this.#seats.close()
    this.#sessions.clear()
    await this.#isolatedChecks.close()
    this.#waits.changed()
  }

  #admit(newcomer: Session, driver: DriverIdentity): Role | ConetError {
    const refusal = versionRefusal(this.#options.versionRules ?? new Map(), driver)
    if (refusal !== undefined) return refusal
    this.#seats.remember(driver.name)
    return this.#seats.of(driver.name).admit(newcomer, driver)
  }

  #onChange(session: Session): void {
    const name = session.identity?.name
    // The host ends: whose connection ends last takes nobody's name, or the next host would find that on record.
    if (name !== undefined && !this.#isClosed) this.#seats.follow(name, session)
    this.#announce(this.#entry(session))
    this.#waits.changed()
  }

  #announce(entry: DriverEntry): void {
    if (this.#isClosed) return
    try {
      this.#options.onChange(entry)
    } catch (error) {
      // A bug in who listens must not end a session.
      this.#options.onError(error)
    }
  }

  /** The name may be free again: those who were refused for it get another chance. */
  #reconsider(name: string): void {
    for (const session of this.#sessions.values()) {
      if (session.state !== 'rejected' || session.identity?.name !== name) continue
      if (nameRefusals.has(session.record.lastError?.kind)) session.reconsider()
    }
  }

  #entry(session: Session): DriverEntry {
    const { supervision } = this.#options
    // At the socket where the host has started a driver it can be no other, before it has said so, too.
    const name =
      session.identity?.name ?? supervision?.names().find((known) => isSocketOf(session.socket.path, known))
    return entryOfSession(session, name, name === undefined ? undefined : supervision?.stateOf(name))
  }

  #isComing(name: string): boolean {
    if (this.#isClosed) return false
    if (this.#options.supervision?.isComing(name)) return true
    return this.#candidates(name).some(({ state }) => isUnderWay(state))
  }

  /** Those that are, or may turn out to be, the driver of that name. */
  #candidates(name: string): Session[] {
    const isKnown = this.#seats.isKnown(name)
    return [...this.#sessions.values()].filter(({ identity, socket }) =>
      identity === undefined ? isKnown || mayBeSocketOf(socket.path, name) : identity.name === name,
    )
  }

  #absence(name: string): ConetError {
    return absenceOf(name, {
      candidates: this.#candidates(name),
      refused: [...this.#refused.values()],
      known: this.#knownNames(),
      supervised: this.#options.supervision?.stateOf(name),
    })
  }

  #isServing(name: string): boolean {
    return [...this.#sessions.values()].some(
      ({ socket, identity, state }) =>
        identity?.name === name && isSocketOf(socket.path, name) && takesCalls(state),
    )
  }

  #knownNames(): Set<string> {
    return new Set([...this.#seats.names(), ...(this.#options.supervision?.names() ?? [])])
  }
}
