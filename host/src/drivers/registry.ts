// Which drivers are there, by name: makes a session for each socket, gives a name to one driver at a time, and says
// at once, or after a short wait for one that is coming, whether a driver can be called.
import { EventEmitter, once } from 'node:events'
import { ConetError, deadline, type ErrorKind } from '@conet/sdk'
import type { DiscoveredSocket } from './discovery.ts'
import type { Role } from './driver-connection.ts'
import { type DriverEntry, entryOfRefusedSocket, entryOfSession, entryWithoutSocket } from './driver-entry.ts'
import type { DriverCalls } from './driver-link.ts'
import { DriverSeat } from './driver-seat.ts'
import type { DriverIdentity, HostIdentity } from './handshake.ts'
import { IsolatedChecks } from './isolated-checks.ts'
import { Session } from './session.ts'
import { defaultSessionTiming, type SessionSinks, type SessionTiming, type Sync } from './session-options.ts'
import { isUnderWay, takesCalls } from './session-state.ts'
import { mayBeSocketOf } from './socket-name.ts'
import { takeOver } from './succession.ts'
import type { SupervisedState } from './supervised-driver.ts'
import { type VersionRules, versionRefusal } from './version-rules.ts'

/** What the registry asks the supervisor. */
export type Supervision = {
  names(): string[]
  stateOf(name: string): SupervisedState | undefined
  isComing(name: string): boolean
}

export type RegistryOptions = {
  readonly host: HostIdentity
  readonly sinks: SessionSinks
  /** After each connect, and before others may call the driver. */
  readonly sync: Sync
  /** The state of a driver changed. */
  onChange(entry: DriverEntry): void
  /** Gets bugs. */
  onError(error: unknown): void
  readonly supervision?: Supervision
  readonly timing?: Partial<SessionTiming>
  readonly versionRules?: VersionRules
}

