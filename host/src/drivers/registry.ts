// Which drivers are there, by name: makes a session for each socket, gives a name to one driver at a time, and says
// at once, or after a short wait for one that is coming, whether a driver can be called.
import { EventEmitter, once } from 'node:events'
import { ConetError, deadline } from '@conet/sdk'
import type { DiscoveredSocket } from './discovery.ts'
import { type DriverEntry, entryOfRefusedSocket, entryOfSession, entryWithoutSocket } from './driver-entry.ts'
import type { DriverCalls } from './driver-link.ts'
import type { NoticeSinks } from './driver-notices.ts'
import type { DriverIdentity, HostIdentity } from './handshake.ts'
import { IsolatedChecks } from './isolated-checks.ts'
import { Session } from './session.ts'
import { defaultSessionTiming, type SessionTiming } from './session-options.ts'
import { holdsName, isUnderWay, takesCalls } from './session-state.ts'
import { mayBeSocketOf } from './socket-name.ts'
import type { SupervisedState } from './supervised-driver.ts'

/** What the registry asks the supervisor. */
export type Supervision = {
  names(): string[]
  stateOf(name: string): SupervisedState | undefined
  isComing(name: string): boolean
}

export type RegistryOptions = {
  readonly host: HostIdentity
  readonly sinks: NoticeSinks
  /** Tells a driver what should be, after each connect and before others may call it. */
  sync(driver: DriverCalls, signal: AbortSignal): Promise<void>
  /** The state of a driver changed. */
  onChange(entry: DriverEntry): void
  /** Gets bugs. */
  onError(error: unknown): void
  readonly supervision?: Supervision
  readonly timing?: Partial<SessionTiming>
}

export type RequireOptions = {
  /** The caller's time; never more than 5 s are waited. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

const mostWaitMs = 5_000
const mostRemembered = 1_000

export class DriverRegistry {
  readonly #options: RegistryOptions
  readonly #timing: SessionTiming
  readonly #sessions = new Map<string, Session>()
  readonly #refused = new Map<string, DiscoveredSocket>()
  /** The connected driver of each name. */
  readonly #holders = new Map<string, Session>()
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
    const session = new Session({
      socket,
      host,
      sinks,
      sync,
      onError,
      isolatedChecks: this.#isolatedChecks,
      timing: this.#timing,
      admit: (newcomer, driver) => this.#admit(newcomer, driver),
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

  /** The driver of that name if it takes calls now. */
  ready(name: string): Session | undefined {
    const session = this.#holders.get(name)
    return session !== undefined && takesCalls(session.state) ? session : undefined
  }

  /**
   * The driver of that name. `unknownDriver` at once for a name nobody has heard of, `driverUnavailable` for one that
   * is not connected: at once, or after a wait if it is being connected, started or synced.
   */
  async require(name: string, { timeoutMs = mostWaitMs, signal }: RequireOptions = {}): Promise<Session> {
    const ready = this.ready(name)
    if (ready !== undefined) return ready
    using limit = deadline(Math.min(timeoutMs, mostWaitMs), `wait for driver "${name}"`, signal)
    while (this.#isComing(name) && !limit.signal.aborted) {
      await once(this.#changes, 'change', { signal: limit.signal }).catch(ignoreAbort)
      const session = this.ready(name)
      if (session !== undefined) return session
    }
    if (signal?.aborted) throw givenUp(name, signal)
    throw this.#absence(name)
  }

  /** `ready`, or what stands in the way, for people. */
  stateOf(name: string): string {
    if (this.ready(name) !== undefined) return 'ready'
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
    await Promise.all([...this.#sessions.values()].map((session) => session.close(timeoutMs)))
    this.#sessions.clear()
    await this.#isolatedChecks.close()
    this.#changes.emit('change')
  }

  #admit(newcomer: Session, { name }: DriverIdentity): ConetError | undefined {
    const holder = this.#holders.get(name)
    if (holder !== undefined && holder !== newcomer && holdsName(holder.state)) {
      const sockets = [holder.socket.path, newcomer.socket.path]
      const message = `driver "${name}" at ${sockets[1]}: the driver at ${sockets[0]} has that name`
      return new ConetError('duplicateName', message, { details: { driver: name, sockets } })
    }
    this.#holders.set(name, newcomer)
    this.#remember(name)
    return undefined
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
    const lostIt = this.#holders.get(name) === session && !holdsName(session.state)
    if (lostIt) this.#holders.delete(name)
    const isAway = session.state === 'gone' || (session.state === 'closed' && !lostIt)
    if (isAway && !this.#holders.has(name)) this.#reconsiderDuplicates(name)
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

  /** The name is free again: those who were refused for it get another chance. */
  #reconsiderDuplicates(name: string): void {
    for (const session of this.#sessions.values()) {
      if (session.state !== 'rejected' || session.identity?.name !== name) continue
      if (session.lastError?.kind === 'duplicateName') session.reconsider()
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
