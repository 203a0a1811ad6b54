// Dials the socket of a driver again and again, for as long as the socket stands. What is said on a connection is its
// owner's business.
import type { Socket } from 'node:net'
import { ConetError } from '@conet/sdk'
import { connectSocket } from './connect-socket.ts'
import type { Redial } from './redial.ts'
import type { SessionProgress } from './session-progress.ts'
import { stillStands } from './socket-identity.ts'

export type DialLoopOptions = {
  readonly socket: { readonly path: string; readonly identity: string }
  readonly connectTimeoutMs: number
  readonly progress: SessionProgress
  readonly redial: Redial
  /** The socket is dialled now. */
  onAttempt(): void
  /** One connection from its beginning to its end. Returns if the driver was rejected; else throws why it ended. */
  converse(stream: Socket, signal: AbortSignal): Promise<void>
  onLost(error: unknown): void
  /** Gets bugs. */
  onError(error: unknown): void
}

export class DialLoop {
  readonly #options: DialLoopOptions
  readonly #ending = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: DialLoopOptions) {
    this.#options = options
  }

  /** Call it once. */
  start(): void {
    this.#running = this.#run().catch(this.#options.onError)
  }

  /** Cuts the connection; resolves when nothing is under way any more. */
  async end(reason: Error): Promise<void> {
    this.#ending.abort(reason)
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending
    const { progress } = this.#options
    try {
      for (;;) {
        await this.#connect(signal)
        await this.#pause(signal)
      }
    } catch (error) {
      // Nothing but `end` ends the loop.
      if (!signal.aborted) throw error
    } finally {
      progress.step('removed')
    }
  }

  /** Throws only when the loop ends. */
  async #connect(signal: AbortSignal): Promise<void> {
    const { progress, onAttempt, converse, onLost } = this.#options
    onAttempt()
    try {
      await converse(await this.#dial(signal), signal)
    } catch (error) {
      signal.throwIfAborted()
      onLost(error)
      progress.step('lost')
    }
  }

  /** A driver that has just started anew has another socket there, which is dialled when it is found. */
  async #dial(signal: AbortSignal): Promise<Socket> {
    const { socket, connectTimeoutMs: timeoutMs } = this.#options
    const stream = await connectSocket(socket.path, { timeoutMs, signal })
    if (await stillStands(socket)) return stream
    stream.destroy()
    throw new ConetError(
      'driverUnavailable',
      `connect to ${socket.path}: another socket stands there by now`,
      {
        details: { socket: socket.path },
      },
    )
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const { progress, redial } = this.#options
    if (progress.state === 'rejected') {
      await redial.afterRefusal(signal)
      progress.step('reconsidered')
    } else {
      await redial.afterLoss(signal)
      progress.step('retry')
    }
  }
}