export type RequireOptions = {
  /** The caller's time; never more than 5 s are waited. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** Refused for what may change without the socket. */
const nameRefusals: ReadonlySet<ErrorKind | undefined> = new Set<ErrorKind>(['duplicateName', 'replaced'])

const mostWaitMs = 5_000
const mostRemembered = 1_000

export class DriverRegistry {
  readonly #options: RegistryOptions
  readonly #timing: SessionTiming
  readonly #sessions = new Map<string, Session>()
  readonly #refused = new Map<string, DiscoveredSocket>()
  /** By the name of the driver; kept as long as the name is known. */
  readonly #seats = new Map<string, DriverSeat>()
  /** Names that were seen or are expected, oldest first. */
  readonly #known = new Set<string>()
  readonly #changes = new EventEmitter().setMaxListeners(0)
  readonly #isolatedChecks = new IsolatedChecks()
  #isClosed = false

  constructor(options: RegistryOptions) {
    this.#options = options
    this.#timing = { ...defaultSessionTiming, ...options.timing }
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
      timing,
      admit: (newcomer, driver) => this.#admit(newcomer, driver),
      succeed: (standby, link, signal) =>
        takeOver({ seat: this.#seatOf(link.driver.name), standby, link, sync, timing, signal }),
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
    if (session !== undefined) void session.remove().catch(this.#options.onError)
  }

  /** Drivers of these names are not unknown, only not there: networks on record need them. */
  expect(names: Iterable<string>): void {
    for (const name of names) this.#remember(name)
  }

  /** The instance that works under that name, if it takes calls now. */
  ready(name: string): Session | undefined {
    const session = this.#seats.get(name)?.holder
    return session !== undefined && takesCalls(session.state) ? session : undefined
  }

  /**
   * The driver of that name, whichever instance it is. `unknownDriver` at once for a name nobody has heard of,
   * `driverUnavailable` for one that is not connected: at once, or after a wait if it is being connected, started or
   * synced.
   */
  async require(name: string, { timeoutMs = mostWaitMs, signal }: RequireOptions = {}): Promise<DriverCalls> {
    const available = this.#available(name)
    if (available !== undefined) return available
    using limit = deadline(Math.min(timeoutMs, mostWaitMs), `wait for driver "${name}"`, signal)
    while (this.#isComing(name) && !limit.signal.aborted) {
      await once(this.#changes, 'change', { signal: limit.signal }).catch(ignoreAbort)
      const seat = this.#available(name)
      if (seat !== undefined) return seat
    }
    if (signal?.aborted) throw givenUp(name, signal)
    throw this.#absence(name)
  }

  /** `ready`, or what stands in the way, for people. */
  stateOf(name: string): string {
    if (this.#available(name) !== undefined) return 'ready'
    return this.#absence(name).message
  }

  /** Something about the drivers that the supervisor starts has changed. */
  supervisionChanged(): void {
    this.#changes.emit('change')
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
      ...missing.map((name) => entryWithoutSocket(name, this.#options.supervision?.stateOf(name))),
    ]
  }

  /** Ends all sessions; calls under way may finish within `timeoutMs`. Says nothing any more. */
  async close(timeoutMs = 5_000): Promise<void> {
    this.#isClosed = true
    for (const seat of this.#seats.values()) seat.close()
    await Promise.all([...this.#sessions.values()].map((session) => session.close(timeoutMs)))
    this.#sessions.clear()
    await this.#isolatedChecks.close()
    this.#changes.emit('change')
  }

  #admit(newcomer: Session, driver: DriverIdentity): Role | ConetError {
    const refusal = versionRefusal(this.#options.versionRules ?? new Map(), driver)
    if (refusal !== undefined) return refusal
    this.#remember(driver.name)
    return this.#seatOf(driver.name).admit(newcomer, driver)
  }

  #seatOf(name: string): DriverSeat {
    const known = this.#seats.get(name)
    if (known !== undefined) return known
    const { onError } = this.#options
    const onFree = () => this.#reconsider(name)
    const seat = new DriverSeat({ name, timing: this.#timing, onFree, onError })
    this.#seats.set(name, seat)
    return seat
  }

  #available(name: string): DriverSeat | undefined {
    const seat = this.#seats.get(name)
    return seat?.isAvailable ? seat : undefined
  }

  #onChange(session: Session): void {
    const name = session.identity?.name
    if (name !== undefined) this.#followName(name, session)
    this.#announce(this.#entry(session))
    this.#changes.emit('change')
  }

  /**
   * A driver that lost its connection loses its name, but those who were refused for it get their chance only when it
   * did not come back at the next try, so that a short break does not hand its networks to another.
   */
  #followName(name: string, session: Session): void {
    const seat = this.#seats.get(name)
    if (seat === undefined) return
    const wasHolder = seat.holder === session
    seat.follow(session)
    const lostIt = wasHolder && seat.holder !== session
    const isAway = session.state === 'gone' || (session.state === 'closed' && !lostIt)
    if (isAway && seat.holder === undefined) this.#reconsider(name)
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
    const name = session.identity?.name
    return entryOfSession(session, name === undefined ? undefined : this.#options.supervision?.stateOf(name))
  }

  #isComing(name: string): boolean {
    if (this.#isClosed) return false
    if (this.#options.supervision?.isComing(name)) return true
    return this.#candidates(name).some(({ state }) => isUnderWay(state))
  }

  /** Those that are, or may turn out to be, the driver of that name. */
  #candidates(name: string): Session[] {
    const isKnown = this.#known.has(name)
    return [...this.#sessions.values()].filter(({ identity, socket }) =>
      identity === undefined ? isKnown || mayBeSocketOf(socket.path, name) : identity.name === name,
    )
  }

  #absence(name: string): ConetError {
    const candidates = this.#candidates(name).filter(
      ({ identity, socket }) => identity !== undefined || mayBeSocketOf(socket.path, name),
    )
    const session = candidates.find(({ state }) => state !== 'rejected') ?? candidates[0]
    if (session !== undefined) return session.unavailable('call it')
    const known = [...this.#knownNames()].sort()
    if (known.includes(name)) return this.#notThere(name)
    const list = known.length === 0 ? 'none' : known.join(', ')
    return new ConetError('unknownDriver', `there is no driver "${name}"; known drivers: ${list}`, {
      details: { driver: name, known },
    })
  }

  #notThere(name: string): ConetError {
    const supervised = this.#options.supervision?.stateOf(name)
    const why = supervised?.state === 'waiting' ? `: ${supervised.lastExit}` : ''
    return new ConetError('driverUnavailable', `driver "${name}" has no socket${why}`, {
      details: { driver: name, state: 'gone' },
    })
  }

  #knownNames(): Set<string> {
    return new Set([...this.#known, ...(this.#options.supervision?.names() ?? [])])
  }

  #remember(name: string): void {
    this.#known.delete(name)
    this.#known.add(name)
    if (this.#known.size <= mostRemembered) return
    for (const oldest of this.#known) {
      this.#known.delete(oldest)
      if (this.#seats.get(oldest)?.isEmpty) this.#seats.delete(oldest)
      return
    }
  }
}

function givenUp(name: string, signal: AbortSignal): ConetError {
  return new ConetError('cancelled', `wait for driver "${name}": given up by the caller`, {
    cause: signal.reason,
    operationState: 'not-started',
  })
}

/** The loop around it looks at the signal itself. */
function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error
}
