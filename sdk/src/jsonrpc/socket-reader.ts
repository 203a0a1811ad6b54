// From a socket to whole messages, with a time limit on every message that has begun. It does not wait for a first
// message: how long a connection may be silent is for the owner to say.
import type { Socket } from 'node:net'
import { ConetError } from '../errors/index.ts'
import { FrameParser, type FramePhase, type JsonObject } from './framing.ts'
import type { PeerLimits } from './limits.ts'
import type { ReadGate } from './read-gate.ts'

export type SocketReaderOptions = {
  readonly limits: PeerLimits
  readonly gate: ReadGate
  /** Instead of `JSON.parse`. */
  readonly parse?: ((text: string) => unknown) | undefined
  onMessage(message: JsonObject, length: number): void
  /** The other side ended the stream between two messages. */
  onEnd(): void
  /** The stream cannot be read any further. Called at most once. */
  onFailure(reason: ConetError): void
}

export class SocketReader {
  readonly #socket: Socket
  readonly #options: SocketReaderOptions
  readonly #parser: FrameParser
  #timer: NodeJS.Timeout | undefined
  #resting: NodeJS.Timeout | undefined
  /** The message and part that the timer is for. */
  #timedMessage = 0
  #timedPhase: FramePhase = 'between'
  #isClosed = false

  constructor(socket: Socket, options: SocketReaderOptions) {
    this.#socket = socket
    this.#options = options
    this.#parser = new FrameParser({
      maxMessageBytes: options.limits.maxMessageBytes,
      parse: options.parse,
      onMessage: (message, length) => {
        // A message may have closed the connection while others of the same chunk wait.
        if (!this.#isClosed) options.onMessage(message, length)
      },
    })
    socket.on('data', this.#onData).on('end', this.#onEnd)
  }

  /** Reads nothing for so long: what comes meanwhile waits in the sockets, and then at its sender. */
  rest(forMs: number): void {
    if (this.#isClosed || this.#resting !== undefined) return
    const { gate } = this.#options
    gate.shut('pace')
    this.#resting = setTimeout(() => {
      this.#resting = undefined
      gate.open('pace')
    }, forMs)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    clearTimeout(this.#resting)
    this.#socket.off('data', this.#onData).off('end', this.#onEnd)
  }

  readonly #onData = (chunk: Buffer): void => {
    try {
      this.#parser.push(chunk)
    } catch (error) {
      this.#fail(asViolation(error))
      return
    }
    if (!this.#isClosed) this.#watchClock()
  }

  readonly #onEnd = (): void => {
    if (this.#parser.phase === 'between') this.#options.onEnd()
    else this.#fail(violation(`the stream ended inside a ${this.#parser.phase}`))
  }

  /** Sets the timer anew when another message or another part of it has begun, never because bytes came. */
  #watchClock(): void {
    const { phase, messages } = this.#parser
    if (phase === this.#timedPhase && (messages === this.#timedMessage || phase === 'between')) return
    clearTimeout(this.#timer)
    this.#timedPhase = phase
    this.#timedMessage = messages
    if (phase === 'between') return
    const { headerTimeoutMs, bodyTimeoutMs } = this.#options.limits
    const timeoutMs = phase === 'header' ? headerTimeoutMs : bodyTimeoutMs
    this.#timer = setTimeout(() => {
      this.#fail(violation(`its ${phase} was not whole after ${timeoutMs} ms`))
    }, timeoutMs)
  }

  #fail(reason: ConetError): void {
    if (this.#isClosed) return
    this.close()
    this.#options.onFailure(reason)
  }
}

function violation(why: string): ConetError {
  return new ConetError('protocolViolation', `read a message: ${why}`)
}

function asViolation(error: unknown): ConetError {
  if (ConetError.is(error)) return error
  return new ConetError('internal', 'read a message: a bug in its receiver', { cause: error })
}
