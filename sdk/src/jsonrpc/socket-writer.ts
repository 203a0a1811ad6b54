// From messages to a socket: one write, and one system call, for all messages of one turn, and a bound on what the
// other side leaves unread.
import type { Socket } from 'node:net'
import { ConetError } from '../errors/index.ts'
import type { Outgoing } from './envelope.ts'
import { encodeFrame } from './framing.ts'
import type { PeerLimits } from './limits.ts'
import type { ReadGate } from './read-gate.ts'

/** Above this many times `maxBacklogBytes` nothing is read either, so that replies cannot pile up without end. */
const pauseFactor = 4

/** As many messages leave in one write at most, so that the other side begins while this one goes on. */
const mostTogether = 16
/** A message of this size waits for no others: the other side begins on it while this one goes on. */
const largeBytes = 8 * 1024

export type SocketWriterOptions = {
  readonly limits: PeerLimits
  readonly gate: ReadGate
  /** The backlog stayed above its limit for too long. Called at most once. */
  onSlowConsumer(reason: ConetError): void
}

export class SocketWriter {
  readonly #socket: Socket
  readonly #options: SocketWriterOptions
  #maxMessageBytes: number
  #timer: NodeJS.Timeout | undefined
  /** Frames that wait for the end of the turn. Joining text is cheap, and text of one write needs no buffer. */
  #text = ''
  #textBytes = 0
  #messages = 0
  #isFlushDue = false

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
    return this.#backlogBytes > this.#options.limits.maxBacklogBytes
  }

  get #backlogBytes(): number {
    return this.#socket.writableLength + this.#textBytes
  }

  /**
   * Throws `messageTooLarge` before anything is written. `forTurn`: more is likely to follow within this turn of the
   * event loop, so it waits for the next, and goes with that in one system call that wakes the other side once.
   */
  send(message: Outgoing, { forTurn = false }: { forTurn?: boolean } = {}): void {
    const { text, bytes } = encodeFrame(message, this.#maxMessageBytes)
    this.#text += text
    this.#textBytes += bytes
    this.#messages += 1
    if (this.#messages >= mostTogether || bytes >= largeBytes) this.#write()
    else this.#flushSoon(forTurn)
    this.#watchBacklog()
  }

  /** Nothing is sent after what was sent before. */
  end(): void {
    this.#write()
    this.#socket.end()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#socket.off('drain', this.#onDrain)
  }

  /** When the code that runs now has come to its first wait, or after this turn of the loop. */
  #flushSoon(forTurn: boolean): void {
    if (this.#isFlushDue) return
    this.#isFlushDue = true
    if (forTurn) setImmediate(this.#flush)
    else process.nextTick(this.#flush)
  }

  readonly #flush = (): void => {
    this.#isFlushDue = false
    this.#write()
  }

  #write(): void {
    if (this.#messages === 0) return
    this.#messages = 0
    const text = this.#text
    const isAscii = text.length === this.#textBytes
    this.#text = ''
    this.#textBytes = 0
    // The length that the stream keeps of a text is in characters, so other text goes as the bytes it is.
    if (isAscii) this.#socket.write(text, 'latin1')
    else this.#socket.write(Buffer.from(text))
  }

  #watchBacklog(): void {
    const { maxBacklogBytes, backlogTimeoutMs } = this.#options.limits
    if (this.isOverloaded) {
      if (this.#backlogBytes > pauseFactor * maxBacklogBytes) this.#options.gate.shut('backlog')
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
    const bytes = this.#backlogBytes
    const why = `the other side left ${bytes} bytes unread for ${backlogTimeoutMs} ms`
    this.#options.onSlowConsumer(new ConetError('overloaded', `write a message: ${why}`))
  }

  readonly #onDrain = (): void => this.#relax()

  #relax(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#options.gate.open('backlog')
  }
}
