// serveDriver: from a driver object to a socket that hosts can connect to, and back. It does not touch the process:
// that is runDriver's.
import { randomUUID } from 'node:crypto'
import { addAbortListener } from 'node:events'
import type { Socket } from 'node:net'
import { CallRunner } from './call-runner.ts'
import { defineDriver } from './define-driver.ts'
import type { Driver } from './driver.ts'
import { errorFields, jsonLines, Log, type LogLevel } from './driver-log.ts'
import { DriverSocket } from './driver-socket.ts'
import { HostChannel } from './host-channel.ts'
import { HostSession } from './host-session.ts'

/** How a driver is served. */
export type ServeOptions = {
  /** Where the host looks for drivers: `/run/conet/drivers/NAME.sock`. At most 107 bytes. */
  readonly socketPath: string
  /** Stops the driver when it aborts, like `close`. */
  readonly signal?: AbortSignal
  /** Lines below it go neither to stderr nor to the host. Default `info`. */
  readonly logLevel?: LogLevel
  /** Gets each line of the log, with its line end; stderr by default. */
  readonly writeLog?: (line: string) => void
  /** How long calls under way may take when the driver stops. Default 5000. */
  readonly stopTimeoutMs?: number
}

/** A driver that hosts can connect to. */
export type ServedDriver = AsyncDisposable & {
  readonly socketPath: string
  /**
   * Stops: no new connections or calls, calls under way end within `stopTimeoutMs` or are aborted, then
   * `driver.stop()`; the socket is removed. May be repeated. Rejects with what `driver.stop()` throws.
   */
  close(): Promise<void>
  /** Settles as `close` does, whoever closes: also when the host says that another instance has taken over. */
  readonly closed: Promise<void>
}

const defaultStopTimeoutMs = 5_000
const graceMs = 1_000

/**
 * Listens, and resolves when hosts can connect. The socket appears whole, with mode 0600; one that a dead process left
 * is replaced; one that somebody removes is made anew within a second or two. Rejects with a ConetError:
 * `invalidArgument` (path too long), `failedPrecondition` (directory), `conflict` (someone else is there); then it may
 * be called again. One call for a driver object: each would `start` it.
 */
export async function serveDriver(driver: Driver, options: ServeOptions): Promise<ServedDriver> {
  const server = new DriverServer(defineDriver(driver), options)
  await server.listen()
  return server
}

class DriverServer implements ServedDriver {
  readonly socketPath: string
  readonly #options: ServeOptions
  readonly #log: Log
  readonly #channel: HostChannel
  readonly #runner: CallRunner
  readonly #instanceId = randomUUID()
  readonly #sessions = new Set<HostSession>()
  readonly closed: Promise<void>
  #settleClosed: (ending: Promise<void>) => void = () => undefined
  #socket: DriverSocket | undefined
  #closing: Promise<void> | undefined

  constructor(driver: Driver, options: ServeOptions) {
    const { socketPath, logLevel = 'info', writeLog = (line) => process.stderr.write(line) } = options
    this.socketPath = socketPath
    this.#options = options
    this.#channel = new HostChannel({
      onBadNotice: (error) => this.#log.write('error', 'the driver sent a bad notice', errorFields(error)),
    })
    this.#log = new Log({
      level: logLevel,
      sinks: [jsonLines(driver.name, writeLog), (line) => this.#channel.log(line)],
    })
    this.#runner = new CallRunner({ driver, log: this.#log, host: this.#channel })
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve
    })
    // Nobody need ask; whoever calls `close` hears of a failure.
    this.closed.catch(() => undefined)
  }

  async listen(): Promise<void> {
    const { signal } = this.#options
    signal?.throwIfAborted()
    const about = { socketPath: this.socketPath }
    this.#socket = await DriverSocket.open({
      path: this.socketPath,
      onConnection: (socket) => this.#accept(socket),
      onRenewed: () => this.#log.write('warn', 'its socket was removed: it listens at a new one', about),
      onError: (error) => this.#log.write('error', 'the socket failed', errorFields(error)),
    })
    const { name, version } = this.#runner.driver
    this.#log.write('info', `driver "${name}" ${version} listens`, about)
    if (signal !== undefined) this.#closeWith(signal)
  }

  close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#closing = this.#close()
      this.#settleClosed(this.#closing)
    }
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #closeWith(signal: AbortSignal): void {
    const listener = addAbortListener(signal, () => this.#closeUnasked())
    const forget = () => listener[Symbol.dispose]()
    this.closed.then(forget, forget)
  }

  #closeUnasked(): void {
    this.close().catch((error: unknown) => this.#log.write('error', 'stop failed', errorFields(error)))
  }

  #accept(socket: Socket): void {
    if (this.#closing !== undefined) {
      socket.destroy()
      return
    }
    const session = new HostSession(socket, {
      runner: this.#runner,
      channel: this.#channel,
      log: this.#log,
      instanceId: this.#instanceId,
      onReplaced: () => this.#closeUnasked(),
    })
    this.#sessions.add(session)
    session.peer.onClose(() => this.#sessions.delete(session))
  }

  async #close(): Promise<void> {
    const timeoutMs = this.#options.stopTimeoutMs ?? defaultStopTimeoutMs
    // Connections end, and the driver stops, even if the socket cannot be removed.
    const removing = Promise.allSettled([this.#socket?.close()])
    await Promise.all([...this.#sessions].map(({ peer }) => peer.close({ timeoutMs })))
    const endings = [...(await removing), ...(await Promise.allSettled([this.#runner.stop(graceMs)]))]
    const { name } = this.#runner.driver
    const failures = endings.flatMap((ending) => (ending.status === 'rejected' ? [ending.reason] : []))
    if (failures.length > 1) throw new AggregateError(failures, `stop driver "${name}"`)
    if (failures.length === 1) throw failures[0]
    this.#log.write('info', `driver "${name}" stopped`)
  }
}
