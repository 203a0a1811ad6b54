// One connection to a driver from its first byte to its last: what is said on it, in which order. Which state that
// means is the session's business.
import type { Socket } from 'node:net'
import { ConetError, type ErrorKind, isNotificationMethod } from '@conet/sdk'
import { JsonRpcPeer, UnknownMethodError } from '@conet/sdk/jsonrpc'
import { type ConnectionEnd, untilClosed } from './connection-end.ts'
import { DriverLink } from './driver-link.ts'
import { DriverNotices } from './driver-notices.ts'
import { type Handshake, type Introduction, shakeHands } from './handshake.ts'
import { Pinger } from './pinger.ts'
import { type Health, Prober } from './prober.ts'
import { ProgressBook } from './progress-book.ts'
import type { SessionOptions } from './session-options.ts'
import type { SessionRecord } from './session-record.ts'

const mostMissedPings = 3
/** Above what is taken of events and log lines; more would cost the calls of other drivers their time. */
const pace = { perSecond: 1_000, burst: 4_000 }
/** For the verdict to reach a rejected driver. */
const rejectedCloseMs = 1_000

const silences: ReadonlySet<ErrorKind> = new Set(['deadlineExceeded', 'driverUnavailable', 'cancelled'])

/** As what a driver is used: alone under its name, or beside the one that it is to relieve. */
export type Role = 'active' | 'standby'

/** What a connection tells its session. */
export type ConnectionListener = {
  /** A call or a ping was not answered within its time. */
  onMissed(error: ConetError): void
  /** A ping or a call was answered that was sent then (`performance.now()`). */
  onAnswered(sentMs: number): void
}

export type DriverConnectionOptions = Pick<
  SessionOptions,
  'host' | 'timing' | 'sinks' | 'isolatedChecks' | 'syncAnswers' | 'onError'
> &
  ConnectionListener & { readonly record: SessionRecord }

export class DriverConnection implements Disposable {
  readonly ended: ConnectionEnd
  readonly #peer: JsonRpcPeer
  readonly #options: DriverConnectionOptions
  readonly #progress: ProgressBook
  #notices: DriverNotices | undefined
  #prober: Prober | undefined

  /** Takes over the socket. */
  constructor(socket: Socket, options: DriverConnectionOptions) {
    const { record, timing, syncAnswers, onError } = options
    const { violations } = record
    this.#options = options
    this.#progress = new ProgressBook({ ...timing, violations })
    this.#peer = new JsonRpcPeer(socket, {
      onError,
      reservedMethods: ['$/progress'],
      pace,
      parse: (text) => syncAnswers.parse(text),
      onViolation: ({ message }, kind) => violations.add(kind, message),
    })
    this.#peer.onNotification((method, params) => this.#hear(method, params))
    this.#peer.onRequest((method) => this.#refuse(method))
    this.ended = untilClosed(this.#peer)
  }

  /** Cuts the connection. */
  [Symbol.dispose](): void {
    this.#peer.abort(undefined)
  }

  abort(reason: unknown): void {
    this.#peer.abort(reason)
  }

  /** Calls under way may end within that time. */
  close(timeoutMs: number): Promise<void> {
    return this.#peer.close({ timeoutMs })
  }

  async shakeHands(signal: AbortSignal): Promise<Handshake> {
    const { host, timing, isolatedChecks, record } = this.#options
    try {
      const handshake = await shakeHands(this.#peer, { host, timing, isolatedChecks, signal })
      record.answeredMs = Date.now()
      return handshake
    } catch (error) {
      if (!isSilence(error)) record.answeredMs = Date.now()
      throw error
    }
  }

  /** The verdict: used. Notices are heard from here on. */
  accept(introduction: Introduction, role: Role): DriverLink {
    const { sinks, record } = this.#options
    this.tellRole(role)
    this.#notices = new DriverNotices({
      driver: introduction.driver.name,
      progress: this.#progress,
      record,
      sinks,
    })
    return this.#link(introduction)
  }

  /** Once more, when a standby becomes the active one. */
  tellRole(role: Role): void {
    this.#peer.notify('initialized', { role })
  }

  /** The verdict: not used, or not any more. Ends the connection. */
  async reject({ code, kind, message }: ConetError): Promise<void> {
    try {
      this.#peer.notify('rejected', { code, name: kind, message })
    } catch {
      // It has hung up already: the verdict stands, there is no one to tell.
    }
    await this.#peer.close({ timeoutMs: rejectedCloseMs })
  }

  /** Pings, and probes where the driver offers it, until it is disposed. */
  watch(link: DriverLink): Disposable {
    const { timing } = this.#options
    const pinger = new Pinger(link, {
      intervalMs: timing.pingIntervalMs,
      timeoutMs: timing.pingTimeoutMs,
      mostMisses: mostMissedPings,
      onDead: (reason) => this.abort(reason),
    })
    const onHealth = (health: Health) => this.#hearHealth(link, health)
    const prober = link.offers('driver/probe') ? new Prober(link, { ...timing, onHealth }) : undefined
    this.#prober = prober
    return {
      [Symbol.dispose]: () => {
        pinger[Symbol.dispose]()
        prober?.[Symbol.dispose]()
      },
    }
  }

  #link(introduction: Introduction): DriverLink {
    const { timing, record, syncAnswers, onMissed, onAnswered } = this.#options
    return new DriverLink(this.#peer, introduction, {
      callTimeoutMs: timing.callTimeoutMs,
      ledger: record.ledger,
      violations: record.violations,
      progress: this.#progress,
      syncAnswers,
      onMissed,
      onAnswered,
      onTrouble: () => this.#prober?.suspect(),
    })
  }

  /** Told when it changes, and shown always. */
  #hearHealth({ driver }: DriverLink, health: Health): void {
    const { record, sinks } = this.#options
    const before = record.health?.healthy ?? true
    record.health = health
    if (health.healthy !== before) sinks.health(driver.name, health)
  }

  #hear(method: string, params: unknown): void {
    if (this.#notices !== undefined) this.#notices.receive(method, params)
    else if (isNotificationMethod(method))
      this.#options.record.violations.add('bad-notice', `${method}: it came before \`initialized\``)
  }

  #refuse(method: string): never {
    this.#options.record.violations.add('request-to-host', `${method}: a driver asks the host nothing`)
    throw new UnknownMethodError(`${method}: no such method`)
  }
}

/** Nobody has answered; any other failure is an answer. */
function isSilence(error: unknown): boolean {
  return ConetError.is(error) && silences.has(error.kind)
}
