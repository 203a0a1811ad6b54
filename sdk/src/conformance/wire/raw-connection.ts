// One connection to a driver at the level of bytes: sends anything, reads strictly, keeps everything that happened.
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Violation } from '../checks/verdicts.ts'
import type { Transcript } from '../transcript/transcript.ts'
import { frame } from './frame.ts'
import { addressOf } from './socket-address.ts'
import { type Json, StrictParser } from './strict-parser.ts'
import { Waiters } from './waiters.ts'

const betweenPiecesMs = 2

/** The driver's socket takes no connection. */
export class DriverUnreachable extends Error {
  override readonly name = 'DriverUnreachable'
}

const mostReadBytes = 64 * 1024 * 1024

export class RawConnection implements Disposable {
  readonly transcript: Transcript
  readonly received: Json[] = []
  readonly #socket: Socket
  readonly #waiters = new Waiters()
  readonly #parser: StrictParser
  #end: { by: 'kit' | 'driver'; reason: string } | undefined
  #fault: string | undefined
  #readBytes = 0

  private constructor(socket: Socket, transcript: Transcript) {
    this.#socket = socket
    this.transcript = transcript
    this.#parser = new StrictParser((parsed) => {
      if (parsed.kind === 'fault') this.#fail(parsed.reason)
      else this.#receive(parsed.message, parsed.bytes)
    })
    transcript.add({ kind: 'opened' })
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', (error) => this.#ended('driver', error.message))
    socket.on('close', () => this.#ended('driver', 'closed'))
    socket.on('end', () => this.#ended('driver', 'closed'))
  }

  /** Rejects with DriverUnreachable. */
  static async dial(path: string, transcript: Transcript, timeoutMs: number): Promise<RawConnection> {
    let socket: Socket | undefined
    try {
      using address = addressOf(path)
      socket = connect(address.path)
      await opened(socket, timeoutMs)
      return new RawConnection(socket, transcript)
    } catch (cause) {
      socket?.destroy()
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new DriverUnreachable(`connect to ${path}: ${why}`, { cause })
    }
  }

  /** True until either side has closed it. */
  get isOpen(): boolean {
    return this.#end === undefined
  }

  /** Bytes that the driver has not taken yet. */
  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  /** One well-framed message. */
  send(message: Json): void {
    const bytes = frame(message)
    this.transcript.add({ kind: 'sent', message, bytes: bytes.length })
    this.#write(bytes)
  }

  /** Several messages in one write. */
  sendTogether(messages: readonly Json[]): void {
    for (const message of messages)
      this.transcript.add({ kind: 'sent', message, bytes: frame(message).length })
    this.#write(Buffer.concat(messages.map((message) => frame(message))))
  }

  /** A well-formed message, cut into pieces as the check likes; recorded as the message that it is. */
  sendInPieces(message: Json, pieces: readonly Buffer[]): Promise<void> {
    this.transcript.add({ kind: 'sent', message, bytes: Buffer.concat(pieces).length })
    return this.#writeOneByOne(pieces)
  }

  /** Bytes as they are: the transcript counts as abused from here on. */
  sendBytes(bytes: Buffer | string): void {
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : bytes
    this.transcript.addBytes(buffer)
    this.#write(buffer)
  }

  /** Says that nothing more will come, and goes on reading. */
  halfClose(): void {
    this.transcript.add({ kind: 'note', text: 'the kit closes its half' })
    this.#socket.end()
  }

  /** Stops reading: what the driver sends stays in the kernel, and then with the driver. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** The first message, come or to come, that `isWanted`. Rejects with a Violation: too late, ended, or unreadable. */
  async message(what: string, timeoutMs: number, isWanted: (message: Json) => boolean): Promise<Json> {
    let found: Json | undefined
    let looked = 0
    // Each message is looked at once: with a thousand answers awaited, more would take seconds.
    const find = () => {
      found ??= this.received.slice(looked).find(isWanted)
      looked = this.received.length
      return found !== undefined
    }
    await this.#waiters.until(() => find() || !this.isOpen, timeoutMs)
    if (found !== undefined) return found
    if (this.isOpen) throw new Violation(`${what}: nothing came within ${Math.round(timeoutMs)} ms`)
    throw new Violation(`${what}: the connection ended before (${this.#fault ?? this.#end?.reason})`)
  }

  /** Whether the driver has closed the connection within that time. */
  async endsWithin(timeoutMs: number): Promise<boolean> {
    await this.#waiters.until(() => !this.isOpen, timeoutMs)
    return !this.isOpen
  }

  /** May be repeated. */
  close(): void {
    this.#ended('kit', 'closed')
    this.#socket.destroy()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #write(bytes: Buffer): void {
    if (this.isOpen) this.#socket.write(bytes)
  }

  async #writeOneByOne(pieces: readonly Buffer[]): Promise<void> {
    this.#socket.setNoDelay(true)
    for (const piece of pieces) {
      if (!this.isOpen) return
      this.#socket.write(piece)
      // Some time between two, or the driver reads both at once.
      await sleep(betweenPiecesMs)
    }
  }

  /** A driver that never stops talking must not take the kit's memory. */
  #read(chunk: Buffer): void {
    this.#readBytes += chunk.length
    if (this.#readBytes <= mostReadBytes) this.#parser.push(chunk)
    else if (this.isOpen) this.#fail(`more than ${mostReadBytes} bytes on one connection`)
  }

  #receive(message: Json, bytes: number): void {
    this.transcript.add({ kind: 'received', message, bytes })
    this.received.push(message)
    this.#waiters.look()
  }

  #fail(reason: string): void {
    this.#fault = `the driver sent ${reason}`
    this.transcript.add({ kind: 'fault', reason })
    this.#ended('kit', this.#fault)
    this.#socket.destroy()
  }

  #ended(by: 'kit' | 'driver', reason: string): void {
    if (this.#end !== undefined) return
    if (by === 'driver' && this.#parser.pendingBytes > 0 && this.#fault === undefined) {
      this.transcript.add({
        kind: 'note',
        text: `${this.#parser.pendingBytes} bytes of a message that never was whole`,
      })
    }
    this.#end = { by, reason }
    this.transcript.add({ kind: 'ended', by, reason })
    this.#socket.end()
    this.#waiters.look()
  }
}

function opened(socket: Socket, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      clearTimeout(timer)
      socket.off('connect', onConnect).off('error', settle)
      if (error === undefined) resolve()
      else reject(error)
    }
    const onConnect = () => settle()
    const timer = setTimeout(() => settle(new Error(`no connection within ${timeoutMs} ms`)), timeoutMs)
    socket.once('connect', onConnect).once('error', settle)
  })
}
