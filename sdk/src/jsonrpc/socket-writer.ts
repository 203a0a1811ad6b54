// From messages to a socket: one write a message, one system call for what is written in one turn, and a bound on
// what the other side leaves unread.
import type { Socket } from 'node:net'
import { ConetError } from '../errors/index.ts'
import { encodeFrame } from './framing.ts'
import type { PeerLimits } from './limits.ts'

/** Above this many times `maxBacklogBytes` nothing is read either, so that replies cannot pile up without end. */
const pauseFactor = 4

export type SocketWriterOptions = {
  readonly limits: PeerLimits
  /** The backlog stayed above its limit for too long. Called at most once. */
  onSlowConsumer(reason: ConetError): void
}

export class SocketWriter {
  readonly #socket: Socket
  readonly #options: SocketWriterOptions
  #maxMessageBytes: number
  #timer: NodeJS.Timeout | undefined
  #isCorked = false

  constructor(socket: Socket, options: SocketWriterOptions) {
    this.#socket = socket
    this.#options = options
    this.#maxMessageBytes = options.limits.maxOutgoingBytes
    socket.on('drain', this.#onDrain)
  }

  /** The largest body that the other side takes. */
  set maxMessageBytes(bytes: number) {
    this.#maxMessageBytes = bytes
  }

  /** Whether the other side is so far behind that nothing new should be begun. */
  get isOverloaded(): boolean {
    return this.#socket.writableLength > this.#options.limits.maxBacklogBytes
  }

  /**
   * Throws `messageTooLarge` before anything is written. `forTurn`: more is likely to follow within this turn of the
   * event loop, so it waits for the next, and goes with that in one system call that wakes the other side once.
   */
  send(message: object, { forTurn = false }: { forTurn?: boolean } = {}): void {
    const frame = encodeFrame(message, this.#maxMessageBytes)
    this.#cork(forTurn)
    this.#socket.write(frame)
    this.#watchBacklog()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#socket.off('drain', this.#onDrain)
  }

  /** Holds what is written until the code that runs now has come to its first wait, or for a turn of the loop. */
  #cork(forTurn: boolean): void {
    if (this.#isCorked) return
    this.#isCorked = true
    this.#socket.cork()
    if (forTurn) setImmediate(this.#uncork)
    else process.nextTick(this.#uncork)
  }

  readonly #uncork = (): void => {
    this.#isCorked = false
    this.#socket.uncork()
  }

  #watchBacklog(): void {
    const { maxBacklogBytes, backlogTimeoutMs } = this.#options.limits
    if (this.isOverloaded) {
      if (this.#socket.writableLength > pauseFactor * maxBacklogBytes) this.#socket.pause()
      this.#timer ??= setTimeout(() => this.#closeIfStillBehind(), backlogTimeoutMs)
    } else {
      this.#relax()
    }
  }

  #closeIfStillBehind(): void {
    if (!this.isOverloaded) {
      this.#relax()
      return
    }
    const { backlogTimeoutMs } = this.#options.limits
    const bytes = this.#socket.writableLength
    const why = `the other side left ${bytes} bytes unread for ${backlogTimeoutMs} ms`
    this.#options.onSlowConsumer(new ConetError('overloaded', `write a message: ${why}`))
  }

  readonly #onDrain = (): void => this.#relax()

  #relax(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#socket.isPaused()) this.#socket.resume()
  }
}
